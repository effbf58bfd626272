#pragma once
#include "daemon/mtf/bytes.h"

namespace bkmon::mtf {

/// What a file's first block, TAPE, says of all that follows.
struct Media {
    std::uint64_t block = 0;    ///< physical block, and the size of a soft filemark
    std::uint64_t logical = 0;  ///< what offsets in the format count in
    std::uint64_t unit = 0;     ///< the larger of both
    bool soft_marks = false;
    bool known = false;  ///< block and logical are sizes that can be
    std::uint64_t family = 0;
    std::uint64_t vendor = 0;
    std::string software;
    int part = 0, parts = 0;  ///< 0: unknown

    bool by_vendor() const { return vendor == kSqlServer; }
    bool by_name() const { return software.starts_with("Microsoft SQL Server"); }
    std::uint64_t first_set() const { return unit + block; }

    static constexpr std::uint64_t kSqlServer = 0x1200;
};

/// `tape`: a block that is_block() takes for TAPE.
Media media_of(Bytes tape);

}  // namespace bkmon::mtf
