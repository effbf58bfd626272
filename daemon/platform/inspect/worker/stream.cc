#include "daemon/platform/inspect/worker/stream.h"

#include <fmt/format.h>

#include <vector>

#include "common/base/text.h"
#include "daemon/platform/inspect/worker/kind.h"
#include "daemon/platform/inspect/worker/layer.h"
#include "daemon/platform/inspect/worker/zip.h"

namespace bkmon::inspect {
namespace {

constexpr std::size_t kInput = 1 << 18;
constexpr std::uint64_t kOutputFloor = std::uint64_t{64} << 30;

Findings not_looked_at(std::string format, std::string detail) {
    Findings f;
    f.state = Findings::State::not_applicable;
    f.format = std::move(format);
    f.detail = std::move(detail);
    return f;
}

void read_through(const ReadAt& read, Inquiry& inquiry, Findings& f) {
    Layer layer(inquiry, inquiry.name, 0);
    std::vector<unsigned char> buffer(kInput);
    std::uint64_t at = 0;
    while (true) {
        const auto n = read(at, buffer);
        if (!n) return apply(f, gave_up(fmt::format("the file cannot be read at byte {}", at)));
        if (*n == 0) break;
        at += *n;
        if (auto bad = layer.take(Bytes(buffer.data(), *n))) {
            f.format = layer.name();
            return apply(f, std::move(*bad));
        }
    }
    if (at != inquiry.size)
        return apply(f, gave_up(fmt::format("the file has {} bytes instead of {}: it changed while it was read", at, inquiry.size)));
    layer.conclude(f);
}

/// However few bytes a read gives.
bool starts_as_zip(const ReadAt& read) {
    std::vector<unsigned char> start(4);
    for (std::size_t have = 0; have < start.size();) {
        const auto n = read(have, std::span(start).subspan(have));
        if (!n || *n == 0) return false;
        have += *n;
    }
    return sniff(start) == Kind::zip;
}

}  // namespace

Findings inspect_stream(const ReadAt& read, Inquiry inquiry, Limits limits) {
    inquiry.output_left =
        limits.output > 0 ? limits.output : std::max(kOutputFloor, inquiry.size > (std::uint64_t{1} << 54) ? ~std::uint64_t{0} : inquiry.size * 1000);
    Findings f;
    if (inquiry.size == 0) {
        Layer(inquiry, inquiry.name, 0).conclude(f);
    } else if (inquiry.content == core::Content::opaque) {
        f = not_looked_at("opaque", "the job says content: opaque");
    } else if (encrypted_name(inquiry.name)) {
        f = not_looked_at("encrypted", "encrypted, as its name says: nothing can be asked of its content");
    } else {
        if (starts_as_zip(read))
            inspect_zip(read, inquiry, f);
        else
            read_through(read, inquiry, f);
    }
    if (f.format.empty()) f.format = "unknown";
    return f;
}

}  // namespace bkmon::inspect
