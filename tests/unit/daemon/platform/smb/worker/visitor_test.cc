#include "daemon/platform/smb/worker/visitor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "common/base/text.h"
#include "tests/support/mtf_file.h"
#include "tests/unit/daemon/platform/smb/worker/fake_backend.h"

namespace bkmon::smb::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr std::int64_t kNow = 1'795'000'000;

Time at(std::int64_t seconds) { return Time(std::chrono::seconds(seconds)); }

class VisitorTest : public testing::Test {
protected:
    VisitorTest() {
        order.address = "127.1.0.7";
        order.shares = {"d$"};
        order.folder = "BackupFull";
        order.patterns = {"*.bak"};
        order.min_size = 1024;
        order.latest = at(kNow + 3600);
        order.credential = {"svc", "CORP", "secret"};
        order.look_inside = false;
    }

    FakeFile file(const std::string& name, std::int64_t age = 0, std::uint64_t size = 5000) {
        FakeFile f;
        f.name = name;
        f.size = size;
        f.modified = {kNow - age, 0};
        return f;
    }
    void on(const std::string& share, std::vector<FakeFile> files) { server.shares[share].files = std::move(files); }
    void refuse(const std::string& share, Outcome outcome, std::string detail = "said no") {
        server.shares[share].trouble = Trouble{outcome, std::move(detail)};
    }
    Visit go() {
        server.asked.clear();
        clock = 0ms;
        return carry_out(order, std::move(connection), server, [this] { return clock += 7ms; });
    }
    /// Looks into one file.
    Visit inside(FakeFile f) {
        order.look_inside = true;
        on("d$", {std::move(f)});
        return go();
    }

    Order order;
    UniqueFd connection;
    FakeBackend server;
    milliseconds clock{0};
};

TEST_F(VisitorTest, TheNewestFileThatMatches) {
    on("d$", {file("old.bak", 100), file("NEW.BAK", 10), file("newer.txt", 0), file("bak", 0), file("older.bak", 200)});
    const auto v = go();
    EXPECT_EQ(v.outcome, Outcome::listed);
    EXPECT_EQ(v.share, "d$");
    ASSERT_TRUE(v.newest);
    EXPECT_EQ(v.newest->name, "NEW.BAK");
    EXPECT_EQ(v.newest->size, 5000U);
    EXPECT_EQ(v.newest->modified, at(kNow - 10));
    EXPECT_EQ(v.files, 5U);
    EXPECT_EQ(v.matching, 3U);
    EXPECT_EQ(v.content, Visit::Content::not_asked);
    EXPECT_EQ(v.logins, 1);
    EXPECT_EQ(v.took, 7ms);
    EXPECT_THAT(server.asked, ElementsAre("begin 127.1.0.7", "list d$ BackupFull", "forget"));
}

TEST_F(VisitorTest, TheOrderOfTheListingDecidesNothing) {
    auto a = file("a.bak", 10), b = file("b.bak", 10), c = file("c.bak", 10, 6000);
    on("d$", {a, b, c});
    const auto first = go().newest->name;
    on("d$", {c, b, a});
    EXPECT_EQ(go().newest->name, first);
    EXPECT_EQ(first, "c.bak") << "of the same time: the larger one";
    on("d$", {b, a});
    EXPECT_EQ(go().newest->name, "b.bak");
}

TEST_F(VisitorTest, PatternsIgnoreCaseAlsoOfOtherLetters) {
    order.patterns = {"täglich_*.bak", "ΟΔΟΣ*", "ЖУРНАЛ?.Bak"};
    on("d$", {file("TÄGLICH_1.BAK", 5), file("οδοσ.bak", 4), file("журнал7.bak", 3), file("tAglich_2.bak", 2), file("журнал77.bak", 1)});
    const auto v = go();
    EXPECT_EQ(v.matching, 3U);
    EXPECT_EQ(v.newest->name, "журнал7.bak");
}

TEST_F(VisitorTest, FoldersAreNoFiles) {
    auto folder = file("folder.bak");
    folder.folder = true;
    on("d$", {folder});
    const auto v = go();
    EXPECT_EQ(v.outcome, Outcome::listed);
    EXPECT_FALSE(v.newest);
    EXPECT_EQ(v.files, 0U);
}

