#pragma once
#include <string_view>

#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace bkmon::files {

/// How a relative path is walked. Both refuse symbolic links, "..", absolute paths and other mounts.
enum class Walk {
    kernel,        ///< one openat2(2)
    by_component,  ///< openat(2) and O_NOFOLLOW for each part: where a seccomp filter hides openat2 (systemd's RestrictSUIDSGID= gives ENOSYS)
};

/// Opens `relative` beneath `dir`. Errc::denied (ELOOP, EXDEV) for what leaves `dir`; Errc::invalid for NUL bytes and empty parts.
Result<UniqueFd> open_beneath(int dir, std::string_view relative, int flags, Walk walk);

/// Walk::kernel when this process may call openat2 now.
Walk usable_walk();

/// Ok for one component: not empty, no slash, no NUL, neither "." nor "..".
Result<void> check_name(std::string_view name);

}  // namespace bkmon::files
