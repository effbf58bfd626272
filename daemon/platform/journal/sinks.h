#pragma once
#include <memory>
#include <string>

#include "daemon/platform/journal/queued_journal.h"

namespace bkmon::journal {

/// Lines for people and for what collects a program's stderr. Fields without a value are left out.
enum class LineStyle {
    plain,     ///< "2026-11-22T03:04:05Z warning: text [BKMON_TARGET=…]"
    priority,  ///< "<4>text [BKMON_TARGET=…]": the journal reads the number and knows the time
};
std::string line_of(const Entry& entry, LineStyle style);

/// Fields as the journal takes them, "NAME=value", in the order MESSAGE, PRIORITY, MESSAGE_ID, BKMON_MESSAGE, then the entry's own.
/// Fields whose name the journal would drop (not [A-Z][A-Z0-9_]*, at most 64) are left out, and those without a value.
std::vector<std::string> journal_fields(const Entry& entry);

/// True when somebody listens on the journal's native socket. sd_journal_send() itself says nothing when nobody does.
bool journal_listens();

/// True when $JOURNAL_STREAM names the file that stderr is: then stderr is the journal.
bool stderr_is_journal();

/// Structured entries while the journal's socket answers, lines on stderr while it does not; never both for one entry.
std::unique_ptr<Sink> make_sink();

}  // namespace bkmon::journal
