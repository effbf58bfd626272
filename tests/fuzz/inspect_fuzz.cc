// A deposited file, byte for byte in an attacker's hands, as bkmon-inspect reads it. Beside memory safety: an answer is always given, it does not
// depend on the portions in which the file is read, the daemon's reader always accepts it, and nothing is called damaged without a code.
// Input: name, content, flags (end mark, portions, which checksums to mend, what to pack the bytes in), then the file.
#include <zlib.h>
#include <zstd.h>

#include <array>
#include <cstring>

#include "daemon/platform/inspect/content_word.h"
#include "daemon/platform/inspect/worker/stream.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace bkmon;
using namespace bkmon::inspect;

constexpr std::array kNames{"x",     "x.sql",  "x.sql.gz",     "x.zst", "x.tar.xz", "x.zip",         "x.tgz",    "x.bak",    "x.tar", "x.sql.gz.zst",
                            "x.gpg", "x.dump", "x.sql.zst.gz", "x.db",  "x.tar.gz", "x.dump.gz.age", "x.sql.xz", "x.SQL.BZ2"};
constexpr std::size_t kBlock = 512;

void put(std::string& s, std::size_t at, std::size_t width, std::uint64_t v) {
    for (std::size_t i = 0; i < width; ++i) s[at + i] = static_cast<char>(v >> 8U * i & 0xffU);
}

// No mutation finds a checksum: these are made right, so that what lies behind them is reached.

/// Every block that looks like a tar header (POSIX.1-2001: sum of its bytes, the field itself counted as blanks).
void mend_tar(std::string& s) {
    for (std::size_t at = 0; at + kBlock <= s.size(); at += kBlock) {
        if (s.compare(at + 257, 5, "ustar") != 0) continue;
        s.replace(at + 148, 8, 8, ' ');
        unsigned sum = 0;
        for (std::size_t i = 0; i < kBlock; ++i) sum += static_cast<unsigned char>(s[at + i]);
        for (std::size_t i = 6; i-- > 0; sum /= 8) s[at + 148 + i] = static_cast<char>('0' + sum % 8);
        s[at + 154] = '\0';
    }
}

/// Every block of Microsoft Tape Format: XOR of its first 25 words.
void mend_mtf(std::string& s) {
    for (std::size_t at = 0; at + 52 <= s.size(); at += kBlock) {
        const std::string_view type = std::string_view(s).substr(at, 4);
        if (std::any_of(type.begin(), type.end(), [](char c) { return c < 'A' || c > 'Z'; })) continue;
        std::uint64_t x = 0;
        for (std::size_t i = 0; i < 50; i += 2) x ^= little(bytes_of(s), at + i, 2);
        put(s, at + 50, 2, x);
    }
}

/// CRCs of stored members, in both their headers, where the directory says that they lie.
void mend_zip(std::string& s) {
    for (std::size_t at = s.find("PK\1\2"); at != std::string::npos && at + 46 <= s.size(); at = s.find("PK\1\2", at + 4)) {
        const Bytes b = bytes_of(s);
        const auto packed = little(b, at + 20, 4), offset = little(b, at + 42, 4);
        if (little(b, at + 10, 2) != 0 || offset + 30 > s.size()) continue;
        const auto data = offset + 30 + little(b, offset + 26, 2) + little(b, offset + 28, 2);
        if (data + packed > s.size()) continue;
        const auto crc = crc32_z(0, b.data() + data, static_cast<std::size_t>(packed));
        put(s, at + 16, 4, crc);
        put(s, static_cast<std::size_t>(offset) + 14, 4, crc);
    }
}

std::string gzip(const std::string& bytes) {
    std::string out(bytes.size() + 128, '\0');
    z_stream z{};
    MUST(deflateInit2(&z, 1, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    z.avail_in = static_cast<uInt>(bytes.size());
    z.next_out = reinterpret_cast<Bytef*>(out.data());
    out.resize(deflateBound(&z, static_cast<uLong>(bytes.size())) + 64);
    z.next_out = reinterpret_cast<Bytef*>(out.data());
    z.avail_out = static_cast<uInt>(out.size());
    MUST(deflate(&z, Z_FINISH) == Z_STREAM_END);
    out.resize(z.total_out);
    deflateEnd(&z);
    return out;
}

std::string zstd(const std::string& bytes) {
    std::string out(ZSTD_compressBound(bytes.size()), '\0');
    const auto n = ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), 1);
    MUST(ZSTD_isError(n) == 0);
    out.resize(n);
    return out;
}

Findings look(const std::string& file, Inquiry inquiry, std::size_t portion) {
    inquiry.size = file.size();
    const ReadAt read = [&](std::uint64_t at, std::span<unsigned char> to) -> std::optional<std::size_t> {
        if (at >= file.size()) return 0;
        const std::size_t n = std::min({to.size(), file.size() - static_cast<std::size_t>(at), portion});
        std::memcpy(to.data(), file.data() + at, n);
        return n;
    };
    return inspect_stream(read, inquiry, {16U << 20});
}

void check(const Findings& f) {
    const auto line = to_json(f);
    const auto back = from_json(line);
    MUST(back.has_value());
    MUST((f.state == Findings::State::damaged || f.state == Findings::State::not_inspected) == !f.code.empty());
    MUST(!f.format.empty() && back->state == f.state && back->code == f.code && back->content_bytes == f.content_bytes);
    MUST(fuzz::fit_to_show(f.detail) && fuzz::fit_to_show(f.format));
    MUST(line.find('\n') == std::string::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 4) return 0;
    fuzz::Input input(data, size);
    Inquiry inquiry;
    inquiry.name = kNames[input.byte() % kNames.size()];
    inquiry.content = kContentWords[input.byte() % kContentWords.size()].second;
    const unsigned how = input.byte(), wrapped = input.byte();
    inquiry.end_mark = (how & 1U) != 0;
    const std::size_t portion = (how & 2U) != 0 ? 1U + how / 4U : size * 1024;
    std::string file(input.rest());
    if ((wrapped & 1U) != 0) mend_tar(file);
    if ((wrapped & 2U) != 0) mend_mtf(file);
    if ((wrapped & 4U) != 0) mend_zip(file);
    if ((wrapped & 8U) != 0) file = gzip(file);
    if ((wrapped & 16U) != 0) file = zstd(file);
    if ((wrapped & 32U) != 0) file = gzip(file);
    const Findings f = look(file, inquiry, portion);
    check(f);
    if ((how & 2U) == 0) return 0;
    const Findings whole = look(file, inquiry, file.size() + 1);
    MUST(whole.state == f.state && whole.code == f.code && whole.format == f.format && whole.empty == f.empty && whole.database == f.database);
    return 0;
}
