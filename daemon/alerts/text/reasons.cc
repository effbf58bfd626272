#include "daemon/alerts/text/reasons.h"

#include "daemon/alerts/text/phrases.h"
#include "daemon/core/reason_codes.h"

namespace bkmon::alerts {

std::string_view meaning(Language language, std::string_view reason_code) {
    if (language != Language::en)
        for (const auto& r : kReasonTexts)
            if (r.code == reason_code) return language == Language::es ? r.es : r.fr;
    const auto* reason = core::find_reason(reason_code);
    return reason != nullptr ? reason->meaning : std::string_view();
}

}  // namespace bkmon::alerts
