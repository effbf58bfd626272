#include <gtest/gtest.h>

#include "tests/unit/daemon/platform/inspect/worker/making.h"

namespace bkmon::inspect::test {
namespace {

/// Writes backups as SQL Server does: media header, sets between soft filemarks, absolute offsets in each filemark.
class Tape {
public:
    explicit Tape(std::size_t block = 512, unsigned families = 1) : p_(block), unit_(std::max<std::size_t>(block, 1024)) {
        std::string h = header("TAPE", 140, unit_);
        put(h, 52, 4, 0xabad1dea);
        put(h, 56, 4, 5);
        put(h, 64, 2, p_ / 512);
        put(h, 84, 2, 1024);
        put(h, 86, 2, 0x1200);
        stream(h, 140, "RAID", 32);
        put(h, 140 + 22 + 20, 2, families);
        put(h, 140 + 22 + 24, 2, 1);
        block_out(h);
        mark();
    }

    Tape& set(const std::string& database, unsigned bits = 4, char letter = 'D', std::size_t pages = 40) {
        const std::size_t at = out_.size();
        std::string sset = header("SSET", 200, 1024);
        put(sset, 52, 4, bits);
        put(sset, 80, 8, at);
        date(sset, 88, 2024, 12, 9, 18, 58, 10);
        sset[95] = static_cast<char>(-20);  // UTC-5
        block_out(sset);
        block_out(header("VOLB", 100, 1024));
        block_out(configuration("MSCI", database, letter, false));
        block_out(header("MSDA", 60, 1024) + noise(pages * 8192));
        block_out(configuration("MSLS", database, letter, true));
        pad(p_);
        mark();
        const std::size_t first = out_.size();
        std::string eset = header("ESET", 88, unit_);
        put(eset, 4, 4, aborted_ ? 1U << 18 : 0);
        block_out(eset);
        block_out(std::string(unit_, '\1'));
        std::string again = header("ESET", 88, unit_);
        put(again, 60, 8, first);
        block_out(again);
        mark();
        return *this;
    }
    Tape& aborted() {
        aborted_ = true;
        return *this;
    }
    const std::string& bytes() const { return out_; }

private:
    static void put(std::string& s, std::size_t at, std::size_t width, std::uint64_t v) {
        for (std::size_t i = 0; i < width; ++i) s[at + i] = static_cast<char>(v >> 8 * i & 0xff);
    }
    static void date(std::string& s, std::size_t at, std::uint64_t y, std::uint64_t mo, std::uint64_t d, std::uint64_t h, std::uint64_t mi,
                     std::uint64_t sec) {
        const std::uint64_t v = y << 26 | mo << 22 | d << 17 | h << 12 | mi << 6 | sec;
        for (std::size_t i = 0; i < 5; ++i) s[at + i] = static_cast<char>(v >> (32 - 8 * i) & 0xff);
    }
    static std::string header(const std::string& type, std::uint64_t first_stream, std::size_t length) {
        std::string s(length, '\0');
        s.replace(0, 4, type);
        put(s, 8, 2, first_stream);
        s[48] = 2;
        return s;
    }
    static void stream(std::string& s, std::size_t at, const std::string& id, std::uint64_t length) {
        s.replace(at, 4, id);
        put(s, at + 8, 8, length);
    }
    static void utf16(std::string& s, std::size_t record, std::size_t pair, std::size_t at, const std::string& text) {
        put(s, record + pair, 2, text.size() * 2);
        put(s, record + pair + 2, 2, at);
        for (std::size_t i = 0; i < text.size(); ++i) s[record + at + 2 * i] = text[i];
    }
    std::string configuration(const std::string& type, const std::string& database, char letter, bool finished) const {
        std::string s = header(type, 56, 4096);
        stream(s, 56, "MQCI", 2000);
        const std::size_t record = 56 + 22;
        s.replace(record, 4, "SCIN");
        put(s, record + 4, 4, 1000);
        date(s, record + 77, 2024, 12, 9, 18, 58, 10);
        if (finished) date(s, record + 82, 2024, 12, 9, 19, 0, 0);
        s[record + 87] = letter;
        utf16(s, record, 104, 112, database);
        utf16(s, record, 108, 400, "SHOP\\SQLEXPRESS");
        return s;
    }
    void block_out(std::string s) {
        std::uint16_t x = 0;
        for (std::size_t i = 0; i < 50; i += 2)
            x = static_cast<std::uint16_t>(x ^ (static_cast<unsigned char>(s[i]) | static_cast<unsigned char>(s[i + 1]) << 8));
        if (s[0] != '\1') put(s, 50, 2, x);
        out_ += s;
    }
    void pad(std::size_t to) { out_.append((to - out_.size() % to) % to, '\0'); }
    void mark() {
        const std::size_t at = out_.size();
        std::string m = header("SFMB", p_, p_);
        put(m, 4, 4, 0x80000000);
        const std::size_t capacity = (p_ - 72) / 8, used = std::min(marks_.size(), capacity);
        put(m, 52, 4, capacity);
        put(m, 56, 4, used);
        for (std::size_t i = 0; i < used; ++i) put(m, 72 + 8 * i, 8, marks_[marks_.size() - 1 - i]);
        block_out(m);
        marks_.push_back(at);
    }
    const std::size_t p_, unit_;
    bool aborted_ = false;
    std::string out_;
    std::vector<std::uint64_t> marks_;
};

TEST(Mtf, NamesKindTimeAndEnd) {
    for (std::size_t block : {512U, 4096U, 32768U, 65536U}) {
        const auto f = look("shop.bak", Tape(block).set("SDMC_2023").bytes());
        EXPECT_EQ(verdict(f), "whole") << block << testing::PrintToString(f);
        EXPECT_EQ(f.format, "mtf");
        EXPECT_EQ(f.database, "SDMC_2023") << block;
        EXPECT_EQ(f.server, "SHOP\\SQLEXPRESS");
        ASSERT_TRUE(f.written_at);
        // In the largest blocks the finish time lies before the tail: then it is the start.
        EXPECT_EQ(rfc3339(*f.written_at), block <= 4096 ? "2024-12-10T00:00:00Z" : "2024-12-09T23:58:10Z") << "zone -20 quarters";
        EXPECT_NE(f.detail.find("full backup"), std::string::npos) << f.detail;
    }
    EXPECT_EQ(look("x.zst", zstd(Tape().set("a").bytes()), {.content = core::Content::mssql}).format, "zstd+mtf");
}

TEST(Mtf, TheLastOfSeveralSetsIsJudged) {
    const auto f = look("x.bak", Tape().set("one").set("two", 8, 'I').set("three", 8, 'I', 20).bytes(), {.portion = 777});
    EXPECT_EQ(verdict(f), "whole") << testing::PrintToString(f);
    EXPECT_EQ(f.database, "three");
    EXPECT_NE(f.detail.find("differential backup; the last of 3"), std::string::npos) << f.detail;
}

TEST(Mtf, NoCutAndNoLossPasses) {
    const std::string whole = Tape().set("one").set("two").bytes();
    const std::string end_of_one = Tape().set("one").bytes();
    for (std::size_t at = 100; at < whole.size(); at += 4999) {
        if (at == end_of_one.size()) continue;
        const auto f = look("x.bak", whole.substr(0, at));
        EXPECT_EQ(f.state, Findings::State::damaged) << at << testing::PrintToString(f);
    }
    for (std::size_t at = 5000; at + 1024 < whole.size() - 512; at += 9001)
        for (std::size_t n : {std::size_t{1}, std::size_t{512}, std::size_t{1024}}) {
            std::string lost = whole;
            lost.erase(at, n);
            EXPECT_EQ(look("x.bak", lost).state, Findings::State::damaged) << n << " bytes lost at " << at;
        }
    EXPECT_EQ(verdict(look("x.bak", end_of_one)), "whole") << "cut exactly behind an earlier set: not provable from the file";
}

TEST(Mtf, AShortBackupOverALongerOldOneIsFound) {
    const std::string old = Tape().set("old", 4, 'D', 80).bytes(), fresh = Tape().set("new", 4, 'D', 20).bytes();
    EXPECT_EQ(look("x.bak", fresh + old.substr(fresh.size())).state, Findings::State::damaged);
}

TEST(Mtf, PaddingAbortPartsAndOtherWriters) {
    const std::string whole = Tape().set("a").bytes();
    const auto padded = look("x.bak", whole + std::string(20000, '\0'));
    EXPECT_EQ(verdict(padded), "whole") << testing::PrintToString(padded);
    EXPECT_NE(padded.detail.find("padding"), std::string::npos);
    EXPECT_EQ(look("x.bak", whole + noise(20000)).state, Findings::State::damaged);
    EXPECT_EQ(verdict(look("x.bak", Tape().aborted().set("a").bytes())), "damaged truncated");
    EXPECT_NE(look("x.bak", Tape(512, 2).set("a").bytes()).detail.find("part 1 of 2"), std::string::npos);
    std::string broken = whole;
    broken[60] ^= 1;  // behind the part the checksum covers: not seen
    broken[20] ^= 1;
    EXPECT_EQ(verdict(look("x.bak", broken)), "damaged broken_archive");
    std::string other = whole;
    other[86] = 7;
    EXPECT_EQ(verdict(look("x.bak", other)), "not_applicable");
    std::string no_marks = whole;
    no_marks[56] = 4;
    EXPECT_EQ(verdict(look("x.bak", no_marks)), "not_applicable");
    EXPECT_EQ(verdict(look("x.bak", Tape().bytes())), "damaged truncated");
}

TEST(Mtf, NoLengthOrOffsetOfAHostileFileReachesOutside) {
    const std::string whole = Tape().set("a", 4, 'D', 2).bytes();
    for (std::size_t at = 0; at < whole.size(); at += at < 12000 ? 1 : 97) {
        std::string s = whole;
        s[at] = static_cast<char>(s[at] ^ 0xff);
        static_cast<void>(look("x.bak", s));
    }
}

TEST(MssqlCompressed, EndsWithAFilemarkOrLikelyNot) {
    const std::string tape = Tape(4096).bytes();  // media header and a filemark at byte 4096
    std::string s = "MSSQLBAK" + std::string(4088, '\2') + tape.substr(4096, 4096) + noise(300000);
    const auto cut = look("x.bak", s);
    EXPECT_EQ(verdict(cut), "damaged truncated");
    EXPECT_NE(cut.detail.find("likely"), std::string::npos);
    s.append((4096 - s.size() % 4096) % 4096, '\0');
    const auto whole = look("x.bak", s + tape.substr(4096, 4096));
    EXPECT_EQ(verdict(whole), "whole") << testing::PrintToString(whole);
    EXPECT_NE(whole.detail.find("likely"), std::string::npos);
    EXPECT_EQ(verdict(look("x.bak", "MSSQLBAK" + noise(100000))), "not_applicable");
}

}  // namespace
}  // namespace bkmon::inspect::test
