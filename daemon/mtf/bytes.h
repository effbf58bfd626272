#pragma once
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/mtf/header.h"

namespace bkmon::mtf {

// What the blocks of Microsoft Tape Format are made of (Microsoft Tape Format Specification 1.00a rev. 1.8). All numbers are little endian;
// what lies outside of what was read is 0 or empty, so that no offset of a hostile file reaches outside.

inline constexpr std::size_t kHeader = 52;  ///< the part that all blocks have
inline constexpr std::size_t kStep = 512;   ///< blocks begin at multiples of it
inline constexpr std::size_t kStreamHeader = 22;

std::uint64_t little(Bytes bytes, std::uint64_t at, std::size_t width);
Bytes from(Bytes bytes, std::uint64_t at);
std::string_view text_of(Bytes bytes);
bool all_zero(Bytes bytes);
/// Shannon entropy, bits a byte.
double entropy(Bytes bytes);

/// True when a block of this type begins here and its checksum (XOR of its first 25 words) holds.
bool is_block(Bytes at, std::string_view type);

/// A text by the {size, offset} pair at `pair` of a record that the offset counts from; `type`: 1 ANSI, 2 UTF-16LE. UTF-8 of at most `most` bytes.
std::string text_at(Bytes record, std::size_t pair, unsigned type, std::size_t most);

/// Five bytes: year 14 bits, month 4, day 5, hour 5, minute 6, second 6. Of the writer's wall clock, without a zone; nullopt: unknown or no date.
std::optional<Time> date_at(Bytes bytes, std::size_t at);

/// The content, as far as it was read, of a block's stream of this name; empty when it has none.
Bytes stream_of(Bytes block, std::string_view id);

/// What was read of a file: windows that touch become one, the others stay where they are. The view's bytes must outlive it.
class Seen {
public:
    explicit Seen(const View& view);
    Seen(const Seen&) = delete;
    Seen& operator=(const Seen&) = delete;

    std::uint64_t size() const { return size_; }
    /// From this byte of the file on, as far as was read without a gap; empty: not read.
    Bytes at(std::uint64_t offset) const;
    bool has(std::uint64_t offset, std::uint64_t bytes) const { return at(offset).size() >= bytes; }
    /// The last window, and where it begins: it ends where the file ends, or is empty.
    Bytes tail() const;
    std::uint64_t tail_at() const { return size_ - tail().size(); }
    bool only_zeros() const;

private:
    struct Piece {
        std::uint64_t at;
        Bytes bytes;
        std::vector<std::uint8_t> joined;  ///< what `bytes` is of, when it was several windows
    };
    void add(Bytes bytes, std::uint64_t at);

    std::uint64_t size_;
    std::vector<Piece> pieces_;
};

}  // namespace bkmon::mtf
