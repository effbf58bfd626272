#include "daemon/history/sqlite_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <latch>
#include <optional>
#include <set>
#include <sstream>
#include <thread>

#include "daemon/history/days.h"
#include "daemon/history/migrations.h"
#include "daemon/platform/sql/statement.h"
#include "tests/support/fault_vfs.h"
#include "tests/support/manual_loop.h"
#include "tests/support/temp_tree.h"
#include "tests/unit/daemon/history/rows_text.h"

namespace bkmon::test {
namespace {

using namespace history;
using namespace std::chrono_literals;
using testing::Each;
using testing::HasSubstr;

/// One engine on a directory of its own, answered through a loop that the test pumps.
struct Site {
    explicit Site(std::string file_path) : path(std::move(file_path)) {}
    ~Site() { store.reset(); }

    Result<void> open() {
        auto opened = SqliteStore::open(loop, path);
        if (!opened) return fail(opened.error());
        store = std::move(*opened);
        return {};
    }
    template <class Condition>
    bool pump(Condition over) {
        const auto end = std::chrono::steady_clock::now() + 20s;
        for (loop.run_posted(); !over() && std::chrono::steady_clock::now() < end; loop.run_posted()) std::this_thread::sleep_for(200us);
        return over();
    }
    Result<void> write(Store::Work work) {
        std::optional<Result<void>> result;
        store->write(std::move(work), [&](Result<void> r) { result = std::move(r); });
        pump([&] { return result.has_value(); });
        return result.value_or(fail(Errc::timeout, "no answer"));
    }
    Result<void> read(Store::Look look) {
        std::optional<Result<void>> result;
        store->read(std::move(look), [&](Result<void> r) { result = std::move(r); });
        pump([&] { return result.has_value(); });
        return result.value_or(fail(Errc::timeout, "no answer"));
    }
    Result<void> set(const std::string& name, const std::string& value = "1") {
        return write([=](Session& s) { return s.put_setting(name, value); });
    }
    std::optional<std::string> get(const std::string& name) {
        std::optional<std::string> value;
        const auto r = read([&](Reader& reader) -> Result<void> {
            value = reader.setting(name).value();
            return {};
        });
        EXPECT_TRUE(r);
        return value;
    }

    std::string path;
    ManualLoop loop;
    std::unique_ptr<Store> store;
};

class SqliteStoreTest : public testing::Test {
protected:
    std::string error_of_open() {
        const auto r = site_.open();
        return r ? "opened" : std::string(name_of(r.error().code)) + ": " + r.error().what;
    }
    std::unique_ptr<sql::Connection> raw(sql::Connection::Mode mode = sql::Connection::Mode::create) {
        return std::move(*sql::Connection::open(site_.path, mode, 1000ms));
    }
    /// As a process that died leaves it: "a" is committed, and only the log has it.
    void leave_a_log() {
        ASSERT_TRUE(site_.open());
        ASSERT_TRUE(site_.set("a"));
        const auto file = tree_.get("history.db"), log = tree_.get("history.db-wal");
        site_.store.reset();
        tree_.put("history.db", file);
        tree_.put("history.db-wal", log);
    }
    static mode_t mode_of(const std::string& path) {
        struct stat st {};
        return ::stat(path.c_str(), &st) == 0 ? st.st_mode & 07777 : 0;
    }

