#include "tests/unit/daemon/platform/inspect/worker/making.h"

#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <cstring>
#include <ostream>

namespace bkmon::inspect::test {
namespace {

unsigned char* raw(std::string& s) { return reinterpret_cast<unsigned char*>(s.data()); }
const unsigned char* raw(const std::string& s) { return reinterpret_cast<const unsigned char*>(s.data()); }

std::string deflate_with(const std::string& bytes, int window_bits, int level) {
    z_stream z{};
    deflateInit2(&z, level, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY);
    std::string out(deflateBound(&z, bytes.size()) + 64, '\0');
    z.next_in = const_cast<unsigned char*>(raw(bytes));
    z.avail_in = static_cast<uInt>(bytes.size());
    z.next_out = raw(out);
    z.avail_out = static_cast<uInt>(out.size());
    deflate(&z, Z_FINISH);
    out.resize(z.total_out);
    deflateEnd(&z);
    return out;
}

std::string le(std::uint64_t v, int width) {
    std::string s;
    for (int i = 0; i < width; ++i) s += static_cast<char>(v >> (8 * i) & 0xff);
    return s;
}

std::string tar_header(const std::string& name, std::size_t size, char type) {
    std::string h(512, '\0');
    const auto put = [&h](std::size_t at, const std::string& s) { h.replace(at, s.size(), s); };
    char octal[16];
    put(0, name.substr(0, 99));
    put(100, "0000644");
    std::snprintf(octal, sizeof octal, "%011zo", size);
    put(124, octal);
    put(136, "00000000000");
    put(148, "        ");
    h[156] = type;
    put(257, std::string("ustar\00000", 8));
    unsigned sum = 0;
    for (char c : h) sum += static_cast<unsigned char>(c);
    std::snprintf(octal, sizeof octal, "%06o", sum);
    put(148, octal);
    h[154] = '\0';
    h[155] = ' ';
    return h;
}

std::string padded(std::string s) { return s.append((512 - s.size() % 512) % 512, '\0'); }

}  // namespace

Findings look(const std::string& name, const std::string& bytes, Asked asked) {
    Inquiry inquiry;
    inquiry.name = name;
    inquiry.content = asked.content;
    inquiry.end_mark = asked.end_mark;
    inquiry.size = bytes.size();
    const ReadAt read = [&](std::uint64_t at, std::span<unsigned char> to) -> std::optional<std::size_t> {
        if (at >= bytes.size()) return 0;
        const std::size_t n = std::min({to.size(), bytes.size() - static_cast<std::size_t>(at), asked.portion});
        std::memcpy(to.data(), bytes.data() + at, n);
        return n;
    };
    return inspect_stream(read, inquiry, {asked.output_limit});
}

std::string gzip(const std::string& bytes, int level) { return deflate_with(bytes, 15 + 16, level); }

std::string zstd(const std::string& bytes, bool checksum, int window_log) {
    ZSTD_CCtx* c = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, checksum ? 1 : 0);
    if (window_log > 0) {
        ZSTD_CCtx_setParameter(c, ZSTD_c_windowLog, window_log);
        ZSTD_CCtx_setParameter(c, ZSTD_c_contentSizeFlag, 0);
    }
    std::string out(ZSTD_compressBound(bytes.size()) + 64, '\0');
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    ZSTD_outBuffer to{out.data(), out.size(), 0};
    // Two calls, so that the frame cannot know its size beforehand and keeps the window asked for.
    if (window_log > 0) ZSTD_compressStream2(c, &to, &in, ZSTD_e_flush);
    ZSTD_compressStream2(c, &to, &in, ZSTD_e_end);
    out.resize(to.pos);
    ZSTD_freeCCtx(c);
    return out;
}

std::string xz(const std::string& bytes, bool check) {
    std::string out(lzma_stream_buffer_bound(bytes.size()), '\0');
    std::size_t n = 0;
    lzma_easy_buffer_encode(1, check ? LZMA_CHECK_CRC64 : LZMA_CHECK_NONE, nullptr, raw(bytes), bytes.size(), raw(out), &n, out.size());
    out.resize(n);
    return out;
}

std::string zip(const std::vector<ZipMember>& members, const std::string& comment) {
    std::string out, directory;
    for (const auto& m : members) {
        const std::string packed = m.deflate ? deflate_with(m.bytes, -15, 6) : m.bytes;
        const auto method = static_cast<std::uint64_t>(m.method >= 0 ? m.method : m.deflate ? 8 : 0);
        const auto crc = crc32_z(0, raw(m.bytes), m.bytes.size());
        const std::string common =
            le(m.flags, 2) + le(method, 2) + le(0x5a210000, 4) + le(crc, 4) + le(packed.size(), 4) + le(m.bytes.size(), 4) + le(m.name.size(), 2);
        directory += std::string("PK\1\2") + le(20, 2) + le(20, 2) + common + le(0, 2) + le(0, 2) + le(0, 2) + le(0, 2) + le(0, 4) +
                     le(out.size(), 4) + m.name;
        out += std::string("PK\3\4") + le(20, 2) + common + le(0, 2) + m.name + packed;
    }
    const auto at = out.size();
    return out + directory + "PK\5\6" + le(0, 4) + le(members.size(), 2) + le(members.size(), 2) + le(directory.size(), 4) + le(at, 4) +
           le(comment.size(), 2) + comment;
}

std::string tar(const std::vector<TarMember>& members, int end_blocks) {
    std::string out;
    for (const auto& m : members) {
        if (m.pax_size) {
            std::string record = " size=" + std::to_string(m.bytes.size()) + "\n";
            record = std::to_string(record.size() + 2) + record;
            out += tar_header("pax", record.size(), 'x') + padded(record);
        }
        out += tar_header(m.name, m.pax_size ? 0 : m.bytes.size(), '0') + padded(m.bytes);
    }
    return out + std::string(static_cast<std::size_t>(end_blocks) * 512, '\0');
}

std::string noise(std::size_t n) {
    std::string s(n, '\0');
    std::uint64_t x = 88172645463325252ULL;
    for (char& c : s) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        c = static_cast<char>(x >> 24);
    }
    return s;
}

std::string mysql_dump(const std::string& rows) {
    return "/*M!999999\\- enable the sandbox mode */ \n-- MariaDB dump 10.19  Distrib 10.11.19-MariaDB, for debian-linux-gnu (x86_64)\n--\n"
           "-- Host: localhost    Database: SDMC_2023\n-- ------------------------------------------------------\n-- Server "
           "version\t10.11.19-MariaDB-0+deb12u1\n\n"
           "DROP TABLE IF EXISTS `t`;\nCREATE TABLE `t` (\n  `a` int(11) DEFAULT NULL\n) ENGINE=InnoDB;\n" +
           rows + "/*!40111 SET SQL_NOTES=@OLD_SQL_NOTES */;\n\n-- Dump completed on 2025-06-12 12:56:06\n";
}

}  // namespace bkmon::inspect::test

namespace bkmon::inspect {

std::string verdict(const Findings& f) {
    static constexpr const char* kWords[] = {"whole", "damaged", "not_applicable", "not_inspected"};
    std::string s = kWords[static_cast<int>(f.state)];
    if (!f.code.empty()) s += " " + f.code;
    if (f.empty) s += " empty";
    if (!f.checksum_in_frame) s += " unchecked";
    return s;
}

void PrintTo(const Findings& f, std::ostream* os) { *os << verdict(f) << " [" << f.format << "]: " << f.detail; }

}  // namespace bkmon::inspect
