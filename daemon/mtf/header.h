#pragma once
#include "daemon/mtf/reading.h"

namespace bkmon::mtf {

inline constexpr std::size_t kWindow = 64 * 1024;  ///< how much is read of each end

/// A soft filemark that somebody met who read every byte, and the two newest of those before it that it names; 0: none.
struct Filemark {
    std::uint64_t at = 0, newest = 0, second = 0;
};

/// What was read of a file.
struct View {
    Bytes head;  ///< from byte 0: kWindow, or the whole of a smaller file
    Bytes tail;  ///< the last kWindow bytes, or what `head` does not hold of a smaller file; ends at `size`
    std::uint64_t size = 0;
    Bytes third;  ///< what third_read() asked for, or nothing
    std::uint64_t third_at = 0;

    /// Of a reader of every byte, whose `third` begins at the last block SSET that stands where it says that it stands.
    bool read_through = false;
    std::span<const Filemark> filemarks;  ///< all of them, rising
};

/// Where one more read of kWindow would answer what head and tail leave open; nullopt: it would not.
std::optional<std::uint64_t> third_read(const View& view);

/// Pure; any bytes. Bounded time and memory.
Reading read(const View& view);

}  // namespace bkmon::mtf
