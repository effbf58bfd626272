#include "daemon/mtf/media.h"

#include "daemon/mtf/limits.h"

namespace bkmon::mtf {
namespace {

/// SQL Server's own stream: GUID of the media set, a mark, the number of files it is striped over, and which of them this is.
void read_family(Bytes tape, Media& media) {
    constexpr std::uint64_t kMark = 0xF00000AD;
    const Bytes raid = stream_of(tape, "RAID");
    const auto parts = little(raid, 20, 2), part = little(raid, 24, 2);
    if (little(raid, 16, 4) != kMark || parts < 1 || parts > kMaxParts || part < 1 || part > parts) return;
    media.parts = static_cast<int>(parts);
    media.part = static_cast<int>(part);
}

}  // namespace

Media media_of(Bytes tape) {
    Media m;
    m.family = little(tape, 52, 4);
    m.soft_marks = (little(tape, 56, 4) & 1U) != 0;
    m.block = kStep * little(tape, 64, 2);
    m.logical = little(tape, 84, 2);
    m.vendor = little(tape, 86, 2);
    m.unit = std::max(m.block, m.logical);
    m.known = m.block >= kStep && m.block <= kWindow && (m.block & (m.block - 1)) == 0 && (m.logical == 512 || m.logical == 1024);
    m.software = text_at(tape, 80, static_cast<unsigned>(little(tape, 48, 1)), kMaxName);
    read_family(tape, m);
    return m;
}

}  // namespace bkmon::mtf