// A file that is kept elsewhere (deduplicated, archived) is one; whether it is that or a link to another server nobody finds out by opening it.
TEST_F(VisitorTest, WhatMayBeALinkIsAFileButNotOpened) {
    order.look_inside = true;
    auto link = file("link.bak");
    link.link = true;
    on("d$", {file("older.bak", 9000), link});
    const auto v = go();
    ASSERT_TRUE(v.newest);
    EXPECT_EQ(v.newest->name, "link.bak");
    EXPECT_EQ(v.content, Visit::Content::not_opened);
    EXPECT_EQ(v.bytes_read, 0U);
    EXPECT_FALSE(v.reading);
}

TEST_F(VisitorTest, WhatIsTooSmallIsCountedAndTheLargestOfItNamed) {
    on("d$", {file("a.bak", 0, 1023), file("b.bak", 5, 12), file("c.bak", 9, 1024), file("d.txt", 0, 1)});
    const auto v = go();
    EXPECT_EQ(v.newest->name, "c.bak");
    EXPECT_EQ(v.too_small, 2U);
    EXPECT_EQ(v.largest_too_small->name, "a.bak");
    EXPECT_EQ(v.matching, 3U);
}

TEST_F(VisitorTest, TheFutureIsListedApart) {
    on("d$", {file("edge.bak", -3600), file("ahead.bak", -3601), file("far.bak", -900000), file("small.bak", -900000, 1)});
    const auto v = go();
    EXPECT_EQ(v.newest->name, "edge.bak") << "just not too far ahead";
    EXPECT_EQ(v.in_future, 2U);
    EXPECT_EQ(v.future->name, "far.bak");
    EXPECT_EQ(v.too_small, 1U) << "never also in the future";
}

TEST_F(VisitorTest, WhatCameAfterwardsIsAsIfItWereNotThere) {
    order.until = at(kNow - 50);
    on("d$", {file("later.bak", 10), file("then.bak", 50), file("before.bak", 51), file("future.bak", -900000), file("tiny.bak", 0, 1)});
    const auto v = go();
    EXPECT_EQ(v.newest->name, "then.bak");
    EXPECT_EQ(v.files, 2U);
    EXPECT_EQ(v.matching, 2U);
    EXPECT_EQ(v.too_small, 0U);
    EXPECT_FALSE(v.future);
}

