#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "daemon/platform/inspect/inspector.h"

namespace bkmon::inspect {

using Bytes = std::span<const unsigned char>;

/// Why reading cannot or need not go on.
struct Trouble {
    Findings::State state = Findings::State::damaged;
    std::string code, detail;
};
/// Nothing: go on.
using Outcome = std::optional<Trouble>;

inline Trouble broken(std::string detail) { return {Findings::State::damaged, "broken_archive", std::move(detail)}; }
inline Trouble cut_short(std::string detail) { return {Findings::State::damaged, "truncated", std::move(detail)}; }
inline Trouble wrong_type(std::string detail) { return {Findings::State::damaged, "wrong_type", std::move(detail)}; }
inline Trouble gave_up(std::string detail) { return {Findings::State::not_inspected, "inspection_failed", std::move(detail)}; }

void apply(Findings& to, Trouble trouble);

/// Takes bytes in order. After a Trouble it is given no more.
class Sink {
public:
    virtual ~Sink() = default;
    [[nodiscard]] virtual Outcome take(Bytes bytes) = 0;
};

/// Understands one kind of content while it streams by: memory bounded, no matter how much comes.
class Format : public Sink {
public:
    /// Once, after the last byte and only without a Trouble: says what was found.
    virtual void conclude(Findings& findings) = 0;
    /// "gzip+mysqldump", "mtf"; also in the middle.
    virtual std::string name() const = 0;
};

/// What is asked, and what may still be spent.
struct Inquiry {
    std::string name;  ///< the file's name, raw; its extension is a promise
    core::Content content = core::Content::auto_detect;
    bool end_mark = true;
    std::uint64_t size = 0;
    std::uint64_t output_left = 0;  ///< decompressed bytes until it is called a bomb; set by inspect_stream
};

/// The last bytes of a stream, at most kSize of them.
class Tail {
public:
    static constexpr std::size_t kSize = 1 << 16;
    void take(Bytes bytes);
    /// In order. The view lives until the next take().
    Bytes bytes();
    std::uint64_t total() const { return total_; }

private:
    std::string buffer_;  // up to twice kSize, so that most takes only append
    std::uint64_t total_ = 0;
};

inline std::string_view text_of(Bytes b) { return {reinterpret_cast<const char*>(b.data()), b.size()}; }
inline Bytes bytes_of(std::string_view s) { return {reinterpret_cast<const unsigned char*>(s.data()), s.size()}; }
inline bool all_zero(Bytes b) { return b.empty() || (b[0] == 0 && std::equal(b.begin() + 1, b.end(), b.begin())); }

/// Little endian, with bounds: what lies outside reads as 0.
inline std::uint64_t little(Bytes b, std::size_t at, std::size_t width) {
    std::uint64_t v = 0;
    if (at > b.size() || b.size() - at < width) return 0;
    for (std::size_t i = width; i-- > 0;) v = v << 8 | b[at + i];
    return v;
}

}  // namespace bkmon::inspect
