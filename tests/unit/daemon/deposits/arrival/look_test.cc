#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "daemon/deposits/arrival/look.h"
#include "tests/support/forwarding_files.h"
#include "tests/unit/daemon/deposits/arrival/rig.h"

namespace bkmon::deposits {
namespace {

const SeenReport* report(const AgentSnapshot& s, const std::string& name) {
    for (const auto& r : s.reports)
        if (r.file.name == name) return &r;
    return nullptr;
}

TEST(Look, ReportsWithTheirBytesFilesWithTheirIdentity) {
    Rig rig;
    rig.put("ACME/log/STATUS.json", "{\"a\":1}");
    rig.put("ACME/log/agent.log", "not a report");
    rig.put("ACME/database/a.sql.gz", "12345");
    rig.put("ACME/databases/b.zst", "123");
    rig.put("ACME/database/.a.sql.gz.AbC123", "part");
    rig.tree.make_dirs("root/ACME/database/.~tmp~");
    rig.tree.make_dirs("root/EMPTY");
    rig.put("README", "no agent");
    rig.begin();
    ASSERT_EQ(rig.rounds.size(), 1U);
    EXPECT_EQ(rig.rounds[0], (std::vector<std::string>{"ACME", "EMPTY"}));
    const auto s = rig.last("ACME");
    ASSERT_EQ(s.reports.size(), 1U);
    EXPECT_EQ(s.reports[0].bytes, "{\"a\":1}");
    EXPECT_EQ(s.reports[0].sha256, files::Sha256::of("{\"a\":1}"));
    EXPECT_EQ(s.reports[0].file.folder, "log");
    EXPECT_EQ(Rig::names(s.files), "database/a.sql.gz databases/b.zst");
    EXPECT_EQ(Rig::names(s.temporaries), "database/.a.sql.gz.AbC123 database/.~tmp~");
    EXPECT_TRUE(s.oddities.empty()) << s.oddities.front();
    struct stat st {};
    ASSERT_EQ(stat(rig.at("ACME/database/a.sql.gz").c_str(), &st), 0);
    for (const auto& f : s.files) {
        if (f.name != "a.sql.gz") continue;
        EXPECT_EQ(f.id.ino, st.st_ino);
        EXPECT_EQ(f.id.size, 5U);
        EXPECT_EQ(f.id.mtime_ns, st.st_mtim.tv_sec * 1000000000LL + st.st_mtim.tv_nsec);
        EXPECT_EQ(f.nlink, 1U);
    }
}

TEST(Look, WhatIsNoPlainReportIsRefusedWithoutBeingOpened) {
    Rig rig;
    rig.put("secret", "root:x:0:0");
    rig.put("A/log/good.json", "{}");
    ASSERT_EQ(symlink("../../secret", rig.at("A/log/link.json").c_str()), 0);
    ASSERT_EQ(mkfifo(rig.at("A/log/fifo.json").c_str(), 0600), 0);
    ASSERT_EQ(mkdir(rig.at("A/log/folder.json").c_str(), 0700), 0);
    ASSERT_EQ(link(rig.at("secret").c_str(), rig.at("A/log/hard.json").c_str()), 0);
    rig.put("A/log/huge.json", std::string((1 << 20) + 1, ' '));
    rig.put("A/log/full.json", std::string(1 << 20, ' '));
    rig.begin();
    const auto s = rig.last("A");
    const std::pair<const char*, const char*> refused[] = {{"link.json", "symbolic link"},
                                                           {"fifo.json", "no plain file"},
                                                           {"folder.json", "no plain file"},
                                                           {"hard.json", "second name"},
                                                           {"huge.json", "1 MiB"}};
    for (const auto& [name, why] : refused) {
        const auto* r = report(s, name);
        ASSERT_NE(r, nullptr) << name;
        EXPECT_NE(r->refused.find(why), std::string::npos) << r->refused;
        EXPECT_EQ(r->bytes, "");
        EXPECT_EQ(r->sha256, "");
    }
    ASSERT_NE(report(s, "full.json"), nullptr);
    EXPECT_EQ(report(s, "full.json")->refused, "");
    EXPECT_EQ(report(s, "full.json")->bytes.size(), 1U << 20);
    EXPECT_EQ(report(s, "good.json")->bytes, "{}");
}

TEST(Look, LinkedFoldersAreOdditiesNeverFollowed) {
    Rig rig;
    rig.put("REAL/log/x.json", "{}");
    rig.put("REAL/database/x.gz", "x");
    ASSERT_EQ(symlink("REAL", rig.at("LINK").c_str()), 0);
    rig.tree.make_dirs("root/PART");
    ASSERT_EQ(symlink("../REAL/log", rig.at("PART/log").c_str()), 0);
    ASSERT_EQ(symlink("/etc", rig.at("PART/database").c_str()), 0);
    rig.put("PART/databases", "a file");
    rig.put("PART/STATUS.json", "{}");
    rig.begin();
    const auto link = rig.last("LINK");
    EXPECT_FALSE(link.gone);
    EXPECT_TRUE(link.reports.empty() && link.files.empty());
    EXPECT_TRUE(link.linked);
    EXPECT_FALSE(link.owner);
    const auto part = rig.last("PART");
    EXPECT_TRUE(part.reports.empty() && part.files.empty());
    EXPECT_TRUE(Rig::says(part, "'log' is a symbolic link"));
    EXPECT_TRUE(Rig::says(part, "'database' is a symbolic link"));
    EXPECT_TRUE(Rig::says(part, "'databases' is no folder"));
    EXPECT_TRUE(Rig::says(part, "'STATUS.json' lies beside"));
}

TEST(Look, NamesOfEveryKindComeThroughRawAndOdditiesArePrintable) {
    Rig rig;
    const std::string evil = "a\n\x1b[31m\xff.gz";
    rig.put("A/database/" + evil, "x");
    rig.put("A/" + evil, "x");
    rig.begin();
    const auto s = rig.last("A");
    ASSERT_EQ(s.files.size(), 1U);
    EXPECT_EQ(s.files[0].name, evil);
    ASSERT_EQ(s.oddities.size(), 1U);
    EXPECT_EQ(s.oddities[0].find('\x1b'), std::string::npos);
    EXPECT_EQ(s.oddities[0].find('\n'), std::string::npos);
}

TEST(Look, TooManyNamesAreCutAndSaid) {
    Rig rig;
    rig.options.max_names = 10;
    for (int i = 0; i < 25; ++i) rig.put("A/database/f" + std::to_string(i), "x");
    rig.put("A/log/STATUS.json");
    rig.begin();
    const auto s = rig.last("A");
    EXPECT_TRUE(s.truncated);
    EXPECT_EQ(s.files.size(), 10U);
    EXPECT_EQ(s.reports.size(), 1U);
    EXPECT_TRUE(Rig::says(s, "more than 10 names"));
}

TEST(Look, TooManyBytesOfReportsAreCutLatestArrivalsFirst) {
    Rig rig;
    for (int i = 0; i < 70; ++i) rig.put("A/log/" + std::to_string(1000 + i) + ".json", std::string((1 << 20) - 100, ' '));
    rig.begin();
    const auto s = rig.last("A");
    EXPECT_TRUE(s.truncated);
    EXPECT_LE(s.reports.size(), 64U);
    EXPECT_GE(s.reports.size(), 60U);
    EXPECT_NE(report(s, "1069.json"), nullptr);
    EXPECT_EQ(report(s, "1000.json"), nullptr);
}

TEST(Look, AnUnchangedReportAppearsWithItsBytesUntilItIsSettled) {
    Rig rig;
    rig.put("A/log/one.json", "{\"n\":1}");
    rig.put("A/log/two.json", "{\"n\":2}");
    rig.begin();
    const auto first = rig.last("A");
    rig.arrival->look_at("A");
    rig.settle();
    ASSERT_EQ(rig.count("A"), 2U);
    EXPECT_EQ(report(rig.last("A"), "one.json")->bytes, "{\"n\":1}");
    rig.arrival->settled("A", report(first, "one.json")->sha256);
    rig.arrival->look_at("A");
    rig.settle();
    EXPECT_TRUE(report(rig.last("A"), "one.json")->settled);
    EXPECT_EQ(report(rig.last("A"), "one.json")->bytes, "");
    EXPECT_EQ(report(rig.last("A"), "one.json")->sha256, report(first, "one.json")->sha256);
    EXPECT_EQ(report(rig.last("A"), "two.json")->bytes, "{\"n\":2}");

    rig.put("A/log/one.json", "{\"n\":3}");  // other bytes: another report
    rig.settle();
    EXPECT_FALSE(report(rig.last("A"), "one.json")->settled);
    EXPECT_EQ(report(rig.last("A"), "one.json")->bytes, "{\"n\":3}");

    rig.arrival->settled("A", report(first, "two.json")->sha256);
    rig.arrival->look_at("A");
    rig.settle();
    EXPECT_TRUE(report(rig.last("A"), "two.json")->settled);
    rig.arrival->unsettle("A");
    rig.settle();
    EXPECT_EQ(report(rig.last("A"), "two.json")->bytes, "{\"n\":2}");
}

TEST(Look, WithTheSameIdentityMemoryIsBelievedWithAnotherItIsNot) {
    Rig rig;
    rig.put("A/log/one.json", "{\"n\":1}");
    AgentOrder order;
    order.root.path = rig.options.root;
    order.agent = "A";
    order.max_names = 100;
    const auto first = look_at_agent(*rig.files, order);
    ASSERT_EQ(first.kept->size(), 1U);
    auto lie = std::make_shared<KeptReports>(*first.kept);
    lie->at("one.json").bytes = std::make_shared<const std::string>("from memory");
    lie->at("one.json").sha256 = "remembered";
    EXPECT_TRUE(lie->at("one.json").young) << "just written: times may not tell the next change";
    order.kept = lie;
    EXPECT_EQ(look_at_agent(*rig.files, order).snapshot.reports.at(0).bytes, "{\"n\":1}");
    lie->at("one.json").young = false;
    order.kept = lie;
    EXPECT_EQ(look_at_agent(*rig.files, order).snapshot.reports.at(0).bytes, "from memory");
    EXPECT_EQ(look_at_agent(*rig.files, order).snapshot.reports.at(0).sha256, "remembered");
    rig.put("A/log/one.json", "{\"n\":22}");
    EXPECT_EQ(look_at_agent(*rig.files, order).snapshot.reports.at(0).bytes, "{\"n\":22}");
    EXPECT_EQ(look_at_agent(*rig.files, order).snapshot.reports.at(0).sha256, files::Sha256::of("{\"n\":22}"));
}

/// Somebody writes into a report while it is read.
class BusyFiles final : public bkmon::test::ForwardingFiles {
public:
    Result<std::size_t> read(int fd, std::span<unsigned char> to, std::uint64_t offset) override {
        auto n = ForwardingFiles::read(fd, to, offset);
        if (offset == 0 && on_read) on_read();
        return n;
    }
    std::function<void()> on_read;
};

TEST(Look, AReportThatChangesWhileItIsReadIsNeverAMixOfBoth) {
    Rig rig;
    rig.put("A/log/x.json", "{\"half\":1}");
    BusyFiles files;
    AgentOrder order;
    order.root.path = rig.options.root;
    order.agent = "A";
    order.max_names = 100;
    for (const char* other : {"{\"half\":2,\"more\":1}", "{}"}) {
        rig.put("A/log/x.json", "{\"half\":1}");
        files.on_read = [&] { rig.put("A/log/x.json", other); };
        const auto r = look_at_agent(files, order);
        EXPECT_TRUE(r.snapshot.reports.empty()) << other;
        EXPECT_TRUE(r.again_soon) << other;
    }
    files.on_read = nullptr;
    EXPECT_EQ(look_at_agent(files, order).snapshot.reports.size(), 1U);
}

TEST(Look, ALeasedReportNeitherHangsNorIsRefused) {
    Rig rig;
    rig.put("A/log/x.json", "{}");
    const UniqueFd fd(open(rig.at("A/log/x.json").c_str(), O_RDWR | O_CLOEXEC));
    ASSERT_EQ(fcntl(fd.get(), F_SETLEASE, F_WRLCK), 0);
    signal(SIGIO, SIG_IGN);
    rig.begin();
    const auto s = rig.last("A");
    EXPECT_TRUE(s.reports.empty());
    EXPECT_TRUE(Rig::says(s, "leased"));
    fcntl(fd.get(), F_SETLEASE, F_UNLCK);
    rig.settle(milliseconds(1100));  // it looks again by itself
    EXPECT_EQ(rig.last("A").reports.size(), 1U);
    signal(SIGIO, SIG_DFL);
}

}  // namespace
}  // namespace bkmon::deposits
