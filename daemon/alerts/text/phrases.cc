#include "daemon/alerts/text/phrases.h"

#include <array>

namespace bkmon::alerts {
namespace {

using P = Phrase;

struct Said {
    Phrase phrase;
    std::string_view en, es, fr;
};

// In the order of Phrase: checked below.
constexpr std::array kSaid{
    Said{P::is, "{} is {}", "{} está: {}", "{} : {}"},
    Said{P::has_warning, "{} has a warning", "{} tiene un aviso", "{} a un avertissement"},
    Said{P::many_are, "{} targets are {}", "{} objetivos: {}", "{} cibles : {}"},
    Said{P::shared_are, "{} of {} targets of {} {} are {}", "{} de {} objetivos de {} {}: {}", "{} cibles sur {} de {} {} : {}"},
    Said{P::recovered, "{} has recovered", "{} se ha recuperado", "{} est rétablie"},
    Said{P::recovered_many, "{} targets have recovered", "{} objetivos se han recuperado", "{} cibles sont rétablies"},
    Said{P::recovered_shared, "{} of {} targets of {} {} have recovered", "{} de {} objetivos de {} {} se han recuperado",
         "{} cibles sur {} de {} {} sont rétablies"},
    Said{P::worse, "{} got worse: {}, now {}", "{} empeoró: {}, ahora {}", "{} s'aggrave : {}, maintenant {}"},
    Said{P::worse_many, "{} targets got worse, now {}", "{} objetivos empeoraron, ahora: {}", "{} cibles s'aggravent, maintenant : {}"},
    Said{P::better, "{} got better: {}, now {}", "{} mejoró: {}, ahora {}", "{} s'améliore : {}, maintenant {}"},
    Said{P::better_many, "{} targets got better, now {}", "{} objetivos mejoraron, ahora: {}", "{} cibles s'améliorent, maintenant : {}"},
    Said{P::reminder, "{} is still {} after {}", "{} sigue {} tras {}", "{} : toujours {} après {}"},
    Said{P::reminder_many, "{} targets are still {} after {}", "{} objetivos siguen igual ({}) tras {}", "{} cibles : toujours {} après {}"},
    Said{P::flapping, "{} changes all the time", "{} cambia todo el tiempo", "{} change sans cesse"},
    Said{P::flapping_many, "{} targets change all the time", "{} objetivos cambian todo el tiempo", "{} cibles changent sans cesse"},
    Said{P::since, "since", "desde", "depuis"},
    Said{P::until, "until", "hasta", "jusqu'au"},
    Said{P::lasted, "it lasted", "duró", "cela a duré"},
    Said{P::before, "it was", "antes", "avant"},
    Said{P::last_healthy, "last healthy backup", "última copia sana", "dernière sauvegarde saine"},
    Said{P::never, "never", "nunca", "jamais"},
    Said{P::reason, "reason", "motivo", "motif"},
    Said{P::file, "file", "archivo", "fichier"},
    Said{P::size, "size", "tamaño", "taille"},
    Said{P::due, "due", "prevista", "attendue"},
    Said{P::backup_of, "made", "hecha", "faite"},
    Said{P::targets, "Targets", "Objetivos", "Cibles"},
    Said{P::what_to_do, "What to do", "Qué hacer", "Que faire"},
    Said{P::look_further, "To look further", "Para mirar más", "Pour en savoir plus"},
    Said{P::likely_cause, "Likely cause", "Causa probable", "Cause probable"},
    Said{P::to_release, "Let it into the vault", "Dejarla entrar en la bóveda", "La laisser entrer dans le coffre"},
    Said{P::to_reject, "Drop it", "Descartarla", "L'écarter"},
    Said{P::shares, "they share {} {} ({} of {})", "comparten {} {} ({} de {})", "elles partagent {} {} ({} sur {})"},
    Said{P::and_more, "… and {} more", "… y {} más", "… et {} de plus"},
    Said{P::of_these, "for {} of these", "para {} de estos", "pour {} d'entre elles"},
    Said{P::flapping_note, "It turned bad and good again too often to be told each time. What it is then will be told once it stays.",
         "Falló y se recuperó demasiadas veces para contarlo cada vez. Se dirá cómo queda cuando se mantenga.",
         "La cible est tombée et s'est rétablie trop souvent pour le dire chaque fois. Son état sera dit quand il durera."},
    Said{P::acknowledged_by, "Acknowledged by {}", "Reconocido por {}", "Pris en compte par {}"},
    Said{P::suppressed, "Mails that the limit held back before this one: {}", "Correos que el límite retuvo antes de este: {}",
         "Courriels que la limite a retenus avant celui-ci : {}"},
    Said{P::silenced, "A silence kept this mail back: {}", "Un silencio retuvo este correo: {}", "Un silence a retenu ce courriel : {}"},
    Said{P::silence_by, "asked for by {}", "pedido por {}", "demandé par {}"},
    Said{P::silence_hides, "problems that it hides: {}", "problemas que oculta: {}", "problèmes qu'il cache : {}"},
    Said{P::made_by, "bkmon {} at {}", "bkmon {} en {}", "bkmon {} à {}"},
    Said{P::all_good, "{} of {} good", "{} de {} bien", "{} sur {} en ordre"},
    Said{P::some_bad, "{} of {} bad", "{} de {} mal", "{} sur {} en défaut"},
    Said{P::no_targets, "nothing is watched", "no se vigila nada", "rien n'est surveillé"},
    Said{P::all_well, "All is well: no problem is open.", "Todo está bien: no hay ningún problema abierto.",
         "Tout va bien : aucun problème n'est ouvert."},
    Said{P::watches_nothing, "bkmon has no target to judge: is its configuration the one that you mean?",
         "bkmon no tiene ningún objetivo que juzgar: ¿es su configuración la que usted quiere?",
         "bkmon n'a aucune cible à juger : sa configuration est-elle celle que vous voulez ?"},
    Said{P::next_digest, "The next of these mails comes on {}. If it does not come, bkmon has stopped or cannot send mails.",
         "El próximo de estos correos llega el {}. Si no llega, bkmon se ha parado o no puede enviar correos.",
         "Le prochain de ces courriels arrive le {}. S'il n'arrive pas, bkmon s'est arrêté ou ne peut pas envoyer de courriels."},
    Said{P::failed_mails, "Mails that could not be delivered: {}. See `bkmonctl alerts outbox`.",
         "Correos que no se pudieron entregar: {}. Vea `bkmonctl alerts outbox`.",
         "Courriels qui n'ont pas pu être remis : {}. Voyez `bkmonctl alerts outbox`."},
    Said{P::fleet, "All targets", "Todos los objetivos", "Toutes les cibles"},
    Said{P::new_problems, "New problems", "Problemas nuevos", "Nouveaux problèmes"},
    Said{P::still_open, "Still open", "Aún abiertos", "Toujours ouverts"},
    Said{P::recovered_since, "Recovered", "Recuperados", "Rétablies"},
    Said{P::held_files, "Held files", "Archivos retenidos", "Fichiers retenus"},
    Said{P::oldest_proofs, "Oldest proofs", "Pruebas más antiguas", "Preuves les plus anciennes"},
    Said{P::last_seven_days, "The last seven days", "Los últimos siete días", "Les sept derniers jours"},
    Said{P::silences, "Silences in force", "Silencios en vigor", "Silences en vigueur"},
    Said{P::good, "good", "bien", "en ordre"},
    Said{P::bad, "bad", "mal", "en défaut"},
    Said{P::other, "other", "otros", "autres"},
    Said{P::no_figures, "no figures", "sin cifras", "pas de chiffres"},
    Said{P::test_subject, "test mail", "correo de prueba", "courriel d'essai"},
    Said{P::test_text, "An operator asked for this mail. Whoever reads it would also read the alerts; nothing is to be done.",
         "Un operador pidió este correo. Quien lo lee también leería las alertas; no hay nada que hacer.",
         "Un opérateur a demandé ce courriel. Qui le lit lirait aussi les alertes ; il n'y a rien à faire."},
    Said{P::test_by, "Asked for by {}", "Pedido por {}", "Demandé par {}"},
};
static_assert(kSaid.size() == kPhrases);

constexpr bool in_order() {
    for (std::size_t i = 0; i < kSaid.size(); ++i)
        if (static_cast<std::size_t>(kSaid[i].phrase) != i) return false;
    return true;
}
static_assert(in_order());

using Statuses = std::array<std::string_view, core::kStatuses.size()>;
using Severities = std::array<std::string_view, 4>;

// In the order of core::kStatuses.
constexpr std::array<Statuses, 3> kStatusWords{{
    {"ok", "unchanged", "with a warning", "held", "late", "missing", "failed", "corrupt", "unreachable", "unknown", "paused"},
    {"bien", "sin cambios", "con un aviso", "retenida", "con retraso", "ausente", "fallida", "dañada", "inalcanzable", "desconocida", "en pausa"},
    {"bonne", "inchangée", "avec un avertissement", "retenue", "en retard", "absente", "échouée", "endommagée", "injoignable", "inconnue",
     "en pause"},
}};
constexpr std::array<Statuses, 3> kStatusWordsOfMany{{
    {"ok", "unchanged", "with warnings", "held", "late", "missing", "failed", "corrupt", "unreachable", "unknown", "paused"},
    {"bien", "sin cambios", "con avisos", "retenidas", "con retraso", "ausentes", "fallidas", "dañadas", "inalcanzables", "desconocidas", "en pausa"},
    {"bonnes", "inchangées", "avec des avertissements", "retenues", "en retard", "absentes", "échouées", "endommagées", "injoignables", "inconnues",
     "en pause"},
}};

// In the order of core::Severity.
constexpr std::array<Severities, 3> kSeverityWords{{
    {"OK", "WARNING", "UNKNOWN", "CRITICAL"},
    {"BIEN", "AVISO", "DESCONOCIDO", "CRÍTICO"},
    {"BON", "AVERTISSEMENT", "INCONNU", "CRITIQUE"},
}};

struct Trait {
    std::string_view en, es, fr;
};
constexpr std::array kTraits{
    Trait{"agent", "agente", "agent"},
    Trait{"credential", "credencial", "identifiant"},
    Trait{"subnet", "subred", "sous-réseau"},
    Trait{"server", "servidor", "serveur"},
    Trait{"share", "recurso compartido", "partage"},
    Trait{"scan", "exploración", "exploration"},
    Trait{"site", "sitio", "site"},
    Trait{"region", "región", "région"},
    Trait{"client", "cliente", "client"},
    Trait{"kind", "clase", "genre"},
    Trait{"mode", "modo", "mode"},
};

std::size_t at(Language language) { return static_cast<std::size_t>(language); }

}  // namespace

std::optional<Language> language_of(std::string_view code) {
    if (code == "en") return Language::en;
    if (code == "es") return Language::es;
    if (code == "fr") return Language::fr;
    return std::nullopt;
}

std::string_view code_of(Language language) {
    constexpr std::array<std::string_view, 3> kCodes{"en", "es", "fr"};
    return kCodes[at(language)];
}

std::string_view phrase(Language language, Phrase phrase) {
    const auto& said = kSaid[static_cast<std::size_t>(phrase)];
    return language == Language::en ? said.en : language == Language::es ? said.es : said.fr;
}

std::string_view status_word(Language language, core::Status status) { return kStatusWords[at(language)][static_cast<std::size_t>(status)]; }
std::string_view status_words(Language language, core::Status status) { return kStatusWordsOfMany[at(language)][static_cast<std::size_t>(status)]; }
std::string_view severity_word(Language language, core::Severity severity) {
    return kSeverityWords[at(language)][static_cast<std::size_t>(severity)];
}

std::string_view trait_word(Language language, std::string_view trait) {
    for (const auto& known : kTraits)
        if (known.en == trait) return language == Language::en ? known.en : language == Language::es ? known.es : known.fr;
    return trait;
}

}  // namespace bkmon::alerts
