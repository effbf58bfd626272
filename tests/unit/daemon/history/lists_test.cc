#include "daemon/history/lists.h"

#include <gtest/gtest.h>

#include "daemon/history/migrations.h"
#include "daemon/history/sqlite_session.h"
#include "tests/support/temp_tree.h"

namespace bkmon::test {
namespace {

using namespace history;

template <class List>
Errc refused(std::string_view text) {
    List list;
    const auto r = read_list(text, list);
    return r ? Errc::internal : r.error().code;
}

template <class List>
List again(const List& list) {
    List back;
    const auto r = read_list(list_text(list), back);
    EXPECT_TRUE(r);
    return back;
}

TEST(Lists, ComeBackWhateverTheirBytes) {
    const std::vector<std::vector<std::string>> lists{{}, {""}, {"", ""}, {"a"}, {"a\nb", "\\n", "\\", "\n"}, {std::string("\0x\xff", 3), "ß"}};
    for (const auto& list : lists) EXPECT_EQ(again(list), list);
    const std::vector<std::int64_t> numbers{0, -1, 9223372036854775807, -9223372036854775807 - 1};
    EXPECT_EQ(again(numbers), numbers);
    const std::vector<Time> times{from_ms(0), from_ms(-5), from_ms(1763769600250)};
    EXPECT_EQ(again(times), times);
    const core::Labels labels{{"", ""}, {"a\n", "\\"}, {"b", "c"}};
    EXPECT_EQ(again(labels), labels);
    EXPECT_EQ(list_text(std::vector<std::string>{"a\nb", "c"}), "a\\nb\nc\n") << "the form is that of stored rows: it never changes";
}

TEST(Lists, WhatWasNeverWrittenIsRefused) {
    for (const auto* text : {"a", "a\nb", "\\\n", "\\x\n", "a\\"}) EXPECT_EQ(refused<std::vector<std::string>>(text), Errc::corrupt) << text;
    for (const auto* text : {"\n", "x\n", "1x\n", "9223372036854775808\n", "1 \n", "1"}) {
        EXPECT_EQ(refused<std::vector<std::int64_t>>(text), Errc::corrupt) << text;
        EXPECT_EQ(refused<std::vector<Time>>(text), Errc::corrupt) << text;
    }
    for (const auto* text : {"a\n", "a\nb\nc\n", "a\nb\na\nc\n"}) EXPECT_EQ(refused<core::Labels>(text), Errc::corrupt) << text;
}

/// A row of each table of alerts, with one column as nobody wrote it.
class ForeignRows : public testing::Test {
protected:
    void SetUp() override {
        auto opened = sql::Connection::open(tree_.at("x.db"), sql::Connection::Mode::create, milliseconds(10));
        ASSERT_TRUE(opened);
        db_ = std::move(*opened);
        ASSERT_TRUE(migrate(*db_, migrations()));
        SqliteSession s(*db_);
        core::Incident i;
        i.target = *TargetId::parse("a/b");
        ASSERT_TRUE(s.put_incident(i));
        NoticeRow n;
        n.target = i.target;
        ASSERT_TRUE(s.put_notice(n));
        MailRow m;
        m.state = "waiting";
        ASSERT_TRUE(s.put_mail(m));
        ASSERT_TRUE(s.put_silence({}));
        ASSERT_TRUE(s.put_outlets({{"A", "", "", true, {}, {}}}, {}));
    }
    template <class Read>
    void expect_corrupt(const std::string& table, const std::string& column, Read read) {
        SqliteSession s(*db_);
        ASSERT_TRUE(read(s));
        const auto before = db_->text("SELECT coalesce(" + column + ", 'NULL') FROM " + table).value();
        ASSERT_TRUE(db_->execute(("UPDATE " + table + " SET " + column + " = 'never'").c_str()));
        const auto r = read(s);
        ASSERT_FALSE(r) << table << " " << column;
        EXPECT_EQ(r.error().code, Errc::corrupt);
        ASSERT_TRUE(db_->execute(("UPDATE " + table + " SET " + column + " = " + (before == "NULL" ? before : "'" + before + "'")).c_str()));
    }

    TempTree tree_;
    std::unique_ptr<sql::Connection> db_;
};

TEST_F(ForeignRows, AreCorrupt) {
    for (const auto* column : {"status", "severity", "said", "told", "turns"})
        expect_corrupt("incident", column, [](Reader& r) { return r.incidents({}); });
    for (const auto* column : {"word", "from_status", "to_status", "severity"})
        expect_corrupt("notice", column, [](Reader& r) { return r.notices(true, 1); });
    for (const auto* column : {"state", "incidents"}) expect_corrupt("mail", column, [](Reader& r) { return r.mail(1); });
    expect_corrupt("outlet", "labels", [](Reader& r) { return r.outlets(); });
    for (const auto* column : {"targets", "kinds", "labels", "windows"}) expect_corrupt("silence", column, [](Reader& r) { return r.silences(); });
}

}  // namespace
}  // namespace bkmon::test
