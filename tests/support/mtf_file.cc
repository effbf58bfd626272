#include "tests/support/mtf_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <functional>
#include <ostream>

#include "common/base/unique_fd.h"

namespace bkmon::test {
namespace {

constexpr std::size_t kLogical = 1024;

void put(std::string& s, std::size_t at, std::size_t width, std::uint64_t v) {
    for (std::size_t i = 0; i < width; ++i) s[at + i] = static_cast<char>(v >> 8U * i & 0xffU);
}
void date(std::string& s, std::size_t at, Time utc, int zone) {
    const Time local = utc + std::chrono::minutes(zone == 127 ? 0 : 15 * zone);
    const auto day = std::chrono::floor<std::chrono::days>(local);
    const std::chrono::year_month_day d(day);
    const std::chrono::hh_mm_ss t(std::chrono::floor<seconds>(local - day));
    const std::uint64_t v = static_cast<std::uint64_t>(static_cast<int>(d.year())) << 26U | std::uint64_t{static_cast<unsigned>(d.month())} << 22U |
                            std::uint64_t{static_cast<unsigned>(d.day())} << 17U | static_cast<std::uint64_t>(t.hours().count()) << 12U |
                            static_cast<std::uint64_t>(t.minutes().count()) << 6U | static_cast<std::uint64_t>(t.seconds().count());
    for (std::size_t i = 0; i < 5; ++i) s[at + i] = static_cast<char>(v >> (32U - 8U * i) & 0xffU);
}
/// UTF-16LE of UTF-8 (which a test writes well-formed).
std::string utf16(const std::string& text) {
    std::string out;
    for (std::size_t i = 0; i < text.size();) {
        const auto c = static_cast<unsigned char>(text[i]);
        const std::size_t more = c < 0x80 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
        std::uint32_t code = more == 0 ? c : c & (0x3fU >> more);
        for (std::size_t k = 1; k <= more && i + k < text.size(); ++k) code = code << 6U | (static_cast<unsigned char>(text[i + k]) & 0x3fU);
        i += more + 1;
        const auto unit = [&](std::uint32_t u) { out += {static_cast<char>(u & 0xffU), static_cast<char>(u >> 8U)}; };
        if (code >= 0x10000) {
            unit(0xd800 + ((code - 0x10000) >> 10U));
            unit(0xdc00 + ((code - 0x10000) & 0x3ffU));
        } else {
            unit(code);
        }
    }
    return out;
}
/// Puts a text and its {size, offset} into a record; gives where the next one may lie.
std::size_t text(std::string& s, std::size_t record, std::size_t pair, std::size_t at, const std::string& utf8) {
    const auto wide = utf16(utf8);
    if (s.size() < record + at + wide.size()) s.resize(record + at + wide.size());
    put(s, record + pair, 2, wide.size());
    put(s, record + pair + 2, 2, at);
    s.replace(record + at, wide.size(), wide);
    return at + wide.size();
}
void sum(std::string& s, std::size_t at, std::size_t words, std::size_t to) {
    std::uint64_t x = 0;
    for (std::size_t i = 0; i < words; ++i)
        x ^= static_cast<std::uint64_t>(static_cast<unsigned char>(s[at + 2 * i])) |
             static_cast<std::uint64_t>(static_cast<unsigned char>(s[at + 2 * i + 1])) << 8U;
    put(s, to, 2, x);
}
std::string block(const char* type, std::uint64_t first_stream, std::size_t length) {
    std::string s(length, '\0');
    s.replace(0, 4, type);
    put(s, 8, 2, first_stream);
    s[10] = 14;
    s[11] = 1;
    s[48] = 2;
    return s;
}
void seal(std::string& s) { sum(s, 0, 25, 50); }
/// A stream's header and content, at a multiple of four; gives where the next one begins.
std::size_t stream(std::string& s, std::size_t at, const char* id, const std::string& content) {
    std::string h(22, '\0');
    h.replace(0, 4, id);
    put(h, 8, 8, content.size());
    sum(h, 0, 10, 20);
    if (s.size() < at + h.size() + content.size()) s.resize(at + h.size() + content.size());
    s.replace(at, h.size(), h);
    s.replace(at + h.size(), content.size(), content);
    return (at + h.size() + content.size() + 3) / 4 * 4;
}
void pad(std::string& s, std::size_t to) { s.append((to - s.size() % to) % to, '\0'); }

struct KindWords {
    unsigned bits;
    char letter;
    std::uint32_t flags;
};
KindWords words_of(MtfSet::Kind kind) {
    switch (kind) {
        case MtfSet::Kind::full: return {4, 'D', 0x200};
        case MtfSet::Kind::differential: return {8, 'I', 0xA00};
        case MtfSet::Kind::log: return {0x10, 'L', 0x200};
        case MtfSet::Kind::copy_only: break;
    }
    return {6, 'D', 0x600};
}

/// Pages as a database has them: a header, rows, and room that is free.
std::string pages(std::uint64_t n, std::uint64_t seed) {
    std::string s(static_cast<std::size_t>(n), '\0');
    std::uint64_t x = seed * 0x9E3779B97F4A7C15U + 1;
    for (std::size_t page = 0; page < s.size(); page += 8192) {
        s[page] = 1;
        for (std::size_t i = page + 96; i < std::min(s.size(), page + 6000); ++i) {
            x ^= x << 13U;
            x ^= x >> 7U;
            x ^= x << 17U;
            s[i] = static_cast<char>(x & 0xffU);
        }
    }
    return s;
}

/// SCIN, SFGI, and one SFIN for each database file.
std::string configuration(const MtfSet& set, bool finished) {
    const auto kind = words_of(set.kind);
    std::string scin(112, '\0');
    scin.replace(0, 4, "SCIN");
    put(scin, 8, 4, kind.flags);
    put(scin, 24, 2, 2000);
    scin[27] = 15;
    for (std::size_t at : {32U, 42U, 52U, 62U}) put(scin, at, 4, 34);
    date(scin, 72, set.started - std::chrono::hours(24 * 400), set.zone);
    date(scin, 77, set.started, set.zone);
    if (finished) date(scin, 82, set.finished, set.zone);
    scin[87] = kind.letter;
    put(scin, 94, 2, 904);
    put(scin, 96, 8, set.data);
    std::size_t next = text(scin, 0, 104, 112, set.database);
    next = text(scin, 0, 108, next, set.server);
    put(scin, 4, 4, scin.size());
    std::string all = scin;
    std::string group(20, '\0');
    group.replace(0, 4, "SFGI");
    text(group, 0, 16, 20, "PRIMARY");
    put(group, 4, 4, group.size());
    all += group;
    for (unsigned i = 0; i < set.files; ++i) {
        std::string file(1200, '\0');
        file.replace(0, 4, "SFIN");
        put(file, 4, 4, file.size());
        next = text(file, 0, 48, 100, fmt::format("{}_{}", "file", i));
        text(file, 0, 52, next, fmt::format("C:\\Data\\file_{}.mdf", i));
        all += file;
    }
    return all;
}

/// What a file is put together from: bytes, and data that may be a hole.
struct Piece {
    std::string bytes;
    std::uint64_t data = 0, seed = 0;
    bool chunk = false;  ///< of a container: packed together with its neighbours
};

class Writer {
public:
    explicit Writer(const MtfFile& file) : f_(file), p_(file.block), unit_(std::max(file.block, kLogical)) {}

