#pragma once
#include <string>
#include <string_view>

#include "common/base/time.h"
#include "daemon/core/settings/outlets.h"

namespace bkmon::outlets {

/// A text of a server or of the process that read it, fit for a sentence. As printable(), but backslashes stay single: nobody unescapes sentences.
std::string shown(std::string_view text, std::size_t limit = 200);

/// "3 days", "1 day", below that "5 h 10 min".
std::string age_words(milliseconds age);

/// `glob` with {code} and {label:NAME} of this outlet put in, as they are spelled: their characters stand for themselves. Empty where a label
/// is asked for that the outlet has not: nothing is known to expect then.
std::string expected_database(std::string_view glob, const core::Outlet& outlet);

/// "*.bak", "*.bak or *.trn": for sentences.
std::string one_of(const std::vector<std::string>& list);

}  // namespace bkmon::outlets
