#pragma once
#include <cstdint>
#include <vector>

#include "daemon/mtf/reading.h"

namespace bkmon::mtf {

/// One block of LZ77 with Huffman codes as [MS-XCA] 2.2 describes it: a table of 512 code lengths, then codes in words of 16 bits.
/// At most `most` bytes; less when the input ends or is broken: what was unpacked until then. Empty: the table is no set of codes.
std::vector<std::uint8_t> unpack_xpress(Bytes in, std::size_t most);

}  // namespace bkmon::mtf
