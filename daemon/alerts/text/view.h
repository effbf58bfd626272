#pragma once
#include <fmt/format.h>

#include <kainjow/mustache.hpp>
#include <string>
#include <string_view>

#include "daemon/alerts/text/compose.h"

/// What the mails have in common on their way into a template. Of this room alone.
namespace bkmon::alerts::view {

using kainjow::mustache::data;
using kainjow::mustache::object;

template <class... Values>
std::string filled(Language language, Phrase p, const Values&... values) {
    return fmt::format(fmt::runtime(phrase(language, p)), values...);
}

/// For names and values as they came.
std::string safe(std::string_view text, std::size_t limit = 2000);
/// For sentences of a verdict: their escapes are not escaped again.
std::string sentence(std::string_view text, std::size_t limit = 2000);
std::string id_of(const TargetId& target, std::size_t limit = 400);
std::string when(const std::string& timezone, Time t);

/// In a template an empty text is none: its section is left out.
data optional(std::string text);
std::string tone(core::Severity severity);
std::string color(core::Severity severity);  ///< of the same tone, for readers that drop style sheets

/// After a label; French has a space before it.
std::string_view colon(Language language);

/// "bkmon main".
std::string sender(const std::string& site);
/// "Acknowledged by anna: is looking after it"; empty where nobody did.
std::string acknowledged_words(Language language, const std::string& by, const std::string& note);
std::string silence_words(Language language, const std::string& timezone, const SilenceTold& silence);

/// Adds {"label", "command"}: left out where the command could not be copied as it is.
void add_command(data& commands, std::string_view label, std::string_view command, const TargetId* target = nullptr, std::string_view rest = "");
/// What ends a held file: nothing without its hash.
void add_held(data& commands, Language language, const TargetId& target, std::string_view sha256);

/// What every mail has.
void common(object& view, Language language, const std::string& site, const std::string& version, core::Severity severity,
            const std::string& headline);

/// Subject, text and HTML of what `view` holds.
Result<Composed> render(TemplateKind kind, const Templates& templates, object view);

}  // namespace bkmon::alerts::view
