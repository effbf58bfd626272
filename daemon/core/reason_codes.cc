#include "daemon/core/reason_codes.h"

namespace bkmon::core {

const Reason* find_reason(std::string_view code) {
    for (const Reason& reason : kReasons)
        if (reason.code == code) return &reason;
    return nullptr;
}

}  // namespace bkmon::core
