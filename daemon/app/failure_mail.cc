#include "daemon/app/failure_mail.h"

#include <fmt/format.h>

#include <array>
#include <string_view>
#include <utility>

#include "common/base/html.h"
#include "common/base/text.h"
#include "daemon/core/schedule.h"

namespace bkmon::app {
namespace {

constexpr std::size_t kProblems = 10;

struct Words {
    std::string_view language, has_failed, nobody_watches, host, site, since, result, problems, last_lines, what_to_do, advice, look, start, footer;
};

constexpr std::array kWords{
    Words{"en", "{} on {} has failed", "While it is down, no backup is taken in, none is judged, and no other alert can be sent.", "host", "site",
          "since", "result", "Problems in the configuration", "Its last words", "What to do",
          "Read what it said last, mend what that names, and start it again. Backups that agents deposit meanwhile stay where they are and are taken "
          "in "
          "then.",
          "To look further:", "To start it again:", "bkmond {} on {} sent this without the daemon, through the settings under mail in {}."},
    Words{"es", "{} en {} ha fallado",
          "Mientras está parado, no se recoge ninguna copia de seguridad, ninguna se comprueba y no puede enviarse ningún otro aviso.", "equipo",
          "sitio", "desde", "resultado", "Problemas en la configuración", "Sus últimas palabras", "Qué hacer",
          "Lea lo último que dijo, corrija lo que nombra y vuelva a iniciarlo. Las copias que los agentes depositen mientras tanto se quedan donde "
          "están y se recogen después.",
          "Para ver más:", "Para volver a iniciarlo:", "bkmond {} en {} ha enviado esto sin el servicio, con los ajustes de mail en {}."},
    Words{"fr", "{} sur {} est en échec",
          "Tant qu'il est arrêté, aucune sauvegarde n'est prise en charge, aucune n'est vérifiée et aucune autre alerte ne peut partir.", "machine",
          "site", "depuis", "résultat", "Problèmes dans la configuration", "Ses derniers mots", "Que faire",
          "Lisez ce qu'il a dit en dernier, corrigez ce qui y est nommé et redémarrez-le. Les sauvegardes que les agents déposent entre-temps "
          "restent où elles "
          "sont et seront prises en charge ensuite.",
          "Pour en savoir plus :", "Pour le redémarrer :", "bkmond {} sur {} a envoyé ceci sans le service, avec les réglages mail de {}."}};

const Words& words_of(const std::string& language) {
    for (const auto& words : kWords)
        if (words.language == language) return words;
    return kWords.front();
}

/// What is said, in the order of the mail, without any form yet.
struct Said {
    std::string headline, intro;
    std::vector<std::pair<std::string, std::string>> rows;
    struct Block {
        std::string title;
        std::vector<std::string> lines;
    };
    std::vector<Block> lists, commands;
    std::string what_to_do, advice, footer;
};

Said say(const FailureNews& n, const Words& w, bool brief) {
    const auto& f = n.failure;
    Said s;
    s.headline = fmt::format(fmt::runtime(w.has_failed), f.unit, n.host);
    s.intro = w.nobody_watches;
    s.rows.emplace_back(w.host, n.host);
    s.rows.emplace_back(w.site, printable(n.site, 100));
    s.rows.emplace_back(w.since, core::local_text(f.since.value_or(n.now), n.timezone, true));
    const auto result = f.result + (f.result.empty() || f.ended.empty() ? "" : ", ") + f.ended;
    if (!result.empty()) s.rows.emplace_back(w.result, result);
    if (!n.problems.empty()) {
        Said::Block problems{std::string(w.problems), {}};
        for (std::size_t i = 0; i < n.problems.size() && i < kProblems; ++i) problems.lines.push_back(printable(n.problems[i], 400));
        if (n.problems.size() > kProblems) problems.lines.push_back(fmt::format("… +{}", n.problems.size() - kProblems));
        s.lists.push_back(std::move(problems));
    }
    if (!brief && !f.journal.empty()) s.lists.push_back({std::string(w.last_lines), f.journal});
    s.what_to_do = w.what_to_do;
    s.advice = w.advice;
    s.commands.push_back(
        {std::string(w.look), {"systemctl status " + f.unit, "journalctl -b -u " + f.unit, "bkmond --check-config --config " + n.config}});
    s.commands.push_back({std::string(w.start), {"systemctl reset-failed " + f.unit, "systemctl start " + f.unit}});
    s.footer = fmt::format(fmt::runtime(w.footer), n.version, n.host, n.config);
    return s;
}

std::string as_text(const Said& s) {
    std::size_t wide = 0;
    for (const auto& [label, value] : s.rows) wide = std::max(wide, display_width(label));
    std::string out = "[CRITICAL] " + s.headline + "\n\n" + s.intro + "\n\n";
    for (const auto& [label, value] : s.rows) out += "  " + label + std::string(wide + 2 - display_width(label), ' ') + value + "\n";
    for (const auto& list : s.lists) {
        out += "\n" + list.title + "\n";
        for (const auto& line : list.lines) out += "    " + line + "\n";
    }
    out += "\n" + s.what_to_do + "\n" + s.advice + "\n";
    for (const auto& block : s.commands) {
        out += "\n" + block.title + "\n";
        for (const auto& line : block.lines) out += "    " + line + "\n";
    }
    return out + "\n-- \n" + s.footer + "\n";
}

std::string code_block(const Said::Block& block) {
    std::string out =
        "<p><strong>" + html_escaped(block.title) + "</strong></p>\n<pre style=\"white-space:pre-wrap;overflow-wrap:anywhere;font-size:13px\">";
    for (const auto& line : block.lines) out += html_escaped(line) + "\n";
    return out + "</pre>\n";
}

std::string as_html(const Said& s, std::string_view language) {
    std::string out = fmt::format(
        "<!DOCTYPE html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, "
        "initial-scale=1\">\n"
        "<meta name=\"color-scheme\" content=\"light dark\">\n<title>{}</title>\n<style>:root {{ color-scheme: light dark; }}</style>\n</head>\n"
        "<body style=\"margin:0;padding:12px;font:15px/1.45 system-ui,sans-serif\">\n<div style=\"max-width:640px;margin:0 auto\">\n"
        "<div style=\"padding:12px 14px;border-radius:6px;background:#b3261e;color:#ffffff\"><strong>CRITICAL</strong> "
        "{}</div>\n<p>{}</p>\n<table>\n",
        language, html_escaped(s.headline), html_escaped(s.headline), html_escaped(s.intro));
    for (const auto& [label, value] : s.rows)
        out += "<tr><td style=\"padding:4px 16px 4px 0;vertical-align:top\">" + html_escaped(label) + "</td><td style=\"padding:4px 0\">" +
               html_escaped(value) + "</td></tr>\n";
    out += "</table>\n";
    for (const auto& list : s.lists) out += code_block(list);
    out += "<p><strong>" + html_escaped(s.what_to_do) + "</strong><br>\n" + html_escaped(s.advice) + "</p>\n";
    for (const auto& block : s.commands) out += code_block(block);
    return out + "<p style=\"font-size:12px\">" + html_escaped(s.footer) + "</p>\n</div>\n</body>\n</html>\n";
}

}  // namespace

alerts::Message failure_mail(const FailureNews& news, const std::string& recipient, const std::string& domain, bool brief) {
    const auto& words = words_of(news.language);
    const auto said = say(news, words, brief);
    alerts::Message m;
    m.subject = fmt::format("[CRITICAL] {} (bkmon {})", said.headline, printable(news.site, 100));
    m.date = news.now;
    m.message_id =
        alerts::message_id({"unit failed", news.failure.unit, news.host, rfc3339(news.failure.since.value_or(news.now)), recipient}, domain);
    m.text = as_text(said);
    m.html = as_html(said, words.language);
    return m;
}

}  // namespace bkmon::app
