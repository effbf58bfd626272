#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "daemon/alerts/rules/group.h"
#include "daemon/alerts/text/phrases.h"
#include "daemon/alerts/text/templates.h"

namespace bkmon::alerts {

/// One target in a mail.
struct Told {
    TargetId target;
    core::Status status = core::Status::unknown, before = core::Status::unknown;
    core::Severity severity = core::Severity::unknown;
    std::string reason_code, reason;  ///< as the verdict has them
    Time problem_at{};
    std::optional<Time> last_ok_at;
    std::optional<milliseconds> lasted;  ///< of one that recovered
    // What the verdict has; each becomes a line with a label in the mail's language.
    std::optional<Time> due, backup_at;
    std::string file;
    std::optional<std::uint64_t> size_bytes;
    std::string sha256;                                         ///< of a held file: the commands that end that name it
    std::vector<std::pair<std::string, std::string>> evidence;  ///< further ones: label, value; of any bytes
};

/// A silence, as a mail tells of it.
struct SilenceTold {
    std::string what;  ///< what it covers: "outlet/*", "label region=north"
    std::optional<Time> until;
    std::string by, reason;
    std::size_t hides = 0;  ///< problems that are open behind it
};

/// What one mail says.
struct Story {
    Language language = Language::en;
    std::string site, timezone = "UTC", version;
    Time now{};
    Word word = Word::opened;
    core::Severity severity = core::Severity::unknown;  ///< the worst of them, as the rules have it
    std::vector<Told> told;                             ///< worst first; at least one
    std::string trait, value;                           ///< what they share
    std::size_t of = 0;
    std::size_t suppressed = 0;           ///< mails that a limit held back before this one
    std::optional<SilenceTold> silenced;  ///< why it is said only now
    std::string note, acked_by;           ///< who acknowledged it, and what they wrote
};

struct Composed {
    std::string subject, text, html;
};

/// Pure. Nothing of what it is given becomes syntax: values are escaped for HTML, printable in all parts, and quoted for a shell in commands.
/// At most 200 targets are listed, the rest is counted. The subject is "[SEVERITY] what happened to how many or to which (bkmon SITE)". The
/// text is folded to 78 columns, but for lines that begin with four spaces: commands. The HTML loads nothing, has dark colours for those who
/// like them, and fits 320 columns of pixels. Errc::invalid for a template that cannot be read.
Result<Composed> compose(const Story& story, const Templates& templates = {});

/// The mail of `alerts test`.
struct TestStory {
    Language language = Language::en;
    std::string site, timezone = "UTC", version;
    Time now{};
    std::string by;  ///< who asked for it
};
/// Pure, as compose(). With the built-in templates alone: it must come through whatever a user's templates say.
Result<Composed> compose_test(const TestStory& story);

}  // namespace bkmon::alerts
