// Where the inventory comes from.
#include "daemon/outlets/inventory_source.h"

#include <gmock/gmock.h>

#include "tests/support/manual_loop.h"
#include "tests/support/temp_tree.h"

namespace bkmon::outlets {
namespace {

using core::OutletInventory;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

/// Children that do what the test says, when it says so.
class HeldChildren final : public loop::ChildRunner {
public:
    struct Begun {
        loop::ChildSpec spec;
        std::function<void(loop::ChildResult)> done;
        std::shared_ptr<bool> alive;
    };
    Result<std::unique_ptr<loop::Child>> spawn(loop::ChildSpec spec, std::function<void(loop::ChildResult)> done) override {
        if (refuse) return fail(Errc::not_found, "start /x: No such file or directory");
        begun.push_back({std::move(spec), std::move(done), std::make_shared<bool>(true)});
        return std::make_unique<One>(begun.back().alive);
    }
    std::vector<Begun> begun;
    bool refuse = false;

private:
    struct One final : loop::Child {
        explicit One(std::shared_ptr<bool> a) : alive(std::move(a)) {}
        ~One() override { *alive = false; }
        void kill() override {}
        int pid() const override { return 1; }
        std::shared_ptr<bool> alive;
    };
};

class Source : public ::testing::Test {
protected:
    void begin(const OutletInventory& from) {
        result.reset();
        source->read(from, secret, [this](Result<Inventory> r) { result = std::move(r); });
        EXPECT_FALSE(result) << "never from inside read()";
    }
    Result<Inventory> read(const OutletInventory& from) {
        begin(from);
        loop.run_posted();
        EXPECT_TRUE(result);
        return result ? std::move(*result) : Result<Inventory>(fail(Errc::internal, "nothing came"));
    }
    static std::vector<std::string> codes(const Result<Inventory>& inventory) {
        std::vector<std::string> all;
        EXPECT_TRUE(inventory) << inventory.error().what;
        if (inventory)
            for (const auto& o : inventory->outlets) all.push_back(o.code);
        return all;
    }
    OutletInventory file(const std::string& bytes) {
        tree.put("o.csv", bytes);
        OutletInventory from;
        from.csv = tree.at("o.csv");
        return from;
    }
    static OutletInventory command() {
        OutletInventory from;
        from.command.emplace();
        from.command->argv = {"/opt/list", "--password", "hunter2"};
        from.command->timeout = std::chrono::seconds(7);
        return from;
    }
    /// What comes of a command that ends so.
    Result<Inventory> ended(loop::ChildResult with) {
        begin(command());
        EXPECT_EQ(children.begun.size(), 1u);
        const auto child = std::move(children.begun.back());
        children.begun.clear();
        child.done(std::move(with));
        EXPECT_FALSE(*child.alive);
        loop.run_posted();
        EXPECT_TRUE(result);
        return std::move(*result);
    }
    static loop::ChildResult printed(const std::string& out) {
        loop::ChildResult r;
        r.exit_code = 0;
        r.out = out;
        return r;
    }

