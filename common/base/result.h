#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace bkmon {

/// What went wrong, as far as a caller may want to branch on it. The text carries the rest.
enum class Errc : std::uint8_t {
    not_found,  ///< no such file, row, target, run
    exists,     ///< the name is taken
    denied,     ///< rights
    busy,       ///< locked, leased, being written; may work later
    timeout,
    invalid,      ///< the input is wrong; trying again will not help
    corrupt,      ///< bytes that should be right are not
    unavailable,  ///< a disk, server or process cannot be used now
    no_space,     ///< ENOSPC or EDQUOT
    cancelled,
    internal,  ///< a broken assumption of ours
};

/// "not_found", "exists", ... as the control protocol spells them.
std::string_view name_of(Errc code);

struct Error {
    Errc code = Errc::internal;
    std::string what;   ///< Context first, cause last: "promote 'a.tar': rename: No space left on device".
    int sys_errno = 0;  ///< 0 when no system call failed.
};

/// A value or an Error. A function returns its error or logs it, never both.
template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
public:
    using tl::expected<T, Error>::expected;
};

using Failure = tl::unexpected<Error>;

/// `return fail(Errc::invalid, "...")` from any function that returns a Result.
inline Failure fail(Errc code, std::string what, int sys_errno = 0) { return Failure(Error{code, std::move(what), sys_errno}); }
inline Failure fail(Error error) { return Failure(std::move(error)); }

/// Puts context before the cause: `return fail(in("promote 'a.tar'", std::move(result.error())))`.
Error in(std::string_view context, Error cause);

/// From errno: code by kind of errno, text "<what>: <strerror>".
Failure sys_fail(std::string_view what, int sys_errno);
Errc errc_of(int sys_errno);

}  // namespace bkmon