    std::vector<Piece> write(MtfLayout& layout) {
        layout_ = &layout;
        tape();
        filemark();
        for (std::size_t i = 0; i < f_.sets.size(); ++i) set(f_.sets[i], i + 1);
        if (f_.padding > 0) add(std::string(static_cast<std::size_t>(f_.padding), '\0'));
        layout.size = at_;
        return std::move(pieces_);
    }

private:
    void add(std::string bytes) {
        at_ += bytes.size();
        pieces_.push_back({std::move(bytes)});
    }
    void add_block(std::string s) {
        seal(s);
        layout_->blocks.push_back(at_);
        add(std::move(s));
    }
    void align(std::size_t to) {
        if (at_ % to != 0) add(std::string(to - at_ % to, '\0'));
    }

    void tape() {
        std::string s = block("TAPE", 140, unit_);
        put(s, 4, 4, 0x30000);
        put(s, 52, 4, f_.family);
        put(s, 56, 4, f_.soft_marks ? 5 : 4);
        put(s, 60, 2, 1);
        put(s, 64, 2, p_ / 512);
        put(s, 66, 2, 3);
        put(s, 84, 2, kLogical);
        put(s, 86, 2, f_.vendor);
        date(s, 88, f_.sets.empty() ? Time() : f_.sets[0].started, 0);
        text(s, 0, 80, 96, f_.software + std::string(2, '\0'));
        std::string family(32, '\5');
        put(family, 16, 4, 0xF00000AD);
        put(family, 20, 2, f_.parts);
        put(family, 22, 2, 1);
        put(family, 24, 2, f_.part);
        stream(s, stream(s, 140, "RAID", family), "SPAD", "");
        add_block(std::move(s));
    }

