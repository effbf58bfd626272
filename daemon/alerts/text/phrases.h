#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/time.h"
#include "daemon/core/status.h"

namespace bkmon::alerts {

enum class Language : std::uint8_t { en, es, fr };
std::optional<Language> language_of(std::string_view code);
std::string_view code_of(Language language);  ///< "en"

/// Words of the built-in mails. `{}` stands for what is filled in, in the order of the comment.
enum class Phrase : std::uint8_t {
    // What happened: subjects.
    is,                ///< target, status
    has_warning,       ///< target
    many_are,          ///< count, statuses
    shared_are,        ///< count, of how many, trait, value, statuses
    recovered,         ///< target
    recovered_many,    ///< count
    recovered_shared,  ///< count, of how many, trait, value
    worse,             ///< target, status before, status now
    worse_many,        ///< count, statuses now
    better,            ///< target, status before, status now
    better_many,       ///< count, statuses now
    reminder,          ///< target, status, age
    reminder_many,     ///< count, statuses, age
    flapping,          ///< target
    flapping_many,     ///< count
    // Labels and headings.
    since,
    until,
    lasted,  ///< how long the problem was there
    before,  ///< what it was
    last_healthy,
    never,
    reason,
    file,
    size,
    due,
    backup_of,  ///< when the backup was made
    targets,
    what_to_do,
    look_further,
    likely_cause,
    to_release,  ///< before a command
    to_reject,   ///< before a command
    // Sentences.
    shares,           ///< trait, value, count, of how many
    and_more,         ///< count
    of_these,         ///< count: of a reason that several have
    flapping_note,    ///<
    acknowledged_by,  ///< who
    suppressed,       ///< count: mails that a limit held back
    silenced,         ///< what kept this mail back
    silence_by,       ///< who asked for it
    silence_hides,    ///< count of problems
    made_by,          ///< version, site: footer
    // The digest.
    all_good,         ///< good, total
    some_bad,         ///< bad, total
    no_targets,       ///< subject
    all_well,         ///< sentence
    watches_nothing,  ///< sentence
    next_digest,      ///< when
    failed_mails,     ///< count
    fleet,
    new_problems,
    still_open,
    recovered_since,
    held_files,
    oldest_proofs,
    last_seven_days,
    silences,
    good,   ///< legend of the trend
    bad,    ///< legend of the trend
    other,  ///< legend of the trend
    no_figures,
    // The test mail.
    test_subject,
    test_text,
    test_by,  ///< who
    count_
};
inline constexpr std::size_t kPhrases = static_cast<std::size_t>(Phrase::count_);

std::string_view phrase(Language language, Phrase phrase);
std::string_view status_word(Language language, core::Status status);   ///< "missing", "ausente", "absente": fit for Phrase::is
std::string_view status_words(Language language, core::Status status);  ///< of many
std::string_view severity_word(Language language, core::Severity severity);

/// The name of a trait as the grouping knows it ("agent", "credential", "subnet", …); any other is returned as it is.
std::string_view trait_word(Language language, std::string_view trait);

/// What a reason code means and what is to be done; empty for one that is not known.
std::string_view meaning(Language language, std::string_view reason_code);

/// "22 Nov 2026", "22 nov. 2026" and "Sun 22 Nov", "dim. 22 nov." of a date "2026-11-22"; what is no date is returned as it is.
std::string date_words(Language language, std::string_view date);
std::string day_words(Language language, std::string_view date);

/// As bkmon::duration_words, in that language.
std::string duration_words(Language language, milliseconds d);

}  // namespace bkmon::alerts
