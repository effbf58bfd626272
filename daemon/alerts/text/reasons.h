#pragma once
#include <array>
#include <string_view>

namespace bkmon::alerts {

struct ReasonText {
    std::string_view code, es, fr;
};

/// What core::kReasons says in English, for mails in Spanish and French. Complete: a test compares the codes.
inline constexpr std::array kReasonTexts{
    ReasonText{"promoted", "Una copia reciente está comprobada y guardada en la bóveda.",
               "Une sauvegarde récente est vérifiée et rangée dans le coffre."},
    ReasonText{"same_content",
               "La copia es más nueva pero idéntica, byte a byte, a la última sana: la base de datos no cambió, o el agente envía volcados viejos.",
               "La sauvegarde est plus récente mais identique, octet par octet, à la dernière saine : la base n'a pas changé, ou l'agent envoie "
               "d'anciens exports."},
    ReasonText{"overall_status", "Todas las etapas son correctas, pero el estado global del agente dice otra cosa: lea el registro del agente.",
               "Toutes les étapes ont réussi, mais l'état global de l'agent dit autre chose : lisez le journal de l'agent."},
    ReasonText{"no_checksum_in_frame", "El archivo comprimido no lleva suma de comprobación propia: el contenido solo pudo comprobarse por su hash.",
               "Le fichier compressé ne porte pas de somme de contrôle : le contenu n'a pu être vérifié que par son empreinte."},
    ReasonText{"report_late", "Ya toca y aún no hay informe; el plazo no ha vencido.",
               "L'heure est passée, aucun rapport encore ; le délai court toujours."},
    ReasonText{"no_report", "El plazo ha vencido y no llegó ningún informe: ¿funciona el agente, llega a este servidor?",
               "Le délai est passé et aucun rapport n'est arrivé : l'agent tourne-t-il, atteint-il ce serveur ?"},
    ReasonText{"not_in_report", "El agente informó, pero no nombró esta base de datos: ¿se quitó de la lista del agente?",
               "L'agent a envoyé son rapport sans nommer cette base : l'a-t-on retirée de la liste de l'agent ?"},
    ReasonText{"report_invalid", "El informe no sirve: corrija en el agente lo que dice el motivo.",
               "Le rapport est inutilisable : corrigez sur l'agent ce que dit le motif."},
    ReasonText{"agent_mismatch", "El informe nombra a otro agente que el de su carpeta: quizá dos agentes comparten una carpeta.",
               "Le rapport nomme un autre agent que celui de son dossier : deux agents partagent peut-être un dossier."},
    ReasonText{"stage_failed", "El agente dice que una etapa falló: mire el mensaje citado en la máquina del agente.",
               "L'agent dit qu'une étape a échoué : voyez le message cité sur la machine de l'agent."},
    ReasonText{"no_file",
               "El archivo no está donde debe: el agente dice que lo envió, o nada en la carpeta tiene un nombre de los que busca el modo.",
               "Le fichier n'est pas à sa place : l'agent dit l'avoir envoyé, ou rien dans le dossier ne porte un nom que le mode cherche."},
    ReasonText{"size_mismatch", "El archivo no tiene el tamaño que dice el informe: la transferencia se cortó o el archivo fue cambiado.",
               "Le fichier n'a pas la taille annoncée : le transfert a été coupé ou le fichier modifié."},
    ReasonText{"hash_mismatch", "Los bytes no son los que el agente calculó: dañados por el camino o cambiados después.",
               "Les octets ne sont pas ceux que l'agent a calculés : abîmés en route ou modifiés ensuite."},
    ReasonText{"never_finished", "El archivo aún se estaba escribiendo al vencer el plazo.",
               "Le fichier était encore en cours d'écriture à la fin du délai."},
    ReasonText{"not_a_file",
               "Lo que hay con ese nombre es un enlace, una carpeta, un dispositivo o tiene otro nombre más: bkmon solo lee archivos simples.",
               "Ce qui porte ce nom est un lien, un dossier, un périphérique ou a un second nom : bkmon ne lit que des fichiers simples."},
    ReasonText{"unreadable", "bkmon no puede leer el archivo: revise sus permisos y su dueño.",
               "bkmon ne peut pas lire le fichier : vérifiez ses droits et son propriétaire."},
    ReasonText{"bad_name", "El nombre del archivo no es aceptable (solo letras, cifras, . _ -, sin punto inicial, 128 bytes como máximo).",
               "Le nom du fichier n'est pas acceptable (lettres, chiffres, . _ - seulement, sans point au début, 128 octets au plus)."},
    ReasonText{"too_large", "El archivo supera el límite (max_size).", "Le fichier dépasse la limite (max_size)."},
    ReasonText{"truncated", "Los datos terminan antes de lo que permite su formato.", "Les données finissent avant ce que leur format permet."},
    ReasonText{"broken_archive", "Los datos comprimidos están dañados.", "Les données compressées sont endommagées."},
    ReasonText{"wrong_type", "El contenido no es lo que dice el nombre: cifrado por otro, o es otro archivo.",
               "Le contenu n'est pas ce que dit le nom : chiffré par quelqu'un d'autre, ou un autre fichier."},
    ReasonText{"no_end_mark", "El volcado no acaba con su línea final: se cortó, o la herramienta murió.",
               "L'export ne se termine pas par sa ligne finale : il a été coupé, ou l'outil est mort."},
    ReasonText{"inspection_failed", "El contenido no pudo examinarse dentro de los límites de tiempo y memoria.",
               "Le contenu n'a pas pu être examiné dans les limites de temps et de mémoire."},
    ReasonText{"not_newer", "La copia no es más nueva que la última sana.", "La sauvegarde n'est pas plus récente que la dernière saine."},
    ReasonText{"replay", "Estos bytes ya fueron la copia de otro momento: se envió de nuevo un archivo viejo.",
               "Ces octets ont déjà été la sauvegarde d'un autre jour : un ancien fichier a été renvoyé."},
    ReasonText{"future", "La copia lleva fecha futura: revise el reloj de la máquina que la hizo.",
               "La sauvegarde est datée du futur : vérifiez l'horloge de la machine qui l'a faite."},
    ReasonText{"clock", "La hora del informe no es creíble: revise el reloj del agente.",
               "L'heure du rapport n'est pas plausible : vérifiez l'horloge de l'agent."},
    ReasonText{"size_band", "El tamaño se sale de lo que este objetivo suele tener.", "La taille sort de ce que cette cible a d'habitude."},
    ReasonText{"too_small", "El archivo es menor que min_size.", "Le fichier est plus petit que min_size."},
    ReasonText{"empty", "La copia está entera pero no contiene nada.", "La sauvegarde est entière mais ne contient rien."},
    ReasonText{"other_database", "La copia es de otra base de datos que la esperada.", "La sauvegarde est celle d'une autre base que prévu."},
    ReasonText{
        "fresh", "Hay una copia reciente donde debe estar. Se miró allí mismo, sin copiarla; el motivo dice hasta dónde pudo juzgarse su contenido.",
        "Une sauvegarde récente est à sa place. Elle a été examinée sur place, sans être copiée ; le motif dit jusqu'où son contenu a pu être jugé."},
    ReasonText{"growing", "El archivo más nuevo aún se está escribiendo: se mantiene lo que se sabía.",
               "Le fichier le plus récent est encore en cours d'écriture : ce qui était connu reste valable."},
    ReasonText{"empty_folder", "La carpeta está vacía: ¿se ejecutó alguna vez la tarea de copia, o alguien la vació?",
               "Le dossier est vide : la tâche de sauvegarde a-t-elle jamais tourné, ou l'a-t-on vidé ?"},
    ReasonText{"no_folder", "El recurso compartido existe, la carpeta no: revise la carpeta del modo y la tarea de copia del servidor.",
               "Le partage est là, le dossier non : vérifiez le dossier du mode et la tâche de sauvegarde du serveur."},
    ReasonText{"no_share", "El servidor no tiene ese recurso compartido: revise los del modo, y si ese disco sigue en el servidor.",
               "Le serveur n'a pas ce partage : vérifiez ceux du mode, et si ce disque est toujours dans le serveur."},
    ReasonText{"no_drive", "Ninguno de los recursos compartidos del modo tiene la carpeta: ¿está conectada la unidad de copias?",
               "Aucun des partages du mode n'a le dossier : le disque de sauvegarde est-il branché ?"},
    ReasonText{"too_old", "La copia más nueva es más vieja de lo que permite max_age: revise la tarea de copia de ese servidor.",
               "La sauvegarde la plus récente est plus vieille que max_age ne le permet : voyez la tâche de sauvegarde de ce serveur."},
    ReasonText{"old_copy",
               "Una copia vieja con fecha nueva: la fecha de su interior es muy anterior a la del archivo, así que fue copiada o retocada. Busque la "
               "más nueva.",
               "Une vieille sauvegarde sous une date neuve : la date inscrite précède de loin celle du fichier, il a donc été copié ou retouché. "
               "Cherchez la nouvelle."},
    ReasonText{"other_kind", "La copia es de otra clase que la esperada por el modo: completa, diferencial o de registro. Revise la tarea de copia.",
               "La sauvegarde est d'une autre sorte que le mode ne l'attend : complète, différentielle ou journal. Voyez la tâche de sauvegarde."},
    ReasonText{"other_format",
               "El archivo tiene otro formato que el de SQL Server: lo hizo otro programa, u otro archivo lleva su nombre. Indique otros patrones o "
               "desactive verify.",
               "Le fichier est dans un autre format que celui de SQL Server : un autre programme l'a fait, ou un autre fichier porte son nom. Donnez "
               "d'autres motifs de noms, ou désactivez verify."},
    ReasonText{
        "zeros",
        "El archivo solo contiene ceros donde se leyó: una copia interrumpida, o un disco que falla. Haga la copia otra vez y revise el disco.",
        "Le fichier ne contient que des zéros là où il fut lu : une copie interrompue, ou un disque qui lâche. Refaites la sauvegarde et vérifiez le "
        "disque."},
    ReasonText{"scrambled",
               "Los bytes del archivo son tan uniformes como los cifrados: si nadie lo cifra a propósito, piense en un programa malicioso y mire el "
               "servidor enseguida.",
               "Les octets du fichier sont aussi uniformes que s'ils étaient chiffrés : si nul ne le chiffre exprès, pensez à un logiciel "
               "malveillant et voyez le serveur tout de suite."},
    ReasonText{"lost_header",
               "El archivo no empieza como una copia: su comienzo se perdió o fue sobrescrito. Haga la copia otra vez y revise el disco.",
               "Le fichier ne commence pas comme une sauvegarde : son début est perdu ou écrasé. Refaites la sauvegarde et vérifiez le disque."},
    ReasonText{"damaged", "Faltan bytes de la copia, o son de otra. Haga la copia otra vez y revise el disco.",
               "Des octets de la sauvegarde manquent, ou sont ceux d'une autre. Refaites la sauvegarde et vérifiez le disque."},
    ReasonText{"maybe_damaged", "La copia parece no estar entera, pero su formato no lo demuestra: restáurela como prueba, o hágala otra vez.",
               "La sauvegarde semble incomplète, mais son format ne le prouve pas : restaurez-la pour essai, ou refaites-la."},
    ReasonText{"aborted", "El propio SQL Server abandonó la copia: vea su registro de errores en ese servidor.",
               "SQL Server a lui-même abandonné la sauvegarde : voyez son journal d'erreurs sur ce serveur."},
    ReasonText{"login_refused",
               "El servidor rechaza el inicio de sesión: revise usuario, dominio y contraseña del modo. Una cuenta rechazada no se usa más en la "
               "misma pasada, para no bloquearla.",
               "Le serveur refuse l'identification : vérifiez utilisateur, domaine et mot de passe du mode. Un compte refusé ne sert plus dans le "
               "même passage, afin de ne pas le verrouiller."},
    ReasonText{"account_locked", "La cuenta está bloqueada: desbloquéela y averigüe quién prueba con una contraseña equivocada.",
               "Le compte est verrouillé : déverrouillez-le et cherchez qui essaie avec un mauvais mot de passe."},
    ReasonText{"password_expired", "La cuenta está desactivada o caducada, o su contraseña caducó o debe cambiarse: arregle la cuenta.",
               "Le compte est désactivé ou expiré, ou son mot de passe a expiré ou doit être changé : remettez le compte en ordre."},
    ReasonText{"clock_skew", "El inicio de sesión falló porque los relojes difieren: corrija el que está mal, el del servidor o el de esta máquina.",
               "L'identification a échoué parce que les horloges diffèrent : réglez celle qui est fausse, du serveur ou de cette machine."},
    ReasonText{"access_denied", "El inicio de sesión funciona, pero no se puede leer el recurso o la carpeta: dé a la cuenta permiso de lectura.",
               "L'identification réussit, mais le partage ou le dossier ne peut être lu : donnez au compte le droit de lecture."},
    ReasonText{"name_unknown", "El nombre del servidor no se puede resolver: revise la dirección en el inventario, y el DNS.",
               "Le nom du serveur est introuvable : vérifiez l'adresse dans l'inventaire, et le DNS."},
    ReasonText{"refused", "Nadie escucha en el puerto del servidor: ¿está activo el uso compartido de archivos, lo rechaza un cortafuegos?",
               "Rien n'écoute sur le port du serveur : le partage de fichiers est-il actif, un pare-feu le refuse-t-il ?"},
    ReasonText{"unreachable", "No hay camino hasta el servidor: ¿está encendido, funciona su red?",
               "Aucun chemin ne mène au serveur : est-il allumé, son réseau marche-t-il ?"},
    ReasonText{"timeout", "El servidor no respondió a tiempo: ¿está encendido, descarta los paquetes un cortafuegos, es lenta la línea?",
               "Le serveur n'a pas répondu à temps : est-il allumé, un pare-feu jette-t-il les paquets, la ligne est-elle lente ?"},
    ReasonText{"reset", "El servidor cortó la conexión: revise su uso compartido de archivos y el camino hasta él.",
               "Le serveur a coupé la connexion : voyez son partage de fichiers et le chemin qui y mène."},
    ReasonText{
        "protocol",
        "Lo que responde no habla SMB como debe (SMB 2 o más nuevo, firmado): revise los ajustes del servidor, o lo que responde en su lugar.",
        "Ce qui répond ne parle pas SMB comme il faut (SMB 2 ou plus récent, signé) : voyez les réglages du serveur, ou ce qui répond à sa place."},
    ReasonText{"too_many", "La carpeta tiene más entradas de las que se leen: vacíela, o indique en el modo una carpeta menor.",
               "Le dossier a plus d'entrées qu'on n'en lit : videz-le, ou nommez dans le mode un dossier plus petit."},
    ReasonText{
        "worker_crashed",
        "El proceso que leía las respuestas del servidor murió por ellas; nada más fue afectado. Si se repite, averigüe qué envía ese servidor.",
        "Le processus qui lisait les réponses du serveur en est mort ; rien d'autre n'a été touché. Si cela se répète, cherchez ce que ce serveur "
        "envoie."},
    ReasonText{"scan_fault", "bkmon mismo no pudo mirar el servidor: vea su diario y repita la pasada.",
               "bkmon n'a pas pu examiner le serveur, par sa propre faute : voyez son journal et relancez le passage."},
    ReasonText{"vault_conflict", "En la bóveda estorba un nombre que bkmon no conoce; no se sobrescribió nada.",
               "Un nom inconnu de bkmon gêne dans le coffre ; rien n'a été écrasé."},
    ReasonText{"vault_unavailable", "La bóveda no puede usarse ahora; la última copia sana sigue allí. Vea `bkmonctl explain bkmon/vault`.",
               "Le coffre est inutilisable pour l'instant ; la dernière sauvegarde saine y reste. Voyez `bkmonctl explain bkmon/vault`."},
    ReasonText{
        "vault_damaged",
        "Un archivo de la bóveda ya no es lo que se guardó: se conserva y se marca, y la próxima copia sana lo sustituye. Revise el disco y haga "
        "que el agente envíe otra copia.",
        "Un fichier du coffre n'est plus ce qui y fut mis : il est gardé et marqué, et la prochaine sauvegarde saine le remplace. Vérifiez le "
        "disque et faites renvoyer une sauvegarde par l'agent."},
    ReasonText{"vault_missing", "Falta una copia en la bóveda: alguien o algo la quitó. Haga que el agente la envíe otra vez.",
               "Une sauvegarde a disparu du coffre : quelqu'un ou quelque chose l'a ôtée. Faites-la renvoyer par l'agent."},
    ReasonText{"vault_healed", "Una copia de la bóveda que no podía leerse entera vuelve a leerse: revise el disco de todos modos.",
               "Une sauvegarde du coffre qui ne se lisait plus entière se lit à nouveau : vérifiez le disque malgré tout."},
    ReasonText{"deposit_unavailable",
               "La raíz de los depósitos, o lo que bkmon anotó de ellos, no puede leerse ahora; se vuelve a intentar solo. Vea `bkmonctl explain "
               "bkmon/deposits`.",
               "La racine des dépôts, ou ce que bkmon en a noté, est illisible pour l'instant ; un nouvel essai se fait tout seul. Voyez `bkmonctl "
               "explain bkmon/deposits`."},
    ReasonText{
        "folder_changed",
        "La carpeta del agente tiene otro dueño que antes, o es un enlace: alguien la puso en lugar de la del agente. Averigüe quién; arréglelo o "
        "acepte al nuevo dueño.",
        "Le dossier de l'agent a un autre propriétaire qu'avant, ou est un lien : quelqu'un l'a mis à la place de celui de l'agent. Cherchez qui ; "
        "remettez-le en ordre ou acceptez le nouveau propriétaire."},
    ReasonText{"first_due", "Aún no se sabe nada; la primera copia toca a la hora indicada.",
               "Rien n'est encore connu ; la première sauvegarde est attendue à l'heure dite."},
    ReasonText{"no_evidence", "No hay pruebas recientes: la última es más vieja que dos intervalos.",
               "Il n'y a pas de preuve récente : la dernière a plus de deux intervalles."},
    ReasonText{"released", "Un operador liberó el archivo retenido.", "Un opérateur a libéré le fichier retenu."},
    ReasonText{"rejected", "Un operador rechazó el archivo retenido.", "Un opérateur a rejeté le fichier retenu."},
    ReasonText{"paused", "Desactivado por un operador.", "Désactivé par un opérateur."},
    ReasonText{"unexpected_agents", "Hay carpetas de agentes o bases de datos que ningún trabajo nombra: vea `bkmonctl deposits unexpected`.",
               "Des dossiers d'agents ou des bases ne sont nommés par aucune tâche : voyez `bkmonctl deposits unexpected`."},
    ReasonText{"low_space", "Un sistema de archivos que bkmon necesita está casi lleno: haga sitio antes de que no quepan más copias.",
               "Un système de fichiers nécessaire à bkmon est presque plein : faites de la place avant que plus rien n'y entre."},
    ReasonText{"disk_full",
               "El disco de los registros de bkmon está lleno: haga sitio; hasta entonces no entra nada y solo se anotan las emergencias.",
               "Le disque des registres de bkmon est plein : faites de la place ; d'ici là rien n'entre et seules les urgences sont notées."},
    ReasonText{"working", "Esta parte de bkmon funciona.", "Cette partie de bkmon fonctionne."},
    ReasonText{"history_unwritable",
               "No se puede escribir el historial: nada se juzga ni se guarda hasta que se pueda. Haga sitio en el disco de history.path; bkmond "
               "sigue solo.",
               "L'historique ne peut être écrit : rien n'est jugé ni rangé d'ici là. Faites de la place sur le disque de history.path ; bkmond "
               "reprend seul."},
    ReasonText{
        "mail_login",
        "El servidor de correo no acepta el inicio de sesión: no sale ninguna alerta. Corrija la contraseña y ejecute `bkmonctl reload`; pruébelo "
        "con `bkmonctl alerts test`.",
        "Le serveur de courriel refuse l'identification : aucune alerte ne part. Corrigez le mot de passe et lancez `bkmonctl reload` ; essayez "
        "avec `bkmonctl alerts test`."},
    ReasonText{
        "mail_tls",
        "No se puede confiar en el servidor de correo (certificado, nombre o falta de STARTTLS): no se le envía nada. Corrija su certificado o "
        "mail.ca_file.",
        "Le serveur de courriel n'est pas digne de confiance (certificat, nom ou absence de STARTTLS) : rien ne lui est envoyé. Corrigez son "
        "certificat ou mail.ca_file."},
    ReasonText{
        "mail_down",
        "El servidor de correo no acepta correo: las alertas esperan en la bandeja de salida. Revise el servidor y la red; vea `bkmonctl alerts "
        "outbox`.",
        "Le serveur de courriel n'accepte aucun message : les alertes attendent dans la boîte d'envoi. Vérifiez le serveur et le réseau ; voyez "
        "`bkmonctl alerts outbox`."},
    ReasonText{
        "mail_refused",
        "Se rechazaron correos o se desistió de enviarlos: alguien no fue avisado. Vea `bkmonctl alerts outbox` y reenvíelos con `bkmonctl alerts "
        "retry`.",
        "Des courriels ont été refusés ou abandonnés : quelqu'un n'a pas été prévenu. Voyez `bkmonctl alerts outbox` et renvoyez-les avec "
        "`bkmonctl alerts retry`."},
    ReasonText{"degraded", "Esta parte de bkmon no funciona del todo; el motivo dice por qué.",
               "Cette partie de bkmon ne fonctionne pas entièrement ; le motif dit pourquoi."},
};

}  // namespace bkmon::alerts