    void filemark() {
        const std::uint64_t at = at_;
        std::string s = block("SFMB", p_ & 0xffffU, p_);
        put(s, 4, 4, 0x80000000);
        const std::size_t capacity = (p_ - 72) / 8, used = std::min(marks_.size(), capacity);
        put(s, 52, 4, capacity);
        put(s, 56, 4, used);
        put(s, 60, 4, 72);
        for (std::size_t i = 0; i < used; ++i) put(s, 72 + 8 * i, 8, marks_[marks_.size() - 1 - i]);
        add_block(std::move(s));
        marks_.push_back(at);
    }

    void set(const MtfSet& set, std::size_t number) {
        const std::uint64_t at = at_;
        layout_->sets.push_back(at);
        std::string s = block("SSET", 600, kLogical);
        put(s, 52, 4, words_of(set.kind).bits);
        put(s, 60, 2, f_.vendor);
        put(s, 62, 2, number);
        put(s, 80, 8, at);
        date(s, 88, set.started, set.zone);
        s[93] = 15;
        s[95] = static_cast<char>(set.zone);
        text(s, 0, 76, text(s, 0, 64, 121, "nightly"), "NT SERVICE\\SQLSERVERAGENT");
        stream(s, 600, "SPAD", "");
        add_block(std::move(s));
        s = block("VOLB", 400, kLogical);
        text(s, 0, 64, text(s, 0, 56, 100, "C:"), set.server.substr(0, set.server.find('\\')));
        date(s, 68, set.started, set.zone);
        add_block(std::move(s));
        config("MSCI", set, false);
        if (set.kind != MtfSet::Kind::log) content("MSDA", 60, set.data, number);
        content("MSTL", 596, 2 * kLogical, number + 100);
        align(p_);
        config("MSLS", set, true);
        align(p_);
        filemark();
        end(set, number);
        filemark();
        layout_->set_ends.push_back(at_);
    }

    void config(const char* type, const MtfSet& set, bool finished) {
        std::string s = block(type, 56, 56);
        stream(s, stream(s, 56, "MQCI", configuration(set, finished)), "SPAD", "");
        pad(s, 4096);
        add_block(std::move(s));
    }

    void content(const char* type, std::size_t header, std::uint64_t n, std::uint64_t seed) {
        add_block(block(type, header, kLogical));
        at_ += n;
        pieces_.push_back({{}, n, seed});
    }

    void end(const MtfSet& set, std::size_t number) {
        const std::uint64_t first = at_;
        map_.push_back(map_entry(set, number));
        add_block(end_block(set, number, 0));
        std::string content(8, '\0');
        put(content, 0, 4, f_.family);
        put(content, 4, 2, map_.size());
        for (const auto& entry : map_) content += entry;
        std::string s;
        stream(s, 0, "TSMP", content);
        pad(s, unit_);
        layout_->blocks.push_back(at_);
        add(std::move(s));
        add_block(end_block(set, number, first));
    }

    std::string end_block(const MtfSet& set, std::size_t number, std::uint64_t first) const {
        std::string s = block("ESET", 88, unit_);
        put(s, 4, 4, set.aborted ? 1U << 18U : 0U);
        put(s, 52, 4, words_of(set.kind).bits);
        put(s, 60, 8, first);
        put(s, 78, 2, number);
        date(s, 80, set.started, set.zone);
        stream(s, 88, "OTCP", "");
        return s;
    }

    std::string map_entry(const MtfSet& set, std::size_t number) const {
        std::string s(88, '\0');
        put(s, 8, 4, words_of(set.kind).bits);
        put(s, 12, 8, layout_->sets.back());
        put(s, 30, 2, number);
        put(s, 52, 8, set.data);
        put(s, 60, 2, 1);
        text(s, 0, 76, text(s, 0, 64, 88, "nightly"), "NT SERVICE\\SQLSERVERAGENT");
        date(s, 80, set.started, set.zone);
        s[85] = static_cast<char>(set.zone);
        put(s, 0, 2, s.size());
        std::string volume(52, '\0');
        text(volume, 0, 48, text(volume, 0, 40, 52, "C:"), "NORTH");
        put(volume, 0, 2, volume.size());
        return s + volume;
    }