    test::TempTree tree;
    test::ManualLoop loop;
    test::InlineLane lane;
    HeldChildren children;
    SecretReader secret = [](const std::string&, const std::string&) -> Result<std::string> { return "secret"; };
    std::optional<Result<Inventory>> result;
    std::unique_ptr<InventorySource> source = std::make_unique<InventorySource>(InventorySource::Rooms{loop, lane, children});
};

TEST_F(Source, AListIsTakenAsItStands) {
    OutletInventory from;
    from.list = {{"b", "", "10.0.0.2", true, {}}, {"A", "", "10.0.0.1", false, {}}};
    EXPECT_THAT(codes(read(from)), ElementsAre("A", "b"));
    EXPECT_TRUE(codes(read({})).empty()) << "whoever writes an empty list means it";
}

TEST_F(Source, AFileIsReadAnewEachTime) {
    EXPECT_THAT(codes(read(file("code,address\nS1,10.0.0.1\n"))), ElementsAre("S1"));
    const auto second = read(file("code,address\nS2,10.0.0.2\nS3,nowhere!\n"));
    EXPECT_THAT(codes(second), ElementsAre("S2"));
    ASSERT_EQ(second->bad.size(), 1u);
    EXPECT_EQ(second->bad[0].where, "line 3");
}

TEST_F(Source, AFileThatIsNoneIsSaidWithItsName) {
    OutletInventory from;
    from.csv = tree.at("gone.csv");
    const auto gone = read(from);
    ASSERT_FALSE(gone);
    EXPECT_EQ(gone.error().code, Errc::not_found);
    EXPECT_EQ(gone.error().what, tree.at("gone.csv") + ": is not there");
    const auto wrong = read(file("a;b\n"));
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().code, Errc::invalid);
    EXPECT_THAT(wrong.error().what, HasSubstr("o.csv: the first line names no columns"));
    from.csv = "/nonexistent/\x1b[2J";
    EXPECT_THAT(read(from).error().what, HasSubstr("/nonexistent/\\x1b[2J: is not there"));
}

TEST_F(Source, NobodyClosesAllShopsInOneNight) {
    const auto empty = read(file("code,address\n"));
    ASSERT_FALSE(empty);
    EXPECT_EQ(empty.error().code, Errc::invalid);
    EXPECT_THAT(empty.error().what, HasSubstr("it names no outlets at all"));
    const auto bad = read(file("code,address\nS1,\nS2,\n"));
    ASSERT_FALSE(bad);
    EXPECT_THAT(bad.error().what, HasSubstr("none of its 2 rows is right: line 2: the address is empty"));
}

TEST_F(Source, ACommandPrintsTheCsv) {
    begin(command());
    ASSERT_EQ(children.begun.size(), 1u);
    const auto& spec = children.begun[0].spec;
    EXPECT_THAT(spec.argv, ElementsAre("/opt/list", "--password", "hunter2"));
    EXPECT_THAT(spec.env, ElementsAre(HasSubstr("PATH="), "LANG=C.UTF-8"));
    EXPECT_EQ(spec.deadline, std::chrono::seconds(7));
    EXPECT_EQ(spec.max_output, kMaxInventoryBytes);
    children.begun.clear();
    EXPECT_THAT(codes(ended(printed("code,address\nS1,10.0.0.1\n"))), ElementsAre("S1"));
}

TEST_F(Source, ACommandThatFailsIsSaidWithItsReason) {
    const auto said = [&](loop::ChildResult with) {
        const auto r = ended(std::move(with));
        EXPECT_FALSE(r);
        if (r) return std::pair(Errc::internal, std::string());
        EXPECT_THAT(r.error().what, Not(HasSubstr("hunter2")));
        return std::pair(r.error().code, r.error().what);
    };
    loop::ChildResult with;
    with.exit_code = 3;
    with.out = "code,address\nS1,10.0.0.1\n";
    with.err = "no \x1b[31mdatabase\n";
    EXPECT_EQ(said(with), std::pair(Errc::unavailable, std::string("the command /opt/list: it ended with status 3: no \\x1b[31mdatabase")));
    with = {};
    with.signal = 11;
    EXPECT_THAT(said(with).second, HasSubstr("it died of signal 11"));
    with.timed_out = true;
    EXPECT_EQ(said(with), std::pair(Errc::timeout, std::string("the command /opt/list: it did not end within 7s")));
    with = {};
    with.output_too_long = true;
    EXPECT_EQ(said(with).first, Errc::no_space);
    EXPECT_EQ(said(printed("")).first, Errc::invalid);
    EXPECT_THAT(said(printed("oops\n")).second, HasSubstr("the command /opt/list: the first line names no columns"));
    children.refuse = true;
    const auto none = read(command());
    ASSERT_FALSE(none);
    EXPECT_THAT(none.error().what, HasSubstr("the command /opt/list: start /x: No such file"));
}

TEST_F(Source, WhatIsUnderWayEndsWithIt) {
    begin(command());
    const auto alive = children.begun[0].alive;
    const auto done = children.begun[0].done;
    begin(file("code,address\nS1,10.0.0.1\n"));
    source.reset();
    EXPECT_FALSE(*alive);
    done(printed("code,address\nS1,10.0.0.1\n"));
    loop.run_posted();
    EXPECT_FALSE(result);
}

TEST_F(Source, WithoutThePasswordNoDatabaseIsAsked) {
    OutletInventory from;
    from.sql.emplace();
    from.sql->database = "shops";
    from.sql->port = 1;
    secret = [](const std::string&, const std::string&) -> Result<std::string> { return fail(Errc::denied, "/p: Permission denied"); };
    EXPECT_EQ(read(from).error().what, "the password for the database 'shops' on 127.0.0.1:1: /p: Permission denied");
    secret = [](const std::string&, const std::string&) -> Result<std::string> { return "hunter2"; };
    const auto nobody = read(from);
    ASSERT_FALSE(nobody);
    EXPECT_EQ(nobody.error().code, Errc::unavailable);
    EXPECT_THAT(nobody.error().what, HasSubstr("the database 'shops' on 127.0.0.1:1: no connection"));
    EXPECT_THAT(nobody.error().what, Not(HasSubstr("hunter2")));
}

TEST_F(Source, WritesOneAtATime) {
    test::HeldLane held;
    InventorySource slow({loop, held, children});
    tree.put("o.csv", "old");
    std::vector<std::string> said;
    const auto note = [&](const std::string& who) {
        return [&said, who](Result<void> r) { said.push_back(who + ": " + (r ? "ok" : r.error().what)); };
    };
    slow.write(tree.at("o.csv"), "one", note("first"));
    slow.write(tree.at("o.csv"), "two", note("second"));
    loop.run_posted();
    EXPECT_THAT(said, ElementsAre("second: another import is being written: try again in a moment"));
    while (held.step()) loop.run_posted();
    EXPECT_EQ(said.back(), "first: ok");
    EXPECT_EQ(tree.get("o.csv"), "one");
    EXPECT_EQ(tree.get("o.csv.old"), "old");
    slow.write(tree.at("o.csv"), "three", note("third"));
    while (held.step()) loop.run_posted();
    EXPECT_EQ(said.back(), "third: ok");
}

TEST(Describe, NamesThePlaceAndNoSecret) {
    OutletInventory from;
    EXPECT_EQ(describe(from), "the list in the configuration");
    from.csv = "/etc/bkmon/o.csv";
    EXPECT_EQ(describe(from), "/etc/bkmon/o.csv");
    OutletInventory sql;
    sql.sql.emplace();
    sql.sql->host = "2001:db8::1";
    sql.sql->database = "shops";
    sql.sql->query = "SELECT 'hunter2'";
    EXPECT_EQ(describe(sql), "the database 'shops' on [2001:db8::1]:3306");
    OutletInventory command;
    command.command.emplace();
    command.command->argv = {"/opt/list", "hunter2"};
    EXPECT_EQ(describe(command), "the command /opt/list");
}

}  // namespace
}  // namespace bkmon::outlets
