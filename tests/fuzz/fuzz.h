// What the fuzzers share: a promise that must hold, and an input cut into the arguments of what is tried.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/base/text.h"

namespace bkmon::fuzz {

/// Aborts when a promise is broken: libFuzzer then keeps the input. A macro, so that the stack names the line.
#define MUST(kept)                 \
    do {                           \
        if (!(kept)) std::abort(); \
    } while (false)

/// Takes arguments off the front of an input; what is missing is zero or empty.
class Input {
public:
    Input(const std::uint8_t* data, std::size_t size) : rest_(reinterpret_cast<const char*>(data), size) {}
    explicit Input(std::string_view bytes) : rest_(bytes) {}

    std::uint8_t byte() {
        const auto one = take(1);
        return one.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(one.front());
    }
    /// Little endian.
    std::uint64_t number(std::size_t bytes) {
        std::uint64_t value = 0;
        std::size_t i = 0;
        for (const char c : take(bytes)) value |= std::uint64_t{static_cast<std::uint8_t>(c)} << 8U * i++;
        return value;
    }
    std::string_view take(std::size_t n) {
        const auto taken = rest_.substr(0, n);
        rest_.remove_prefix(taken.size());
        return taken;
    }
    /// Up to the next NUL, which goes too.
    std::string_view part() {
        const auto end = rest_.find('\0');
        const auto taken = rest_.substr(0, end);
        rest_.remove_prefix(std::min(rest_.size(), taken.size() + 1));
        return taken;
    }
    std::string_view rest() const { return rest_; }
    bool done() const { return rest_.empty(); }

private:
    std::string_view rest_;
};

/// One line that can be shown anywhere: what every sentence about bytes from outside must be.
inline bool fit_to_show(std::string_view text) {
    // Nothing left to escape: only backslashes double.
    std::string doubled;
    for (const char c : text) doubled += c == '\\' ? "\\\\" : std::string(1, c);
    return valid_utf8(text) && printable(text, std::string::npos) == doubled;
}

inline bool speaks(const Error& error) { return error.code == Errc::invalid && !error.what.empty() && fit_to_show(error.what); }

}  // namespace bkmon::fuzz
