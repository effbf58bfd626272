#include <gtest/gtest.h>

#include "tests/support/mtf_file.h"
#include "tests/unit/daemon/platform/inspect/worker/making.h"

namespace bkmon::inspect::test {
namespace {

using bkmon::test::mtf_bytes;
using bkmon::test::MtfFile;
using bkmon::test::MtfLayout;
using bkmon::test::MtfSet;

/// Backups of databases, one a day; the first is a full one.
MtfFile tape(const std::vector<std::string>& databases, std::size_t block = 512, std::uint64_t data = 300 * 1024) {
    MtfFile file;
    file.block = block;
    file.sets.clear();
    for (const auto& name : databases) {
        MtfSet set;
        set.kind = file.sets.empty() ? MtfSet::Kind::full : MtfSet::Kind::differential;
        set.database = name;
        set.data = data;
        set.started += std::chrono::hours(24 * file.sets.size());
        set.finished += std::chrono::hours(24 * file.sets.size());
        file.sets.push_back(set);
    }
    return file;
}
bool says(const Findings& f, const std::string& what) { return f.detail.find(what) != std::string::npos; }

TEST(Mtf, NamesKindTimeAndEnd) {
    for (std::size_t block : {512U, 4096U, 32768U, 65536U}) {
        const auto f = look("shop.bak", mtf_bytes(tape({"SDMC_2023"}, block)));
        EXPECT_EQ(verdict(f), "whole") << block << testing::PrintToString(f);
        EXPECT_EQ(f.format, "mtf");
        EXPECT_EQ(f.database, "SDMC_2023") << block;
        EXPECT_EQ(f.server, "NORTH\\SQLEXPRESS");
        ASSERT_TRUE(f.written_at);
        // In the largest blocks the finish time lies before the tail: then it is the start.
        EXPECT_EQ(rfc3339(*f.written_at), block <= 4096 ? "2024-12-09T18:07:00Z" : "2024-12-09T18:00:00Z");
        EXPECT_TRUE(says(f, "SQL Server full backup; it is whole by its length")) << f.detail;
        EXPECT_FALSE(says(f, "likely")) << f.detail;
    }
}

TEST(Mtf, InsideOfACompressionItIsReadTheSameWay) {
    const auto bytes = mtf_bytes(tape({"one", "two", "three"}));
    for (const auto& [name, packed] : {std::pair<std::string, std::string>("x.zst", zstd(bytes)), {"x.gz", gzip(bytes)}, {"x.xz", xz(bytes)}}) {
        const auto f = look(name, packed, {.content = core::Content::mssql});
        EXPECT_EQ(verdict(f), "whole") << name << testing::PrintToString(f);
        EXPECT_TRUE(f.format.ends_with("+mtf")) << f.format;
        EXPECT_EQ(f.database, "three");
    }
    EXPECT_EQ(verdict(look("x.zst", zstd(bytes.substr(0, bytes.size() - 512)))), "damaged truncated");
    EXPECT_EQ(verdict(look("x.gz", gzip(std::string(bytes).erase(400000, 512)))), "damaged broken_archive");
}

TEST(Mtf, TheLastOfSeveralSetsIsJudged) {
    const auto f = look("x.bak", mtf_bytes(tape({"one", "two", "three"})), {.portion = 777});
    EXPECT_EQ(verdict(f), "whole") << testing::PrintToString(f);
    EXPECT_EQ(f.database, "three");
    EXPECT_TRUE(says(f, "differential backup, the last of 3 backup sets")) << f.detail;
}

TEST(Mtf, NoCutAndNoLossPasses) {
    const std::string whole = mtf_bytes(tape({"one", "two"}));
    const std::string end_of_one = mtf_bytes(tape({"one"}));
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

/// What only a reader of every byte can find: the ends of the file fit.
TEST(Mtf, FilemarksInTheMiddleAreCounted) {
    MtfLayout at;
    const std::string whole = mtf_bytes(tape({"one", "two", "three"}), &at);
    std::vector<std::uint64_t> marks;
    for (const auto b : at.blocks)
        if (whole.compare(static_cast<std::size_t>(b), 4, "SFMB") == 0) marks.push_back(b);
    ASSERT_EQ(marks.size(), 7U);
    std::string hole = whole;
    hole.replace(static_cast<std::size_t>(marks[2]), 512, 512, '\0');
    EXPECT_EQ(verdict(look("x.bak", hole)), "damaged broken_archive");
    EXPECT_EQ(verdict(look("x.bak", hole, {.portion = 777})), "damaged broken_archive");
    // One that ended a set of which the end knows nothing: an old backup's rest.
    std::string rest = whole;
    rest.replace(static_cast<std::size_t>(marks[4]) + 20 * 512, 512, whole, static_cast<std::size_t>(marks[4]), 512);
    const auto f = look("x.bak", rest);
    EXPECT_EQ(verdict(f), "damaged broken_archive");
    EXPECT_TRUE(says(f, "filemarks that its end does not know")) << f.detail;
}

TEST(Mtf, ABackupFileInsideOfADatabaseIsNoAlarm) {
    MtfLayout at;
    std::string whole = mtf_bytes(tape({"one"}, 512, 3 << 20), &at);
    const std::string inside = mtf_bytes(tape({"inner", "second"}, 512, 100 * 1024));
    whole.replace(512 * 1000, inside.size(), inside);
    const auto f = look("x.bak", whole);
    EXPECT_EQ(verdict(f), "whole") << testing::PrintToString(f);
    EXPECT_EQ(f.database, "one");
}

TEST(Mtf, AShortBackupOverALongerOldOneIsFound) {
    auto newer = tape({"new"}, 512, 100 * 1024);
    newer.sets[0].started += std::chrono::hours(24);
    const std::string old = mtf_bytes(tape({"old"}, 512, 400 * 1024)), fresh = mtf_bytes(newer);
    EXPECT_EQ(look("x.bak", fresh + old.substr(fresh.size())).state, Findings::State::damaged);
}

TEST(Mtf, PaddingAbortPartsAndOtherWriters) {
    auto file = tape({"a"});
    const std::string whole = mtf_bytes(file);
    const auto padded = look("x.bak", whole + std::string(20000, '\0'));
    EXPECT_EQ(verdict(padded), "whole") << testing::PrintToString(padded);
    EXPECT_TRUE(says(padded, "20000 zero bytes follow")) << padded.detail;
    EXPECT_EQ(look("x.bak", whole + noise(20000)).state, Findings::State::damaged);
    file.sets[0].aborted = true;
    EXPECT_EQ(verdict(look("x.bak", mtf_bytes(file))), "damaged truncated");
    file = tape({"a"});
    file.parts = 2;
    EXPECT_TRUE(says(look("x.bak", mtf_bytes(file)), "part 1 of 2"));
    std::string broken = whole;
    broken[20] ^= 1;
    EXPECT_EQ(verdict(look("x.bak", broken)), "damaged broken_archive");
    file = tape({"a"});
    file.soft_marks = false;
    EXPECT_EQ(verdict(look("x.bak", mtf_bytes(file))), "not_applicable");
    file.vendor = 7;
    file.software = "Another";
    EXPECT_EQ(verdict(look("x.bak", mtf_bytes(file).substr(0, 100000))), "not_applicable");
    file = tape({});
    EXPECT_EQ(verdict(look("x.bak", mtf_bytes(file))), "damaged truncated");
}

TEST(Mtf, NoLengthOrOffsetOfAHostileFileReachesOutside) {
    const std::string whole = mtf_bytes(tape({"a"}, 512, 16384));
    for (std::size_t at = 0; at < whole.size(); at += at < 12000 ? 1 : 97) {
        std::string s = whole;
        s[at] = static_cast<char>(s[at] ^ 0xff);
        static_cast<void>(look("x.bak", s));
    }
}

TEST(MssqlCompressed, EndsWithAFilemarkOrLikelyNot) {
    auto file = tape({"a"}, 4096);
    for (const auto packing : {MtfFile::Packing::xpress, MtfFile::Packing::zstd}) {
        file.packing = packing;
        const std::string whole = mtf_bytes(file);
        const auto f = look("x.bak", whole, {.portion = 10000});
        EXPECT_EQ(verdict(f), "whole") << testing::PrintToString(f);
        EXPECT_TRUE(says(f, "likely")) << f.detail;
        EXPECT_EQ(f.format, "mssql compressed");
        EXPECT_EQ(f.database, "a");
        const auto cut = look("x.bak", whole.substr(0, whole.size() - 5000));
        EXPECT_EQ(verdict(cut), "damaged truncated");
        EXPECT_TRUE(says(cut, "likely")) << cut.detail;
    }
    file.block = 32768;  // what holds the names lies behind the first 64 KiB
    EXPECT_EQ(look("x.bak", mtf_bytes(file), {.portion = 10000}).database, "a");
    EXPECT_EQ(verdict(look("x.bak", "MSSQLBAK" + noise(200000))), "not_applicable");
}

}  // namespace
}  // namespace bkmon::inspect::test