TEST_F(VisitorTest, TimesAreClampedWhateverTheServerSays) {
    constexpr auto kMost = std::numeric_limits<std::int64_t>::max(), kLeast = std::numeric_limits<std::int64_t>::min();
    EXPECT_EQ(clamped({kMost, kMost}), from_ms(253402300799999));
    EXPECT_EQ(clamped({253402300800, 0}), from_ms(253402300799999));
    EXPECT_EQ(clamped({253402300799, 999'999'999}), from_ms(253402300799999));
    EXPECT_EQ(clamped({kLeast, kLeast}), from_ms(0));
    EXPECT_EQ(clamped({-1, 5}), from_ms(0));
    EXPECT_EQ(clamped({5, 1'073'741'822}), from_ms(5000)) << "UTIME_OMIT is no fraction";
    EXPECT_EQ(clamped({5, -7}), from_ms(5000));
    EXPECT_EQ(clamped({5, 250'000'000}), from_ms(5250));
    auto year30828 = file("a.bak", 0, std::numeric_limits<std::uint64_t>::max());
    year30828.modified = {910'670'515'199, 0};
    on("d$", {year30828});
    const auto v = go();
    EXPECT_EQ(v.in_future, 1U);
    EXPECT_EQ(v.future->modified, from_ms(253402300799999));
    EXPECT_TRUE(visit_from_json(to_json(v))) << "it fits into the answer";
}

TEST_F(VisitorTest, EachShareIsAskedUntilOneHasTheFolder) {
    order.shares = {"d$", "e$", "f$", "g$"};
    refuse("e$", Outcome::no_folder);
    on("f$", {file("f.bak")});
    on("g$", {file("g.bak")});
    const auto v = go();
    EXPECT_EQ(v.outcome, Outcome::listed);
    EXPECT_EQ(v.share, "f$");
    EXPECT_EQ(v.newest->name, "f.bak");
    EXPECT_EQ(v.logins, 3);
    EXPECT_THAT(server.asked, ElementsAre("begin 127.1.0.7", "list d$ BackupFull", "list e$ BackupFull", "list f$ BackupFull", "forget"));
}

TEST_F(VisitorTest, AnEmptyFolderIsTheFolder) {
    order.shares = {"d$", "e$"};
    on("d$", {});
    on("e$", {file("e.bak")});
    const auto v = go();
    EXPECT_EQ(v.share, "d$");
    EXPECT_FALSE(v.newest);
}

TEST_F(VisitorTest, OneShareAnswersForItself) {
    EXPECT_EQ(go().outcome, Outcome::no_share);
    refuse("d$", Outcome::no_folder, "no such folder");
    auto v = go();
    EXPECT_EQ(v.outcome, Outcome::no_folder);
    EXPECT_EQ(v.detail, "d$: no such folder");
    refuse("d$", Outcome::access_denied);
    EXPECT_EQ(go().outcome, Outcome::access_denied);
}

TEST_F(VisitorTest, SeveralSharesWithoutTheFolderAreNoDrive) {
    order.shares = {"d$", "e$"};
    refuse("e$", Outcome::no_folder, "no such folder");
    auto v = go();
    EXPECT_EQ(v.outcome, Outcome::no_drive);
    EXPECT_EQ(v.detail, "d$: no such share; e$: no such folder");
    EXPECT_EQ(v.share, "");
    order.shares = {"c$", "d$", "e$", "f$", "g$"};
    EXPECT_EQ(go().detail, "c$, d$: no such share; e$: no such folder; f$, g$: no such share");
    order.shares = {"d$", "e$"};
    refuse("d$", Outcome::access_denied, "access denied");
    v = go();
    EXPECT_EQ(v.outcome, Outcome::access_denied) << "the folder may be there";
    EXPECT_THAT(server.asked, testing::Contains("list e$ BackupFull")) << "and another drive may have it";
}

TEST_F(VisitorTest, EveryOtherFailureEndsTheVisitAtOnce) {
    order.shares = {"d$", "e$", "f$"};
    on("f$", {file("f.bak")});
    for (const auto outcome : {Outcome::login_refused, Outcome::account_locked, Outcome::password_expired, Outcome::clock_skew, Outcome::timeout,
                               Outcome::reset, Outcome::refused, Outcome::unreachable, Outcome::protocol, Outcome::internal, Outcome::too_many}) {
        server.shares.erase("d$");
        refuse("e$", outcome);
        auto v = go();
        EXPECT_EQ(v.outcome, outcome);
        EXPECT_EQ(server.asked.size(), 4U) << word(outcome) << ": nothing was asked after it";
        EXPECT_EQ(server.asked.back(), "forget");
        EXPECT_THAT(v.detail, HasSubstr("e$: said no"));
        refuse("d$", outcome);
        EXPECT_EQ(go().logins, 1) << word(outcome);
    }
}

TEST_F(VisitorTest, TooManyEntriesSayNothingOfAnyFile) {
    order.max_entries = 2;
    on("d$", {file("a.bak"), file("b.bak"), file("c.bak")});
    const auto v = go();
    EXPECT_EQ(v.outcome, Outcome::too_many);
    EXPECT_FALSE(v.newest);
    EXPECT_EQ(v.share, "d$");
    EXPECT_EQ(v.files, 2U);
    EXPECT_TRUE(visit_from_json(to_json(v)));
    order.max_entries = 3;
    EXPECT_EQ(go().outcome, Outcome::listed);
}

TEST_F(VisitorTest, WhatNeedsTooMuchMemoryCostsOneVisit) {
    server.out_of_memory = true;
    const auto v = go();
    EXPECT_EQ(v.outcome, Outcome::internal);
    EXPECT_THAT(v.detail, HasSubstr("memory"));
    EXPECT_EQ(v.logins, 1);
    EXPECT_EQ(server.asked.back(), "forget");
    server.out_of_memory = false;
    on("d$", {file("a.bak")});
    EXPECT_EQ(go().outcome, Outcome::listed);
}

TEST_F(VisitorTest, HostileNamesAreTextAndNeverAskedFor) {
    const std::string nul("a\0b.bak", 7);
    for (const auto& name : {std::string("../../etc/passwd.bak"), std::string("..\\x.bak"), std::string("a/b.bak"), nul, std::string("\xff\xfe.bak"),
                             std::string("\xed\xa0\x80.bak"), std::string(3000, 'n') + ".bak"}) {
        order.look_inside = true;
        on("d$", {file(name)});
        const auto v = go();
        ASSERT_TRUE(v.newest) << printable(name);
        EXPECT_TRUE(valid_utf8(v.newest->name));
        EXPECT_EQ(v.newest->name.find('\0'), std::string::npos);
        EXPECT_EQ(v.content, Visit::Content::not_opened) << printable(name);
        EXPECT_EQ(server.asked.size(), 3U) << "not opened: " << printable(name);
        EXPECT_TRUE(visit_from_json(to_json(v))) << printable(name);
    }
    on("d$", {file("\x1b[2J%n\r\n.bak")});
    auto v = go();
    EXPECT_EQ(v.newest->name, "\x1b[2J%n\r\n.bak");
    EXPECT_EQ(v.content, Visit::Content::read) << "text that is ugly is a name";
}

TEST_F(VisitorTest, SharesThatSayUglyThingsAreQuoted) {
    order.shares = {"d$", "x\x7f"};
    refuse("d$", Outcome::no_folder, "no such folder");
    const auto v = go();
    EXPECT_THAT(v.detail, Not(HasSubstr("\x7f")));
    EXPECT_TRUE(visit_from_json(to_json(v)));
}

TEST_F(VisitorTest, ASmallFileIsReadWhole) {
    auto v = inside(file("a.bak", 0, 2000));
    EXPECT_EQ(v.content, Visit::Content::read);
    EXPECT_EQ(v.bytes_read, 2000U);
    EXPECT_THAT(server.asked,
                ElementsAre("begin 127.1.0.7", "list d$ BackupFull", "open d$ BackupFull a.bak", "read 0+2000", "state", "close", "forget"));
    v = inside(file("a.bak", 0, 100'000));
    EXPECT_EQ(v.bytes_read, 100'000U);
    EXPECT_THAT(server.asked, testing::Contains("read 65536+34464"));
    v = inside(file("a.bak", 0, 65536));
    EXPECT_EQ(v.bytes_read, 65536U);
    order.min_size = 0;
    v = inside(file("a.bak", 0, 0));
    EXPECT_EQ(v.bytes_read, 0U);
    ASSERT_TRUE(v.reading);
    EXPECT_EQ(v.reading->form, mtf::Form::nothing);
}

TEST_F(VisitorTest, OfALargeFileTheEndsAreRead) {
    const auto v = inside(file("a.bak", 0, 4ULL << 40));
    EXPECT_EQ(v.content, Visit::Content::read);
    EXPECT_EQ(v.bytes_read, 131072U);
    EXPECT_THAT(server.asked, ElementsAre("begin 127.1.0.7", "list d$ BackupFull", "open d$ BackupFull a.bak", "read 0+65536",
                                          "read 4398046445568+65536", "state", "close", "forget"));
    ASSERT_TRUE(v.reading);
    EXPECT_EQ(v.reading->form, mtf::Form::zeros);
}

TEST_F(VisitorTest, WhatChangesWhileItIsLookedAtIsNoReading) {
    auto f = file("a.bak", 100, 300'000);
    f.real_size = 200'000;
    auto v = inside(f);
    EXPECT_EQ(v.content, Visit::Content::changed);
    EXPECT_FALSE(v.reading);
    f.claims_size = true;
    EXPECT_EQ(inside(f).content, Visit::Content::changed) << "bytes that did not come are no zeros";
    f.claims_size = false;
    f.real_size = 300'001;
    v = inside(f);
    EXPECT_EQ(v.content, Visit::Content::changed);
    EXPECT_THAT(v.content_detail, HasSubstr("when it was read"));
    f.real_size = 300'000;
    f.modified_later = Stamp{kNow - 97, 0};
    EXPECT_EQ(inside(f).content, Visit::Content::changed);
    f.modified_later = Stamp{kNow - 103, 0};
    EXPECT_EQ(inside(f).content, Visit::Content::changed);
    f.modified_later = Stamp{kNow - 98, 0};
    EXPECT_EQ(inside(f).content, Visit::Content::read) << "FAT counts in steps of two seconds";
}

TEST_F(VisitorTest, WhatItsEndsProveWholeIsAskedForNoState) {
    auto f = file("a.bak", 100);
    f.bytes = bkmon::test::mtf_bytes({});
    f.size = f.bytes.size();
    f.modified_later = Stamp{kNow, 0};
    auto v = inside(f);
    ASSERT_TRUE(v.reading) << v.content_detail;
    EXPECT_EQ(v.reading->whole.sure, mtf::Sure::proven);
    EXPECT_THAT(server.asked, Not(testing::Contains("state")));
    // Padded as a tool that copies pads it, or as a file that still grows: only likely.
    bkmon::test::MtfFile padded;
    padded.padding = 8192;
    f.bytes = bkmon::test::mtf_bytes(padded);
    f.size = f.bytes.size();
    EXPECT_EQ(inside(f).content, Visit::Content::changed);
    f.bytes = bkmon::test::mtf_bytes({});
    f.bytes.resize(f.bytes.size() - 4096);
    f.size = f.bytes.size();
    EXPECT_EQ(inside(f).content, Visit::Content::changed) << "an end that is missing is no proof while the file is written to";
}

TEST_F(VisitorTest, WhatCannotBeReadIsUnknownAndStillTheNewest) {
    for (const auto content : {Visit::Content::not_opened, Visit::Content::in_use, Visit::Content::changed}) {
        auto f = file("a.bak");
        f.refused = Unreadable{content, "because"};
        auto v = inside(f);
        EXPECT_EQ(v.outcome, Outcome::listed);
        EXPECT_EQ(v.content, content);
        EXPECT_EQ(v.content_detail, "because");
        EXPECT_TRUE(v.newest);
        EXPECT_EQ(v.bytes_read, 0U);
        f.refused.reset();
        f.unreadable = Unreadable{content, "because"};
        v = inside(f);
        EXPECT_EQ(v.content, content);
        EXPECT_FALSE(v.reading);
        f.unreadable.reset();
        f.stateless = Unreadable{content, "because"};
        v = inside(f);
        EXPECT_EQ(v.content, content) << "what cannot be checked again is not believed";
        EXPECT_FALSE(v.reading);
        EXPECT_TRUE(visit_from_json(to_json(v)));
    }
}

TEST_F(VisitorTest, ASizeThatNoFileHasIsNotAskedFor) {
    const auto v = inside(file("a.bak", 0, 1ULL << 63));
    EXPECT_EQ(v.content, Visit::Content::not_opened);
    EXPECT_EQ(server.asked.size(), 3U);
    EXPECT_EQ(v.newest->size, (1ULL << 63) - 1) << "clamped";
    EXPECT_TRUE(visit_from_json(to_json(v)));
    auto most = file("a.bak", 0, (1ULL << 63) - 1);
    EXPECT_EQ(inside(most).content, Visit::Content::read);
}

TEST_F(VisitorTest, OnlyTheNewestIsLookedInto) {
    order.look_inside = true;
    on("d$", {file("future.bak", -900000), file("small.bak", 0, 1)});
    EXPECT_EQ(go().content, Visit::Content::not_asked);
    EXPECT_EQ(server.asked.size(), 3U);
}

TEST_F(VisitorTest, ImpossibleOrdersReachNobody) {
    const auto good = order;
    EXPECT_EQ(flaw(good), "");
    const auto refused = [&](const char* what) {
        on("d$", {file("a.bak")});
        const auto v = go();
        EXPECT_EQ(v.outcome, Outcome::internal) << what;
        EXPECT_THAT(v.detail, HasSubstr("the order cannot be carried out")) << what;
        EXPECT_THAT(v.detail, Not(HasSubstr("secret")));
        EXPECT_TRUE(server.asked.empty()) << what;
        order = good;
    };
    for (const char* address : {"", "localhost", "server.example", "127.0.0.1:445", "127.1", "[::1]", "fe80::1%lo", "127.0.0.1/d$"}) {
        order.address = address;
        refused(address);
    }
    for (const char* share : {"", ".", "..", "a/b", "a\\b", "d$\n"}) {
        order.shares = {"d$", share};
        refused(share);
    }
    for (const char* folder : {"..", "a/../b", "/a", "a/", "a//b", "a\\b", "a\tb"}) {
        order.folder = folder;
        refused(folder);
    }
    order.shares.clear();
    refused("no share");
    order.patterns.clear();
    refused("no pattern");
    order.credential.user.clear();
    refused("no user");
    order.credential.password.assign(256, 'p');
    refused("a password that would be cut");
    order.port = 0;
    refused("port 0");
    for (const char* address : {"::1", "fd00::7", "10.0.0.1"}) {
        order.address = address;
        EXPECT_EQ(flaw(order), "") << address;
    }
    order.folder = "";
    EXPECT_EQ(flaw(order), "") << "the root of a share";
}

}  // namespace
}  // namespace bkmon::smb::test