    const MtfFile& f_;
    const std::size_t p_, unit_;
    std::uint64_t at_ = 0;
    std::vector<Piece> pieces_;
    std::vector<std::uint64_t> marks_;
    std::vector<std::string> map_;
    MtfLayout* layout_ = nullptr;
};

/// Codes of nine bits for all 512 symbols, or of eight for bytes alone: both use up all codes that there are.
class XpressWriter {
public:
    explicit XpressWriter(bool matches) : width_(matches ? 9 : 8) {
        for (int i = 0; i < 256; ++i) out_ += static_cast<char>(matches ? 0x99 : i < 128 ? 0x88 : 0);
        reserve();
    }
    void symbol(unsigned s) { bits(s, width_); }
    void bits(std::uint32_t v, unsigned n) {
        for (unsigned i = n; i-- > 0; ++written_)
            if ((v >> i & 1U) != 0) {
                // Words of 16 bits, the lower byte first, each filled from its highest bit.
                const std::size_t bit = 15 - written_ % 16, at = places_[written_ / 16] + bit / 8;
                out_[at] = static_cast<char>(static_cast<unsigned char>(out_[at]) | 1U << bit % 8);
            }
        reserve();
    }
    void byte(std::size_t v) { out_ += static_cast<char>(v); }
    std::string take() { return std::move(out_); }

private:
    /// A reader holds two words and takes the next one when it used up more than the first: bare bytes lie behind those that it has then.
    void reserve() {
        while (places_.size() < 2 + (written_ > 16 ? (written_ - 1) / 16 : 0)) {
            places_.push_back(out_.size());
            out_.append(2, '\0');
        }
    }

