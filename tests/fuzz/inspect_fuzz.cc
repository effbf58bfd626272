// A deposited file, byte for byte in an attacker's hands, as bkmon-inspect reads it. Beside memory safety: an answer is always given, the
// daemon's reader always accepts it, and nothing is called damaged without a code.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

#include "daemon/platform/inspect/content_word.h"
#include "daemon/platform/inspect/worker/stream.h"

namespace {

void must(bool kept) {
    if (!kept) std::abort();
}

constexpr std::array kNames{"x", "x.sql", "x.sql.gz", "x.zst", "x.tar.xz", "x.zip", "x.tgz", "x.bak", "x.tar", "x.sql.gz.zst", "x.gpg", "x.dump"};

}  // namespace

// The first bytes choose name, content, end mark and how the file is read in portions; the rest is the file.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace bkmon::inspect;
    if (size < 3) return 0;
    Inquiry inquiry;
    inquiry.name = kNames[data[0] % kNames.size()];
    inquiry.content = kContentWords[data[1] % kContentWords.size()].second;
    inquiry.end_mark = (data[2] & 1) != 0;
    const std::size_t portion = (data[2] & 2) != 0 ? 1U + data[2] / 4U : size;
    data += 3;
    size -= 3;
    inquiry.size = size;
    const ReadAt read = [&](std::uint64_t at, std::span<unsigned char> to) -> std::optional<std::size_t> {
        if (at >= size) return 0;
        const std::size_t n = std::min({to.size(), size - static_cast<std::size_t>(at), portion});
        std::memcpy(to.data(), data + at, n);
        return n;
    };
    const Findings f = inspect_stream(read, inquiry, {16U << 20});
    const auto back = from_json(to_json(f));
    must(back.has_value());
    must((f.state == Findings::State::damaged || f.state == Findings::State::not_inspected) == !f.code.empty());
    must(!f.format.empty() && back->state == f.state && back->code == f.code && back->content_bytes == f.content_bytes);
    return 0;
}
