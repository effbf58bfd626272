#pragma once
#include "daemon/platform/inspect/worker/format.h"

namespace bkmon::inspect {

/// Reads up to the span's size at an offset; 0 at the end; nullopt when the device fails.
using ReadAt = std::function<std::optional<std::size_t>(std::uint64_t offset, std::span<unsigned char> to)>;

struct Limits {
    std::uint64_t output = 0;  ///< decompressed bytes; 0: max(64 GiB, 1000 x size)
};

/// Looks at a file from its first to its last byte and says what it is and whether it is whole. Pure apart from `read`; memory bounded
/// (some hundred MiB for the largest windows); may throw std::bad_alloc.
Findings inspect_stream(const ReadAt& read, Inquiry inquiry, Limits limits = {});

}  // namespace bkmon::inspect