    const unsigned width_;
    std::string out_;
    std::vector<std::size_t> places_;
    std::size_t written_ = 0;
};

struct Match {
    std::size_t length = 0, offset = 0;
};
Match longest(const std::string& s, std::size_t at, std::vector<std::size_t>& last) {
    if (at + 3 > s.size()) return {};
    const auto key =
        (static_cast<unsigned char>(s[at]) * 65599U + static_cast<unsigned char>(s[at + 1]) * 257U + static_cast<unsigned char>(s[at + 2])) %
        last.size();
    const std::size_t from = last[key];
    last[key] = at + 1;
    if (from == 0 || at + 1 - from > 0xffff) return {};
    std::size_t n = 0;
    while (at + n < s.size() && s[from - 1 + n] == s[at + n]) ++n;
    return n < 3 ? Match{} : Match{n, at + 1 - from};
}

std::string chunk(const std::string& plain, MtfFile::Packing packing) {
    std::string data;
    if (packing == MtfFile::Packing::zstd) {
        data.resize(ZSTD_compressBound(plain.size()));
        data.resize(ZSTD_compress(data.data(), data.size(), plain.data(), plain.size(), 3));
    } else {
        data = pack_xpress(plain, packing == MtfFile::Packing::xpress);
    }
    const bool raw = data.size() > 0xffff;
    if (raw) data = plain;
    std::string s(28, '\x5a');
    s[0] = raw ? 0x24 : 0x21;
    put(s, 1, 1, plain.size() / 512);
    put(s, 2, 2, raw ? 0 : data.size());
    return s + data;
}

/// The container: media header and filemarks in clear at multiples of the block, the rest in chunks between them.
std::string packed(const MtfFile& file, MtfLayout* layout) {
    MtfFile plain = file;
    plain.packing = MtfFile::Packing::none;
    plain.padding = 0;
    MtfLayout inner;
    const std::string tape = mtf_bytes(plain, &inner);
    std::string out = "MSSQLBAK";
    out.resize(480);
    put(out, 8, 4, 2);
    put(out, 12, 4, file.packing == MtfFile::Packing::zstd ? 131 : 3);
    out.replace(16, 8, 8, '\xff');
    std::vector<std::uint64_t> marks;
    std::string pending;
    const auto flush = [&] {
        constexpr std::size_t kMost = 32768;
        for (std::size_t at = 0; at < pending.size(); at += kMost) out += chunk(pending.substr(at, kMost), file.packing);
        pending.clear();
        pad(out, std::max<std::size_t>(file.block, 4096));
    };
    for (std::uint64_t at = 0; at < tape.size(); at += 512) {
        const std::string_view piece = std::string_view(tape).substr(at, 512);
        if (!piece.starts_with("SFMB") || !std::binary_search(inner.blocks.begin(), inner.blocks.end(), at)) {
            pending += piece;
            continue;
        }
        flush();
        std::string mark = tape.substr(at, file.block);
        for (std::size_t i = 0; i < marks.size() && 72 + 8 * i < mark.size(); ++i) put(mark, 72 + 8 * i, 8, marks[marks.size() - 1 - i]);
        marks.push_back(out.size());
        if (layout != nullptr) layout->blocks.push_back(out.size());
        out += mark;
        at += file.block - 512;
        if (layout != nullptr && marks.size() % 2 == 1 && marks.size() > 1) layout->set_ends.push_back(out.size());
    }
    out.append(static_cast<std::size_t>(file.padding), '\0');
    if (layout != nullptr) layout->size = out.size();
    return out;
}

bool write_all(int fd, const std::string& bytes) {
    for (std::size_t done = 0; done < bytes.size();) {
        const auto n = write(fd, bytes.data() + done, bytes.size() - done);
        if (n <= 0) return false;
        done += static_cast<std::size_t>(n);
    }
    return true;
}

}  // namespace

std::string pack_xpress(const std::string& plain, bool matches) {
    XpressWriter out(matches);
    std::vector<std::size_t> last(1 << 15);
    for (std::size_t at = 0; at < plain.size();) {
        const Match m = matches ? longest(plain, at, last) : Match{};
        if (m.length == 0) {
            out.symbol(static_cast<unsigned char>(plain[at++]));
            continue;
        }
        unsigned bits = 0;
        while ((m.offset >> (bits + 1)) != 0) ++bits;
        const std::size_t rest = m.length - 3;
        out.symbol(256 + bits * 16 + static_cast<unsigned>(std::min<std::size_t>(rest, 15)));
        if (rest >= 15 + 255) {
            out.byte(255);
            out.byte(rest & 0xffU);
            out.byte(rest >> 8U & 0xffU);
        } else if (rest >= 15) {
            out.byte(rest - 15);
        }
        out.bits(static_cast<std::uint32_t>(m.offset - (std::size_t{1} << bits)), bits);
        at += m.length;
    }
    return out.take();
}

std::string mtf_bytes(const MtfFile& file, MtfLayout* layout) {
    if (file.packing != MtfFile::Packing::none) return packed(file, layout);
    MtfLayout mine;
    std::string out;
    for (const auto& piece : Writer(file).write(layout != nullptr ? *layout : mine))
        out += piece.data > 0 ? pages(piece.data, piece.seed) : piece.bytes;
    return out;
}

bool write_mtf(MtfFile file, const std::string& path, std::uint64_t size) {
    MtfLayout layout;
    const UniqueFd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (!fd) return false;
    if (file.packing != MtfFile::Packing::none) return write_all(fd.get(), mtf_bytes(file));
    Writer(file).write(layout);
    const std::uint64_t grain = std::max<std::uint64_t>(file.block, kLogical);
    if (size > layout.size && !file.sets.empty()) file.sets[0].data += (size - layout.size) / grain * grain;
    layout = {};
    constexpr std::uint64_t kInFull = 256 * 1024;
    for (const auto& piece : Writer(file).write(layout)) {
        if (piece.data == 0) {
            if (!write_all(fd.get(), piece.bytes)) return false;
            continue;
        }
        // The middle is nobody's business: only its beginning has pages.
        const auto n = std::min(piece.data, kInFull);
        if (!write_all(fd.get(), pages(n, piece.seed)) || lseek(fd.get(), static_cast<off_t>(piece.data - n), SEEK_CUR) < 0) return false;
    }
    return ftruncate(fd.get(), static_cast<off_t>(layout.size)) == 0;
}

mtf::Reading read_ends(const std::string& file) {
    const mtf::Bytes all(reinterpret_cast<const std::uint8_t*>(file.data()), file.size());
    mtf::View view;
    view.size = all.size();
    view.head = all.first(std::min(all.size(), mtf::kWindow));
    view.tail = all.last(std::min(all.size() - view.head.size(), mtf::kWindow));
    if (const auto at = mtf::third_read(view)) {
        view.third_at = *at;
        view.third = all.subspan(static_cast<std::size_t>(*at), std::min<std::size_t>(mtf::kWindow, all.size() - static_cast<std::size_t>(*at)));
    }
    return mtf::read(view);
}

std::string verdict(const mtf::Reading& r) { return fmt::format("{} {} {}", word(r.form), word(r.whole.value), word(r.whole.sure)); }

}  // namespace bkmon::test

namespace bkmon::mtf {
void PrintTo(const Reading& r, std::ostream* os) {
    *os << test::verdict(r) << ": " << r.why;
    for (const auto& c : r.claims) *os << "\n    " << c.question << " = " << c.answer << " [" << word(c.sure) << "] " << c.rests_on;
}
}  // namespace bkmon::mtf
