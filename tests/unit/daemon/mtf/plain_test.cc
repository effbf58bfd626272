#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "tests/support/mtf_file.h"
#include "tests/support/temp_tree.h"

namespace bkmon::mtf {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using test::mtf_bytes;
using test::MtfFile;
using test::MtfLayout;
using test::MtfSet;
using test::read_ends;
using test::verdict;

MtfFile one_set(std::size_t block = 4096, std::uint64_t data = 300 * 1024) {
    MtfFile file;
    file.block = block;
    file.sets[0].data = data;
    return file;
}
/// Sets of several databases, a day apart.
MtfFile several(std::size_t n, std::size_t block = 512) {
    MtfFile file;
    file.block = block;
    file.sets.clear();
    for (std::size_t i = 0; i < n; ++i) {
        MtfSet s;
        s.kind = i == 0 ? MtfSet::Kind::full : MtfSet::Kind::differential;
        s.database = "DB" + std::to_string(i + 1);
        s.started += hours(24 * i);
        s.finished += hours(24 * i);
        s.data = 24 * 1024;
        file.sets.push_back(s);
    }
    return file;
}
const Claim* claim(const Reading& r, const std::string& question) {
    for (const auto& c : r.claims)
        if (c.question == question) return &c;
    return nullptr;
}
void set_byte(std::string& s, std::uint64_t at, int value) { s[static_cast<std::size_t>(at)] = static_cast<char>(value); }
/// A block's checksum made right again.
void mend(std::string& s, std::uint64_t block) {
    std::uint16_t x = 0;
    const auto* b = reinterpret_cast<const unsigned char*>(s.data() + block);
    for (std::size_t i = 0; i < 50; i += 2) x = static_cast<std::uint16_t>(x ^ (b[i] | b[i + 1] << 8));
    set_byte(s, block + 50, x & 0xff);
    set_byte(s, block + 51, x >> 8);
}

TEST(Plain, SaysWhatItIsAndThatItIsWhole) {
    for (const std::size_t block : {512U, 1024U, 2048U, 4096U, 8192U, 16384U, 32768U, 65536U}) {
        const auto file = one_set(block);
        const auto r = read_ends(mtf_bytes(file));
        EXPECT_EQ(verdict(r), "plain whole proven") << block << testing::PrintToString(r);
        EXPECT_EQ(r.kind.value, Kind::full) << block;
        EXPECT_EQ(r.kind.sure, Sure::proven);
        EXPECT_EQ(r.database.value, "SHOP");
        EXPECT_EQ(r.database.sure, Sure::proven);
        EXPECT_EQ(r.server.value, "NORTH\\SQLEXPRESS");
        EXPECT_EQ(r.server.sure, Sure::proven);
        EXPECT_EQ(r.sets, 1);
        EXPECT_EQ(r.part, 1);
        EXPECT_EQ(r.parts, 1);
        ASSERT_TRUE(r.started_at);
        EXPECT_EQ(*r.started_at, file.sets[0].started);
        EXPECT_EQ(r.times, Sure::proven);
        if (block <= 16384) {
            ASSERT_TRUE(r.finished_at) << block << testing::PrintToString(r);
            EXPECT_EQ(*r.finished_at, file.sets[0].finished);
        }
    }
}

TEST(Plain, TheKindIsAsSureAsBothItsSources) {
    const auto kind_of = [](MtfSet::Kind k) {
        auto file = one_set();
        file.sets[0].kind = k;
        return read_ends(mtf_bytes(file)).kind;
    };
    EXPECT_EQ(kind_of(MtfSet::Kind::differential).value, Kind::differential);
    EXPECT_EQ(kind_of(MtfSet::Kind::differential).sure, Sure::proven);
    EXPECT_EQ(kind_of(MtfSet::Kind::log).value, Kind::log);
    EXPECT_EQ(kind_of(MtfSet::Kind::log).sure, Sure::likely);
    EXPECT_EQ(kind_of(MtfSet::Kind::copy_only).value, Kind::copy_only);
    EXPECT_EQ(kind_of(MtfSet::Kind::copy_only).sure, Sure::likely);

    MtfLayout at;
    std::string other = mtf_bytes(one_set(), &at);
    set_byte(other, at.sets[0] + 52, 8);  // SSET says differential, SCIN says full
    const auto disagree = read_ends(other).kind;
    EXPECT_EQ(disagree.value, Kind::differential);
    EXPECT_EQ(disagree.sure, Sure::likely);
    set_byte(other, at.sets[0] + 52, 0x20);
    EXPECT_EQ(read_ends(other).kind.value, Kind::unknown);
    EXPECT_EQ(read_ends(other).kind.sure, Sure::unknown);
}

TEST(Plain, TheLastOfSeveralSetsIsJudged) {
    for (const std::size_t block : {512U, 4096U, 65536U})
        for (std::size_t n = 1; n <= 6; ++n) {
            const auto file = several(n, block);
            const auto r = read_ends(mtf_bytes(file));
            EXPECT_EQ(verdict(r), "plain whole proven") << n << testing::PrintToString(r);
            EXPECT_EQ(r.sets, static_cast<int>(n));
            EXPECT_EQ(r.database.value, file.sets.back().database) << block << testing::PrintToString(r);
            EXPECT_EQ(r.kind.value, n == 1 ? Kind::full : Kind::differential);
            ASSERT_TRUE(r.started_at);
            EXPECT_EQ(*r.started_at, file.sets.back().started);
        }
}

TEST(Plain, MoreSetsThanAFilemarkHasRoomFor) {
    auto file = several(40);
    for (auto& s : file.sets) s.data = 4096;
    const auto r = read_ends(mtf_bytes(file));
    EXPECT_EQ(verdict(r), "plain whole proven") << testing::PrintToString(r);
    EXPECT_EQ(r.sets, 40);  // by the map: the filemark has 55 marks
    EXPECT_EQ(r.database.value, "DB40");
}

TEST(Plain, OneMoreReadAnswersWhatTheEndsLeaveOpen) {
    const auto ask = [](const std::string& bytes) {
        const Bytes all(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
        View v;
        v.size = all.size();
        v.head = all.first(kWindow);
        v.tail = all.last(kWindow);
        return third_read(v);
    };
    MtfLayout at;
    // Everything is in view.
    EXPECT_EQ(ask(mtf_bytes(one_set(4096))), std::nullopt);
    // The head has nothing but the media header.
    EXPECT_EQ(ask(mtf_bytes(one_set(65536, 500 * 1024))), std::optional<std::uint64_t>(131072));
    // The last set begins in the middle.
    auto file = several(3);
    for (auto& s : file.sets) s.data = 200 * 1024;
    const auto three = mtf_bytes(file, &at);
    EXPECT_EQ(ask(three), std::optional(at.sets[2]));
    // The configuration at the end is larger than the tail: it is looked for where it must begin.
    auto many = one_set(512, 500 * 1024);
    many.sets[0].files = 150;
    const auto r = read_ends(mtf_bytes(many));
    EXPECT_EQ(verdict(r), "plain whole proven");
    ASSERT_TRUE(r.finished_at) << testing::PrintToString(r);
    EXPECT_EQ(*r.finished_at, many.sets[0].finished);
    // Of a file without its end, only where the first set is.
    const auto cut = mtf_bytes(one_set(65536, 500 * 1024)).substr(0, 400000);
    EXPECT_EQ(ask(cut), std::optional<std::uint64_t>(131072));
    EXPECT_EQ(read_ends(cut).database.value, "SHOP");
    EXPECT_EQ(ask(std::string(200000, 'x')), std::nullopt);
}

TEST(Plain, TimesAreOfTheServersZone) {
    for (const int zone : {-20, 0, 12, 28}) {
        auto file = one_set();
        file.sets[0].zone = zone;
        const auto r = read_ends(mtf_bytes(file));
        ASSERT_TRUE(r.started_at && r.finished_at);
        EXPECT_EQ(*r.started_at, file.sets[0].started) << zone;
        EXPECT_EQ(*r.finished_at, file.sets[0].finished);
        EXPECT_EQ(r.times, Sure::proven);
    }
    auto file = one_set();
    file.sets[0].zone = 127;
    const auto r = read_ends(mtf_bytes(file));
    ASSERT_TRUE(r.started_at);
    EXPECT_EQ(*r.started_at, file.sets[0].started);
    EXPECT_EQ(r.times, Sure::likely);
    MtfLayout at;
    std::string none = mtf_bytes(one_set(), &at);
    none.replace(static_cast<std::size_t>(at.sets[0] + 88), 5, 5, '\xff');  // month 15
    EXPECT_EQ(verdict(read_ends(none)), "plain damaged proven") << "its end has another date";
}

TEST(Plain, NamesOfAnyLanguageAndLengthStayText) {
    auto file = one_set();
    file.sets[0].database = "Läden_北_🏪";
    EXPECT_EQ(read_ends(mtf_bytes(file)).database.value, "Läden_北_🏪");
    file.sets[0].database = "a\x1b[31m\nb";
    const auto r = read_ends(mtf_bytes(file));
    EXPECT_EQ(r.database.value, "a\x1b[31m\nb");
    EXPECT_EQ(claim(r, "database")->answer, "a\\x1b[31m\\nb");
    std::string longest;
    for (int i = 0; i < 128; ++i) longest += "北";
    file.sets[0].database = longest;
    EXPECT_EQ(read_ends(mtf_bytes(file)).database.value, longest);
    file.sets[0].database = longest + longest;  // longer than a name can be: cut, and still read back
    const auto cut = read_ends(mtf_bytes(file));
    EXPECT_EQ(cut.database.value, (longest + longest).substr(0, 510));
    EXPECT_TRUE(decode(encode(cut)));
}

TEST(Plain, NoOffsetReachesOutsideOfItsRecord) {
    MtfLayout at;
    std::string s = mtf_bytes(one_set(), &at);
    for (std::size_t i = 0; i + 4 < s.size(); i += 512)
        if (s.compare(i, 4, "MSCI") == 0 || s.compare(i, 4, "MSLS") == 0) {
            const auto scin = s.find("SCIN", i);
            set_byte(s, scin + 104 + 1, 0x40);  // longer than the record
            set_byte(s, scin + 108 + 3, 0x40);  // behind it
        }
    const auto r = read_ends(s);
    EXPECT_EQ(r.database.value, "");
    EXPECT_EQ(r.database.sure, Sure::unknown);
    EXPECT_EQ(r.server.value, "NORTH") << "by VOLB";
}

TEST(Plain, WithoutTheConfigurationTheMachineIsWhatIsLeft) {
    MtfLayout at;
    std::string s = mtf_bytes(one_set(), &at);
    for (std::size_t i = 0; i + 4 < s.size(); i += 512)
        if (s.compare(i, 4, "MSCI") == 0 || s.compare(i, 4, "MSLS") == 0) s.replace(i, 4, "MXXX");
    const auto r = read_ends(s);
    EXPECT_EQ(verdict(r), "plain whole proven") << testing::PrintToString(r);
    EXPECT_EQ(r.database.sure, Sure::unknown);
    EXPECT_EQ(r.server.value, "NORTH");
    EXPECT_EQ(r.server.sure, Sure::likely);
    EXPECT_EQ(r.kind.value, Kind::full);
    EXPECT_EQ(r.kind.sure, Sure::likely);
    EXPECT_FALSE(r.finished_at);
}

TEST(Plain, PartsOfAStripedBackupAreNamed) {
    auto file = one_set();
    file.part = 2;
    file.parts = 3;
    const auto r = read_ends(mtf_bytes(file));
    EXPECT_EQ(verdict(r), "plain whole proven");
    EXPECT_EQ(r.part, 2);
    EXPECT_EQ(r.parts, 3);
    ASSERT_NE(claim(r, "part"), nullptr);
    EXPECT_EQ(claim(r, "part")->answer, "2 of 3: this file alone cannot be restored");
}

TEST(Plain, WithoutSoftFilemarksNothingIsProven) {
    auto file = one_set();
    file.soft_marks = false;
    const std::string s = mtf_bytes(file);
    for (const auto n : {s.size(), s.size() - 512, s.size() / 2}) {
        const auto r = read_ends(s.substr(0, n));
        EXPECT_EQ(verdict(r), "plain unknown unknown") << testing::PrintToString(r);
        EXPECT_EQ(r.database.value, "SHOP");
    }
}

TEST(Plain, ZerosBehindTheEndAreLikelyPadding) {
    for (const std::size_t block : {512U, 4096U, 16384U})
        for (const std::uint64_t padding : {1U, 511U, 512U, 4096U, 20000U, 40000U}) {
            auto file = one_set(block);
            file.padding = padding;
            const auto r = read_ends(mtf_bytes(file));
            EXPECT_EQ(verdict(r), "plain whole likely") << block << " " << padding << testing::PrintToString(r);
            EXPECT_NE(r.why.find("zero bytes follow"), std::string::npos);
            EXPECT_EQ(r.database.value, "SHOP");
        }
    // More zeros than were looked at: most likely a copy that was broken off, but nobody can prove it.
    auto file = one_set();
    file.padding = 70000;
    EXPECT_EQ(verdict(read_ends(mtf_bytes(file))), "plain incomplete likely");
    // Anything else behind it, or in it, is no padding.
    MtfLayout at;
    std::string junk = mtf_bytes(one_set(), &at) + std::string(4096, '\0');
    set_byte(junk, at.blocks.back() + 1000, 1);
    EXPECT_EQ(verdict(read_ends(junk)), "plain incomplete proven");
    std::string s = mtf_bytes(one_set());
    s += std::string(4096, '\0') + "x" + std::string(4095, '\0');
    EXPECT_EQ(verdict(read_ends(s)), "plain incomplete proven");
}

TEST(Plain, AnAbortedBackupSaysSo) {
    auto file = one_set();
    file.sets[0].aborted = true;
    EXPECT_EQ(verdict(read_ends(mtf_bytes(file))), "plain aborted likely");
    auto two = several(2);
    two.sets[0].aborted = true;
    EXPECT_EQ(verdict(read_ends(mtf_bytes(two))), "plain whole proven") << "the last one is judged";
}

TEST(Plain, ASetThatWasBegunAndNotFinishedIsSaid) {
    MtfLayout at;
    const std::string s = mtf_bytes(several(2), &at);
    const auto r = read_ends(s.substr(0, static_cast<std::size_t>(at.sets[1]) + 20 * 512));
    EXPECT_EQ(verdict(r), "plain incomplete proven");
    EXPECT_EQ(r.why, "its newest backup set has no end");
}

TEST(Plain, AShortBackupOverALongerOldOneIsFound) {
    auto fresh = one_set(512, 100 * 1024), old = one_set(512, 400 * 1024);
    fresh.sets[0].started += hours(24);
    const auto a = mtf_bytes(fresh), b = mtf_bytes(old);
    const auto r = read_ends(a + b.substr(a.size()));
    EXPECT_EQ(verdict(r), "plain damaged proven") << testing::PrintToString(r);
    EXPECT_NE(r.why.find("two backups in one file"), std::string::npos) << r.why;
    // The same set number and minute, but another media family.
    fresh = one_set(512, 100 * 1024);
    fresh.family = 7;
    const auto c = mtf_bytes(fresh);
    EXPECT_EQ(verdict(read_ends(c + b.substr(c.size()))), "plain damaged proven");
}

/// Each field of the end that has a meaning: broken alone, with its checksum right.
TEST(Plain, EachStepOfTheRuleIsTaken) {
    for (const std::size_t block : {512U, 4096U}) {
        MtfLayout at;
        auto file = several(3, block);
        for (auto& set : file.sets) set.data = 4096;  // everything is in view
        const std::string whole = mtf_bytes(file, &at);
        ASSERT_LE(whole.size(), 2 * kWindow);
        const auto end = at.blocks.back(), eset = at.blocks[at.blocks.size() - 2], map = at.blocks[at.blocks.size() - 3],
                   first_eset = at.blocks[at.blocks.size() - 4];
        const auto with = [&](std::uint64_t where, int value, std::uint64_t mended) {
            std::string s = whole;
            set_byte(s, where, value);
            if (mended != 0) mend(s, mended);
            return verdict(read_ends(s));
        };
        EXPECT_EQ(with(end + 1, 'X', 0), "plain incomplete proven") << "no SFMB";
        EXPECT_EQ(with(end + 49, 1, 0), "plain incomplete proven") << "checksum of SFMB";
        EXPECT_EQ(with(end + 57, 0xff, end), "plain damaged proven") << "more marks than there is room for";
        EXPECT_EQ(with(end + 56, 5, end), "plain incomplete proven") << "a mark that a set would have when it ends";
        EXPECT_EQ(with(end + 72 + 6, 1, end), "plain damaged proven") << "a mark behind the end";
        EXPECT_EQ(with(end + 80 + 1, 0, end), "plain damaged proven") << "a mark that is elsewhere";
        EXPECT_EQ(with(end + 72 + 8 * 5 + 1, 0x7, end), "plain damaged proven") << "the oldest mark is not the first";
        EXPECT_EQ(with(end + 56, 4, end), "plain damaged proven") << "marks that do not reach back to the first one";
        std::vector<std::uint64_t> marks;
        for (const auto b : at.blocks)
            if (whole.compare(static_cast<std::size_t>(b), 4, "SFMB") == 0) marks.push_back(b);
        EXPECT_EQ(with(marks[2] + 1, 'X', 0), "plain damaged proven") << "an older filemark that is none";
        std::string liar = whole;
        liar.replace(static_cast<std::size_t>(end) + 52, 8, std::string("\xff\xff\0\0\0\x10\0\0", 8));  // 4096 marks, and room for them
        EXPECT_EQ(read_ends(liar).why, "the filemark at its end is damaged");
        std::string swapped = whole;
        for (std::size_t i = 0; i < 8; ++i)
            std::swap(swapped[static_cast<std::size_t>(end) + 72 + 24 + i], swapped[static_cast<std::size_t>(end) + 72 + 32 + i]);
        EXPECT_EQ(verdict(read_ends(swapped)), "plain damaged proven") << "marks that do not fall";
        EXPECT_EQ(with(first_eset + 1, 'X', 0), "plain damaged proven") << "no ESET";
        EXPECT_EQ(with(eset + 1, 'X', 0), "plain damaged proven") << "no second ESET";
        EXPECT_EQ(with(eset + 61, 1, eset), "plain damaged proven") << "the second ESET points elsewhere";
        EXPECT_EQ(with(eset + 78, 9, eset), "plain damaged proven") << "number of the set in ESET";
        EXPECT_EQ(with(eset + 84, 9, eset), "plain damaged proven") << "date of the set in ESET";
        EXPECT_EQ(with(map, 'X', 0), "plain damaged proven") << "no map";
        EXPECT_EQ(with(map + 22, 9, 0), "plain damaged proven") << "media family in the map";
        EXPECT_EQ(with(at.sets[2] + 1, 'X', 0), "plain damaged proven") << "no SSET";
        EXPECT_EQ(with(at.sets[0] + 1, 'X', 0), "plain damaged proven") << "no first SSET";
        EXPECT_EQ(with(at.sets[2] + 62, 9, at.sets[2]), "plain damaged proven") << "number of the set in SSET";
        EXPECT_EQ(with(0 + 49, 1, 0), "plain damaged proven") << "checksum of TAPE";
    }
}

TEST(Plain, OtherTapesAreNotOurs) {
    auto file = one_set();
    file.software = "Backup Exec";
    file.vendor = 7;
    EXPECT_EQ(verdict(read_ends(mtf_bytes(file).substr(0, 200000))), "other_tape unknown unknown");
    file.soft_marks = false;
    EXPECT_EQ(verdict(read_ends(mtf_bytes(file).substr(0, 200000))), "other_tape unknown unknown");
    // One of both is wrong: only an end as SQL Server writes it says whose it is.
    for (const bool vendor : {false, true}) {
        file = one_set();
        if (vendor)
            file.vendor = 7;
        else
            file.software = "Another";
        const auto r = read_ends(mtf_bytes(file));
        EXPECT_EQ(verdict(r), "plain whole proven") << vendor;
        EXPECT_EQ(claim(r, "SQL Server backup")->sure, Sure::likely);
        EXPECT_EQ(verdict(read_ends(mtf_bytes(file).substr(0, 200000))), "other_tape unknown unknown") << vendor;
        EXPECT_EQ(verdict(read_ends(mtf_bytes(file).erase(100000, 512))), "plain damaged proven") << vendor;
    }
    std::string lost = mtf_bytes(one_set());
    lost.replace(60, 40, 40, '\0');
    EXPECT_EQ(verdict(read_ends(lost)), "plain damaged proven");
}

TEST(Plain, AFileWithAHoleInItsMiddleReadsLikeAnother) {
    test::TempTree tree;
    const auto path = tree.path() + "/large.bak";
    auto file = several(2, 4096);
    ASSERT_TRUE(test::write_mtf(file, path, 20 << 20));
    std::ifstream in(path, std::ios::binary);
    std::stringstream content;
    content << in.rdbuf();
    EXPECT_NEAR(static_cast<double>(content.str().size()), 20 << 20, 4096);
    const auto r = read_ends(content.str());
    EXPECT_EQ(verdict(r), "plain whole proven") << testing::PrintToString(r);
    EXPECT_EQ(r.database.value, "DB2");
}

TEST(Plain, EveryClaimSaysWhatItRestsOn) {
    const auto r = read_ends(mtf_bytes(several(2)));
    for (const char* q : {"SQL Server backup", "whole", "sets", "kind", "database", "server", "started", "finished", "written by", "restorable"}) {
        const Claim* c = claim(r, q);
        ASSERT_NE(c, nullptr) << q;
        EXPECT_FALSE(c->answer.empty()) << q;
        EXPECT_FALSE(c->rests_on.empty()) << q;
        EXPECT_EQ(c->sure, std::string(q) == "restorable" ? Sure::unknown : Sure::proven) << q;
    }
}

}  // namespace
}  // namespace bkmon::mtf