    TempTree tree_;
    Site site_{tree_.at("history.db")};
};

TEST_F(SqliteStoreTest, OnlyTheGroupMayReadTheFile) {
    const auto before = ::umask(0);
    ASSERT_TRUE(site_.open());
    ASSERT_TRUE(site_.set("a"));
    for (const auto* suffix : {"", "-wal", "-shm"}) EXPECT_EQ(mode_of(site_.path + suffix), 0640U) << suffix;
    site_.store.reset();
    ASSERT_EQ(::chmod(site_.path.c_str(), 0666), 0);
    ASSERT_TRUE(site_.open());
    EXPECT_EQ(mode_of(site_.path), 0640U);
    ::umask(before);
}

TEST_F(SqliteStoreTest, ACleanCloseLeavesOneFile) {
    ASSERT_TRUE(site_.open());
    ASSERT_TRUE(site_.set("a"));
    site_.store.reset();
    EXPECT_EQ(tree_.names(""), "history.db");
    ASSERT_TRUE(site_.open());
    EXPECT_EQ(site_.get("a"), "1");
}

TEST_F(SqliteStoreTest, OnlyWhatIsSyncedIsAcknowledged) {
    FaultVfs disk;
    ASSERT_TRUE(site_.open());
    for (int i = 0; i < 5; ++i) {
        const auto before = disk.log_syncs();
        ASSERT_TRUE(site_.set("n" + std::to_string(i)));
        EXPECT_GT(disk.log_syncs(), before);
    }
    site_.store.reset();
}

/// A process that was killed may leave commits that nobody synced; a power cut later must not take back what the next one acted on.
TEST_F(SqliteStoreTest, WhatIsFoundInTheLogIsSyncedBeforeAnybodyActsOnIt) {
    leave_a_log();
    FaultVfs disk;
    ASSERT_TRUE(site_.open());
    EXPECT_GT(disk.log_syncs(), 0);
    EXPECT_EQ(site_.get("a"), "1");
    site_.store.reset();
}

TEST_F(SqliteStoreTest, ALogThatCouldNotBeSyncedIsLeftAsItIs) {
    leave_a_log();
    const auto file = tree_.get("history.db"), log = tree_.get("history.db-wal");
    {
        FaultVfs disk;
        disk.fail_syncs(SQLITE_IOERR_FSYNC);
        EXPECT_FALSE(site_.open());
        EXPECT_EQ(disk.log_syncs(), 1) << "the kernel takes for clean what it could not write: the next answer would be a lie";
    }
    EXPECT_EQ(tree_.get("history.db"), file);
    EXPECT_EQ(tree_.get("history.db-wal"), log);
    ASSERT_TRUE(site_.open());
    EXPECT_EQ(site_.get("a"), "1");
    site_.store.reset();
}

TEST_F(SqliteStoreTest, WhatQueuesUpSharesOneCommit) {
    FaultVfs disk;
    ASSERT_TRUE(site_.open());
    std::latch started(1), go(1);
    int done = 0;
    site_.store->write(
        [&](Session&) -> Result<void> {
            started.count_down();
            go.wait();
            return {};
        },
        [&](Result<void>) { ++done; });
    started.wait();
    for (int i = 0; i < 100; ++i)
        site_.store->write([i](Session& s) { return s.put_setting(std::to_string(i), "x"); }, [&](Result<void> r) { done += r ? 1 : 0; });
    const auto before = disk.log_syncs();
    go.count_down();
    ASSERT_TRUE(site_.pump([&] { return done == 101; }));
    EXPECT_LE(disk.log_syncs() - before, 4);
    EXPECT_EQ(site_.get("99"), "x");
    site_.store.reset();
}

TEST_F(SqliteStoreTest, AFullDiskIsSaidAndHeals) {
    FaultVfs disk;
    ASSERT_TRUE(site_.open());
    ASSERT_TRUE(site_.set("before"));
    disk.fail_writes(SQLITE_FULL);
    for (int i = 0; i < 3; ++i) {
        const auto r = site_.set("during");
        ASSERT_FALSE(r);
        EXPECT_EQ(r.error().code, Errc::no_space);
        EXPECT_THAT(r.error().what, HasSubstr(site_.path));
        EXPECT_THAT(r.error().what, HasSubstr("free space"));
    }
    EXPECT_EQ(site_.get("before"), "1") << "reading goes on";
    disk.fail_writes(0);
    ASSERT_TRUE(site_.set("after"));
    EXPECT_EQ(site_.get("during"), std::nullopt);
    EXPECT_EQ(site_.get("after"), "1");
    site_.store.reset();
}

TEST_F(SqliteStoreTest, WhenTheCommitFailsAllOfItsWorksFail) {
    FaultVfs disk;
    ASSERT_TRUE(site_.open());
    std::latch started(1), go(1);
    std::vector<std::string> said;
    const auto note = [&](Result<void> r) { said.emplace_back(r ? "ok" : name_of(r.error().code)); };
    site_.store->write(
        [&](Session&) -> Result<void> {
            started.count_down();
            go.wait();
            return {};
        },
        [](Result<void>) {});
    started.wait();
    for (int i = 0; i < 4; ++i) site_.store->write([i](Session& s) { return s.put_setting("g" + std::to_string(i), "x"); }, note);
    disk.fail_syncs(SQLITE_IOERR_FSYNC);
    go.count_down();
    ASSERT_TRUE(site_.pump([&] { return said.size() == 4; }));
    EXPECT_THAT(said, Each("unavailable"));
    disk.fail_syncs(0);
    ASSERT_TRUE(site_.set("after"));
    for (int i = 0; i < 4; ++i) EXPECT_EQ(site_.get("g" + std::to_string(i)), std::nullopt);
    site_.store.reset();
    ASSERT_TRUE(site_.open());
    EXPECT_EQ(site_.get("g0"), std::nullopt) << "nor after a restart";
    EXPECT_EQ(site_.get("after"), "1");
    site_.store.reset();
}

TEST_F(SqliteStoreTest, TheStartReadsNoMoreOfALongHistory) {
    const auto reads_at_start = [&] {
        FaultVfs disk;
        EXPECT_TRUE(site_.open());
        EXPECT_TRUE(site_.read([](Reader& r) -> Result<void> {
            EXPECT_TRUE(r.currents() && r.pauses() && r.deposit_states() && r.held() && r.schedule_states() && r.runs(50) &&
                        r.events_after(1 << 30, 10));
            return {};
        }));
        const auto reads = disk.reads();
        site_.store.reset();
        return reads;
    };
    const auto grow = [&](int n) {
        ASSERT_TRUE(site_.open());
        ASSERT_TRUE(site_.write([n](Session& s) -> Result<void> {
            for (int i = 0; i < n; ++i) {
                VerdictRow row{0, *TargetId::parse("deposit/a" + std::to_string(i % 10) + "/db"), {}};
                row.verdict.reason = std::string(200, 'x');
                row.verdict.at = from_ms(i);
                if (auto r = s.add_verdict(row); !r) return fail(r.error());
                if (auto r = s.put_current({row.target, row.verdict, {}, {}, {}, {}}); !r) return r;
                if (auto r = s.add_event({0, from_ms(i), "verdict", row.target, "", "{}"}); !r) return fail(r.error());
            }
            return {};
        }));
        site_.store.reset();
    };
    grow(1000);
    const auto few = reads_at_start();
    grow(20000);
    EXPECT_LE(reads_at_start(), few + 10);
}

TEST_F(SqliteStoreTest, EvenTheCheckAfterACrashReadsNoMoreOfALongHistory) {
    const auto grow = [&](int n) {
        ASSERT_TRUE(site_.open());
        ASSERT_TRUE(site_.write([n](Session& s) -> Result<void> {
            for (int i = 0; i < n; ++i) {
                VerdictRow row{0, *TargetId::parse("deposit/a/db"), {}};
                row.verdict.reason = std::string(300, 'x');
                row.verdict.at = from_ms(i);
                if (auto r = s.add_verdict(row); !r) return fail(r.error());
            }
            return {};
        }));
        site_.store.reset();
        tree_.put("history.db-wal", "");  // what a crash leaves
    };
    const auto reads_at_start = [&] {
        FaultVfs disk;
        EXPECT_TRUE(site_.open());
        const auto reads = disk.reads();
        site_.store.reset();
        return reads;
    };
    grow(3000);
    const auto few = reads_at_start();
    grow(30000);
    EXPECT_LE(reads_at_start(), few + 40);
}

TEST_F(SqliteStoreTest, ALongReadHoldsUpNoWrite) {
    ASSERT_TRUE(site_.open());
    ASSERT_TRUE(site_.set("a"));
    std::latch reading(1), go(1);
    bool read_over = false;
    site_.store->read(
        [&](Reader& r) -> Result<void> {
            EXPECT_EQ(r.setting("a").value(), "1");
            reading.count_down();
            go.wait();
            EXPECT_EQ(r.setting("a").value(), "1") << "one look sees one state";
            return {};
        },
        [&](Result<void> r) { read_over = r.has_value(); });
    reading.wait();
    EXPECT_TRUE(site_.set("a", "2"));
    go.count_down();
    EXPECT_TRUE(site_.pump([&] { return read_over; }));
    EXPECT_EQ(site_.get("a"), "2");
}

TEST_F(SqliteStoreTest, ALookCannotWrite) {
    ASSERT_TRUE(site_.open());
    EXPECT_TRUE(site_.read([](Reader& r) -> Result<void> {
        auto* session = dynamic_cast<Session*>(&r);
        EXPECT_EQ(session->put_setting("a", "1").error().code, Errc::denied);
        return {};
    }));
}

TEST_F(SqliteStoreTest, AStoreThatHangsIsNotAlive) {
    ASSERT_TRUE(site_.open());
    EXPECT_TRUE(site_.store->alive(0ms)) << "nothing is owed";
    std::latch started(1), go(1);
    bool over = false;
    site_.store->write(
        [&](Session&) -> Result<void> {
            started.count_down();
            go.wait();
            return {};
        },
        [&](Result<void>) { over = true; });
    started.wait();
    EXPECT_TRUE(site_.store->alive(1h));
    std::this_thread::sleep_for(20ms);
    EXPECT_FALSE(site_.store->alive(5ms));
    go.count_down();
    ASSERT_TRUE(site_.pump([&] { return over; }));
    EXPECT_TRUE(site_.pump([&] { return site_.store->alive(5ms); }));
}

TEST_F(SqliteStoreTest, DatabasesOfOthersAreLeftAlone) {
    ASSERT_TRUE(raw()->execute("CREATE TABLE theirs (a); INSERT INTO theirs VALUES (1)"));
    const auto bytes = tree_.get("history.db");
    EXPECT_THAT(error_of_open(), HasSubstr("invalid: history '" + site_.path + "': is a database of another program"));
    EXPECT_EQ(tree_.get("history.db"), bytes);
    EXPECT_EQ(tree_.names(""), "history.db");
}

TEST_F(SqliteStoreTest, AHistoryFromTheFutureIsLeftAlone) {
    ASSERT_TRUE(site_.open());
    site_.store.reset();
    ASSERT_TRUE(raw()->execute("PRAGMA user_version = 999"));
    EXPECT_THAT(error_of_open(), HasSubstr("newer bkmond (schema 999"));
    ASSERT_TRUE(raw()->execute(("PRAGMA user_version = " + std::to_string(migrations().back().version)).c_str()));
    EXPECT_EQ(error_of_open(), "opened");
}

TEST_F(SqliteStoreTest, WhatCannotBeOpenedSaysWhy) {
    tree_.put("history.db", std::string(5000, 'x'));
    EXPECT_THAT(error_of_open(), HasSubstr("corrupt: history '" + site_.path));
    std::filesystem::remove(site_.path);
    tree_.make_dirs("history.db");
    EXPECT_THAT(error_of_open(), HasSubstr("Is a directory"));
    site_.path = tree_.at("no/such/history.db");
    EXPECT_THAT(error_of_open(), HasSubstr("not_found: history '" + site_.path + "': open: No such file or directory; its directory must exist"));
}

TEST_F(SqliteStoreTest, DamageIsFoundAfterACrash) {
    ASSERT_TRUE(site_.open());
    ASSERT_TRUE(site_.write([](Session& s) -> Result<void> {
        for (int i = 0; i < 200; ++i)
            if (auto r = s.put_current({*TargetId::parse("a/" + std::to_string(i)), {}, {}, {}, {}, {}}); !r) return r;
        return {};
    }));
    site_.store.reset();
    const auto page = raw()->number("SELECT rootpage FROM sqlite_schema WHERE name = 'current'").value();
    auto bytes = tree_.get("history.db");
    bytes.replace(static_cast<std::size_t>(page - 1) * 4096, 4096, std::string(4096, '\x5a'));
    tree_.put("history.db", bytes);
    tree_.put("history.db-wal", "");  // what a crash leaves
    const auto error = error_of_open();
    EXPECT_THAT(error, HasSubstr("corrupt: history"));
    EXPECT_THAT(error, HasSubstr("check of table current"));
    EXPECT_THAT(error, HasSubstr(".recover"));
}

TEST_F(SqliteStoreTest, TheFirstSchemaStaysReadable) {
    std::ostringstream script;
    script << std::ifstream(BKMON_SOURCE_DIR "/tests/unit/daemon/history/history_v1.sql").rdbuf();
    ASSERT_TRUE(raw()->execute(script.str().c_str()));
    ASSERT_EQ(raw()->number("PRAGMA user_version").value(), 1);
    ASSERT_TRUE(site_.open());
    const auto r = site_.read([](Reader& reader) -> Result<void> {
        const auto currents = reader.currents().value();
        EXPECT_EQ(currents.size(), 2U);
        EXPECT_EQ(text(currents.at(1)),
                  "deposit/Agent/DB|1700000000000|1700000000000|1700000000500|1690000000000|unchanged|WARNING|same_content|Same.|1700000000500|"
                  "1700000000000|1699990000000|f.gz|1234|aa|r1|1500||{\"a\":1}|");
        EXPECT_EQ(reader.verdicts({}).value().size(), 2U);
        EXPECT_EQ(reader.daily({}).value().size(), 1U);
        EXPECT_EQ(reader.events_after(0, 10).value().size(), 2U);
        EXPECT_EQ(reader.runs(10).value().size(), 1U);
        EXPECT_EQ(reader.schedule_states().value().size(), 1U);
        EXPECT_EQ(reader.pauses().value().at(0).target.str(), "bkmon/vault");
        EXPECT_EQ(reader.audits(10).value().size(), 1U);
        const auto healthy = reader.vault_files().value();
        EXPECT_EQ(healthy.size(), 1U);
        EXPECT_FALSE(healthy.at(0).was_empty) << "new in the second schema";
        EXPECT_FALSE(healthy.at(0).verified_at || healthy.at(0).damaged_at) << "new in the third";
        EXPECT_EQ(reader.deposit_states().value().at(0).temp_ino, 7U);
        EXPECT_EQ(reader.judged("Agent", 10).value().size(), 1U);
        EXPECT_EQ(reader.held().value().size(), 1U);
        EXPECT_EQ(reader.setting("vault").value(), "marker");
        EXPECT_TRUE(reader.incidents({}).value().empty() && reader.mails({}).value().empty()) << "new in the fifth";
        EXPECT_TRUE(reader.outlets().value().empty() && reader.remembered_shares().value().empty()) << "new in the sixth";
        EXPECT_EQ(reader.daily({}).value().at(0).verdict.evidence.substr(0, 1), "{") << "what is older than the seventh has its evidence itself";
        return {};
    });
    EXPECT_TRUE(r) << r.error().what;
    EXPECT_TRUE(site_.write([](Session& s) -> Result<void> {
        EXPECT_TRUE(s.put_expectation({*TargetId::parse("deposit/agent/db"), 5, {}, "", ""}));
        EXPECT_EQ(s.expectation(*TargetId::parse("deposit/Agent/DB")).value()->size_bytes, 5U) << "on the targets that were there";
        return {};
    }));
    site_.store.reset();
    EXPECT_EQ(raw()->number("PRAGMA user_version").value(), migrations().back().version);
}

/// Two cycles of one day.
Result<void> put_two_cycles(Session& s, const std::string& date) {
    core::Verdict v;
    v.status = core::Status::ok;
    v.severity = core::Severity::ok;
    for (const char* hour : {"T06:00:00Z", "T18:00:00Z"}) {
        v.due = *parse_rfc3339(date + hour);
        if (auto r = s.put_daily({*TargetId::parse("a/db"), date, v}); !r) return r;
    }
    return {};
}

TEST_F(SqliteStoreTest, CyclesAreKeptOneByOneOnlyWhileALateReportMayCome) {
    ASSERT_TRUE(site_.open());
    for (const char* date : {"2025-09-20", "2025-09-21", "2025-11-22"}) ASSERT_TRUE(site_.write([&](Session& s) { return put_two_cycles(s, date); }));
    const auto reader = raw(sql::Connection::Mode::read_only);
    EXPECT_EQ(reader->number("SELECT count(*) FROM daily_cycle").value(), 4) << "the oldest day is one row now";
    EXPECT_EQ(reader->number("SELECT count(*) FROM daily").value(), 3);
    ASSERT_TRUE(site_.write([&](Session& s) -> Result<void> {
        EXPECT_EQ(s.expire(*parse_rfc3339("2025-11-01T00:00:00Z"), 100).value(), 4);
        return {};
    }));
    EXPECT_EQ(reader->number("SELECT count(*) FROM daily_cycle").value(), 2);
    EXPECT_EQ(reader->number("SELECT count(*) FROM daily").value(), 1);
}

TEST(Days, Before) {
    EXPECT_EQ(days_before("2025-11-22", 62), "2025-09-21");
    EXPECT_EQ(days_before("2024-03-01", 1), "2024-02-29");
    EXPECT_EQ(days_before("2025-01-01", 1), "2024-12-31");
    for (const std::string no_date : {"", "2025-13-01", "2025-02-30", "yesterday!", "2025/01/01x"}) EXPECT_EQ(days_before(no_date, 1), no_date);
}

std::uint64_t fnv1a(std::string_view text) {
    std::uint64_t h = 0xcbf29ce484222325ULL;
    for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    return h;
}

/// A released migration is never edited: a history that went through it would differ from a new one. Add another instead.
TEST(Migrations, AreNeverEdited) {
    const std::vector<std::uint64_t> pinned{
        0xbd21cc0d4f7c47ae, 0x9794a2cb313be65a, 0x5a065a363afac789, 0xba4bf5d174bc1ee6, 0xab6958984085aaa, 0xbbb4d528128a153f, 0x221232c369934191};
    ASSERT_EQ(migrations().size(), pinned.size()) << "pin the new one here";
    for (std::size_t i = 0; i < pinned.size(); ++i) {
        EXPECT_EQ(migrations()[i].version, static_cast<int>(i) + 1);
        EXPECT_EQ(fnv1a(migrations()[i].sql), pinned[i]) << "migration " << i + 1;
    }
}

TEST(Migrations, EachIsWholeOrNotThereAtAll) {
    TempTree tree;
    auto db = std::move(*sql::Connection::open(tree.at("x.db"), sql::Connection::Mode::create, 10ms));
    const std::vector<Migration> good{{1, "CREATE TABLE a (x)"}, {2, "CREATE TABLE b (x)"}};
    const std::vector<Migration> bad{good[0], {2, "CREATE TABLE b (x); INSERT INTO nowhere VALUES (1)"}};
    const auto r = migrate(*db, bad);
    ASSERT_FALSE(r);
    EXPECT_THAT(r.error().what, HasSubstr("migration 2"));
    EXPECT_EQ(db->number("PRAGMA user_version").value(), 1);
    EXPECT_EQ(db->number("SELECT count(*) FROM sqlite_schema").value(), 1);
    ASSERT_TRUE(migrate(*db, good));
    ASSERT_TRUE(migrate(*db, good)) << "again is nothing to do";
    EXPECT_EQ(db->number("PRAGMA user_version").value(), 2);
    EXPECT_EQ(db->number("SELECT count(*) FROM sqlite_schema").value(), 2);
}

/// Writes pairs of rows and says each number through `said` once it was acknowledged. Never returns.
[[noreturn]] void write_for_ever(const std::string& path, int said, int first) {
    ManualLoop loop;
    auto store = SqliteStore::open(loop, path);
    if (!store) ::_exit(2);
    for (int next = first, pending = 0;;) {
        for (; pending < 20; ++pending, ++next)
            (*store)->write(
                [next](Session& s) -> Result<void> {
                    if (auto r = s.put_setting("a" + std::to_string(next), "x"); !r) return r;
                    return s.put_setting("b" + std::to_string(next), "x");
                },
                [&pending, said, next](Result<void> r) {
                    --pending;
                    if (r && ::write(said, &next, sizeof next) != static_cast<ssize_t>(sizeof next)) ::_exit(3);
                });
        loop.run_posted();
        std::this_thread::yield();
    }
}

TEST_F(SqliteStoreTest, AKillLosesNothingAcknowledgedAndLeavesNothingHalf) {
    std::set<int> acknowledged;
    for (int round = 0; round < 8; ++round) {
        int ends[2];
        ASSERT_EQ(::pipe(ends), 0);
        const pid_t child = ::fork();
        if (child == 0) {
            ::close(ends[0]);
            write_for_ever(site_.path, ends[1], round * 1000000);
        }
        ::close(ends[1]);
        int number = 0;
        for (int i = 0; i < 5 + round * 13 && ::read(ends[0], &number, sizeof number) == static_cast<ssize_t>(sizeof number); ++i)
            acknowledged.insert(number);
        ::kill(child, SIGKILL);
        ::waitpid(child, nullptr, 0);
        while (::read(ends[0], &number, sizeof number) == static_cast<ssize_t>(sizeof number)) acknowledged.insert(number);
        ::close(ends[0]);

        ASSERT_TRUE(site_.open()) << "round " << round;
        EXPECT_TRUE(site_.read([&](Reader& r) -> Result<void> {
            for (const int n : acknowledged) EXPECT_TRUE(r.setting("a" + std::to_string(n)).value()) << n;
            return {};
        }));
        site_.store.reset();
        const auto db = raw(sql::Connection::Mode::read_only);
        EXPECT_EQ(db->number("SELECT count(*) FROM setting WHERE name GLOB 'a*'").value(),
                  db->number("SELECT count(*) FROM setting WHERE name GLOB 'b*'").value());
    }
    EXPECT_GT(acknowledged.size(), 8U * 5U);
}

}  // namespace
}  // namespace bkmon::test
