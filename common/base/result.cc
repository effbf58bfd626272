#include "common/base/result.h"

#include <cerrno>
#include <system_error>

namespace bkmon {

std::string_view name_of(Errc code) {
    switch (code) {
        case Errc::not_found: return "not_found";
        case Errc::exists: return "exists";
        case Errc::denied: return "denied";
        case Errc::busy: return "busy";
        case Errc::timeout: return "timeout";
        case Errc::invalid: return "invalid";
        case Errc::corrupt: return "corrupt";
        case Errc::unavailable: return "unavailable";
        case Errc::no_space: return "no_space";
        case Errc::cancelled: return "cancelled";
        case Errc::internal: return "internal";
    }
    return "internal";
}

Error in(std::string_view context, Error cause) {
    cause.what = std::string(context) + ": " + cause.what;
    return cause;
}

Errc errc_of(int sys_errno) {
    switch (sys_errno) {
        case ENOENT:
        case ENOTDIR: return Errc::not_found;
        case EEXIST:
        case ENOTEMPTY: return Errc::exists;
        case EACCES:
        case EPERM:
        case ELOOP:
        case EXDEV: return Errc::denied;
        case EAGAIN:
        case EBUSY:
        case ETXTBSY: return Errc::busy;
        case ETIMEDOUT: return Errc::timeout;
        case EINVAL:
        case ENAMETOOLONG: return Errc::invalid;
        case ENOSPC:
        case EDQUOT: return Errc::no_space;
        case ECANCELED: return Errc::cancelled;
        default: return Errc::unavailable;
    }
}

Failure sys_fail(std::string_view what, int sys_errno) {
    return fail(errc_of(sys_errno), std::string(what) + ": " + std::generic_category().message(sys_errno), sys_errno);
}

}  // namespace bkmon
