#include <gtest/gtest.h>
#include <stdlib.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

#include "daemon/platform/sql/statement.h"
#include "daemon/platform/sql/transaction.h"

namespace bkmon::test {
namespace {

using namespace sql;
using namespace std::chrono_literals;

class SqlTest : public testing::Test {
protected:
    SqlTest() {
        char name[] = "/tmp/bkmon-sql-XXXXXX";
        directory_ = ::mkdtemp(name);
        path_ = directory_ + "/x.db";
        db_ = open(Connection::Mode::create);
    }
    ~SqlTest() override {
        db_.reset();
        std::filesystem::remove_all(directory_);
    }
    std::unique_ptr<Connection> open(Connection::Mode mode) {
        auto c = Connection::open(path_, mode, 20ms);
        EXPECT_TRUE(c) << c.error().what;
        return std::move(*c);
    }
    void must(const char* script) {
        const auto r = db_->execute(script);
        ASSERT_TRUE(r) << r.error().what;
    }
    std::int64_t count() { return db_->number("SELECT count(*) FROM t").value_or(-1); }

    std::string directory_, path_;
    std::unique_ptr<Connection> db_;
};

TEST_F(SqlTest, ValuesComeBackAsTheyWentIn) {
    must("CREATE TABLE t (a, b, c, d, e, f, g, h, i, j)");
    const std::string text("a\0b\xff", 4);
    const auto when = from_ms(-5);
    auto put = db_->prepare("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
                   .value()
                   .bind(std::int64_t{-1}, ~std::uint64_t{0}, true, text, std::string_view(), when, 7ms, std::optional<std::string>(),
                         std::optional<Time>(when), nullptr)
                   .run();
    ASSERT_TRUE(put) << put.error().what;
    auto get = std::move(*db_->prepare("SELECT * FROM t"));
    ASSERT_TRUE(get.step().value());
    std::int64_t a = 0;
    std::uint64_t b = 0;
    bool c = false;
    std::string d, e = "x";
    Time f{};
    milliseconds g{0};
    std::optional<std::string> h = "x", j = "x";
    std::optional<Time> i;
    get.read(a, b, c, d, e, f, g, h, i, j);
    EXPECT_EQ(a, -1);
    EXPECT_EQ(b, ~std::uint64_t{0});
    EXPECT_TRUE(c);
    EXPECT_EQ(d, text);
    EXPECT_EQ(e, "");
    EXPECT_EQ(f, when);
    EXPECT_EQ(g, 7ms);
    EXPECT_FALSE(h);
    EXPECT_EQ(i, when);
    EXPECT_FALSE(j);
    EXPECT_FALSE(get.step().value());
}

TEST_F(SqlTest, AStatementStartsCleanEachTime) {
    must("CREATE TABLE t (a)");
    for (int i = 0; i < 2; ++i) {
        auto s = std::move(*db_->prepare("SELECT ?1 IS NULL"));
        ASSERT_TRUE(s.step().value());
        bool unbound = false;
        s.read(unbound);
        EXPECT_TRUE(unbound);
        auto bound = std::move(*db_->prepare("SELECT ?1 IS NULL"));  // the same text while the first is lent
        bound.bind(5);
        ASSERT_TRUE(bound.step().value());
        bound.read(unbound);
        EXPECT_FALSE(unbound);
    }
}

TEST_F(SqlTest, ABindThatCannotBeIsReportedByStep) {
    auto s = std::move(*db_->prepare("SELECT ?"));
    s.bind(1, 2);
    EXPECT_FALSE(s.step());
}

TEST_F(SqlTest, ATransactionRollsBackUnlessCommitted) {
    must("CREATE TABLE t (a)");
    {
        auto t = Transaction::begin(*db_, Transaction::Kind::write);
        ASSERT_TRUE(t);
        must("INSERT INTO t VALUES (1)");
    }
    EXPECT_EQ(count(), 0);
    auto t = Transaction::begin(*db_, Transaction::Kind::write);
    must("INSERT INTO t VALUES (1)");
    {
        auto lost = Savepoint::begin(*db_);
        must("INSERT INTO t VALUES (2)");
    }
    auto kept = Savepoint::begin(*db_);
    must("INSERT INTO t VALUES (3)");
    ASSERT_TRUE(kept->keep());
    ASSERT_TRUE(t->commit());
    EXPECT_FALSE(db_->in_transaction());
    EXPECT_EQ(count(), 2);
}

TEST_F(SqlTest, ACommitThatFailsLeavesNoTransactionOpen) {
    must("PRAGMA foreign_keys = ON; CREATE TABLE p (a INTEGER PRIMARY KEY); CREATE TABLE t (a REFERENCES p (a) DEFERRABLE INITIALLY DEFERRED)");
    auto t = Transaction::begin(*db_, Transaction::Kind::write);
    must("INSERT INTO t VALUES (1)");
    EXPECT_FALSE(t->commit());
    EXPECT_FALSE(db_->in_transaction());
    EXPECT_EQ(count(), 0);
}

TEST_F(SqlTest, AnotherWriterIsBusy) {
    must("PRAGMA journal_mode = WAL; CREATE TABLE t (a)");
    auto other = open(Connection::Mode::read_write);
    const auto mine = Transaction::begin(*db_, Transaction::Kind::write);
    const auto theirs = Transaction::begin(*other, Transaction::Kind::write);
    ASSERT_FALSE(theirs);
    EXPECT_EQ(theirs.error().code, Errc::busy);
}

TEST_F(SqlTest, ACheckpointEmptiesTheLogUnlessSomebodyReads) {
    must("PRAGMA journal_mode = WAL; CREATE TABLE t (a); INSERT INTO t VALUES (1)");
    auto other = open(Connection::Mode::read_only);
    {
        const auto reading = Transaction::begin(*other, Transaction::Kind::read);
        ASSERT_EQ(other->number("SELECT a FROM t").value(), 1);
        must("INSERT INTO t VALUES (2)");
        EXPECT_FALSE(db_->checkpoint(1ms).value());
    }
    EXPECT_TRUE(db_->checkpoint(1ms).value());
    EXPECT_EQ(std::filesystem::file_size(path_ + "-wal"), 0U);
}

TEST_F(SqlTest, ErrorsSayWhatACallerCanDo) {
    must("CREATE TABLE t (a UNIQUE NOT NULL); INSERT INTO t VALUES (1)");
    EXPECT_EQ(db_->execute("INSERT INTO t VALUES (1)").error().code, Errc::exists);
    EXPECT_EQ(db_->execute("INSERT INTO t VALUES (NULL)").error().code, Errc::invalid);
    EXPECT_EQ(db_->prepare("SELEC").error().code, Errc::internal);
    EXPECT_EQ(db_->number("SELECT 1 WHERE 0").error().code, Errc::not_found);
    auto reader = open(Connection::Mode::read_only);
    EXPECT_EQ(reader->execute("INSERT INTO t VALUES (2)").error().code, Errc::denied);
    std::ofstream(directory_ + "/text") << std::string(2000, 'x');
    auto text = Connection::open(directory_ + "/text", Connection::Mode::read_write, 1ms);
    ASSERT_TRUE(text);
    EXPECT_EQ((*text)->number("SELECT count(*) FROM sqlite_schema").error().code, Errc::corrupt);
    EXPECT_EQ(Connection::open(directory_ + "/no/x.db", Connection::Mode::create, 1ms).error().code, Errc::not_found);
}

TEST(SqlErrors, AreTold) {
    EXPECT_EQ(errc_of_sqlite(SQLITE_FULL, 0), Errc::no_space);
    EXPECT_EQ(errc_of_sqlite(SQLITE_IOERR_WRITE, EIO), Errc::unavailable);
    EXPECT_EQ(errc_of_sqlite(SQLITE_IOERR_FSYNC, EDQUOT), Errc::no_space);
    EXPECT_EQ(errc_of_sqlite(SQLITE_IOERR_WRITE, ENOSPC), Errc::no_space);
    EXPECT_EQ(errc_of_sqlite(SQLITE_BUSY_SNAPSHOT, 0), Errc::busy);
    EXPECT_EQ(errc_of_sqlite(SQLITE_LOCKED, 0), Errc::busy);
    EXPECT_EQ(errc_of_sqlite(SQLITE_CORRUPT_INDEX, 0), Errc::corrupt);
    EXPECT_EQ(errc_of_sqlite(SQLITE_NOTADB, 0), Errc::corrupt);
    EXPECT_EQ(errc_of_sqlite(SQLITE_READONLY_DBMOVED, 0), Errc::denied);
    EXPECT_EQ(errc_of_sqlite(SQLITE_CANTOPEN, EACCES), Errc::denied);
    EXPECT_EQ(errc_of_sqlite(SQLITE_CANTOPEN, ENOENT), Errc::not_found);
    EXPECT_EQ(errc_of_sqlite(SQLITE_CANTOPEN, EMFILE), Errc::unavailable);
    EXPECT_EQ(errc_of_sqlite(SQLITE_INTERRUPT, 0), Errc::cancelled);
    EXPECT_EQ(errc_of_sqlite(SQLITE_MISUSE, 0), Errc::internal);
}

}  // namespace
}  // namespace bkmon::test
