#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "daemon/platform/inspect/process_inspector.h"
#include "daemon/platform/loop/libevent.h"
#include "daemon/platform/loop/process.h"
#include "tests/support/manual_loop.h"
#include "tests/support/temp_tree.h"

namespace bkmon::inspect {
namespace {

/// Answers for the child.
class FakeRunner final : public loop::ChildRunner {
public:
    Result<std::unique_ptr<loop::Child>> spawn(loop::ChildSpec spec, std::function<void(loop::ChildResult)> done) override {
        if (refuse) return fail(Errc::not_found, "no such file");
        last = std::move(spec);
        answer = std::move(done);
        struct Nothing final : loop::Child {
            void kill() override {}
            int pid() const override { return 1; }
        };
        return std::unique_ptr<loop::Child>(std::make_unique<Nothing>());
    }
    loop::ChildSpec last;
    std::function<void(loop::ChildResult)> answer;
    bool refuse = false;
};

loop::ChildResult exited(int code, std::string out, std::string err = "") {
    loop::ChildResult r;
    r.exit_code = code;
    r.out = std::move(out);
    r.err = std::move(err);
    return r;
}
loop::ChildResult killed(int signal, bool timed_out = false, bool output_too_long = false) {
    loop::ChildResult r;
    r.signal = signal;
    r.timed_out = timed_out;
    r.output_too_long = output_too_long;
    return r;
}

class ProcessInspectorTest : public testing::Test {
protected:
    std::unique_ptr<Inspector::Job> ask(bool growing = false) {
        Request r;
        r.name = "--evil name";
        r.content = core::Content::postgresql;
        r.end_mark = false;
        r.size = 42;
        r.growing = growing;
        r.deadline = std::chrono::minutes(3);
        return inspector->inspect(std::move(r), [this](Findings f) { got.push_back(std::move(f)); });
    }
    Findings answer(loop::ChildResult r) {
        got.clear();
        const auto job = ask();
        runner.answer(std::move(r));
        EXPECT_EQ(got.size(), 1U);
        return got.empty() ? Findings() : got.front();
    }
    test::ManualLoop loop;
    FakeRunner runner;
    std::unique_ptr<Inspector> inspector = make_process_inspector(runner, loop, "/usr/lib/bkmon/bkmon-inspect");
    std::vector<Findings> got;
};

TEST_F(ProcessInspectorTest, SaysWhatIsAskedByArguments) {
    const auto job = ask();
    const std::vector<std::string> expected{
        "/usr/lib/bkmon/bkmon-inspect", "--name", "--evil name", "--content", "postgresql", "--end-mark", "no", "--size", "42"};
    EXPECT_EQ(runner.last.argv, expected);
    EXPECT_TRUE(runner.last.env.empty());
    EXPECT_EQ(runner.last.deadline, std::chrono::minutes(3));
    EXPECT_LE(runner.last.max_output, 16384U);
    const auto growing = ask(true);
    EXPECT_EQ(runner.last.argv.back(), "--growing");
}

TEST_F(ProcessInspectorTest, WhateverHappensToTheChildThereIsAnAnswer) {
    Findings whole;
    whole.state = Findings::State::whole;
    whole.format = "gzip+text";
    EXPECT_EQ(answer(exited(0, to_json(whole) + "\n")).state, Findings::State::whole);
    const std::pair<loop::ChildResult, const char*> failures[] = {
        {killed(SIGKILL, true), "3 min"},
        {killed(SIGXCPU), "processor"},
        {killed(SIGSEGV), "signal 11"},
        {killed(SIGKILL, false, true), "more than"},
        {exited(1, "", "the sandbox cannot be entered\x1b[31m"), "sandbox"},
        {exited(0, "{}"), "cannot be used"},
        {exited(0, ""), "cannot be used"},
    };
    for (const auto& [result, words] : failures) {
        const Findings f = answer(result);
        EXPECT_EQ(f.state, Findings::State::not_inspected);
        EXPECT_EQ(f.code, "inspection_failed");
        EXPECT_NE(f.detail.find(words), std::string::npos) << f.detail;
        EXPECT_EQ(f.detail.find('\x1b'), std::string::npos);
    }
}

TEST_F(ProcessInspectorTest, AChildThatCannotStartIsToldLaterAndOnlyToALivingJob) {
    runner.refuse = true;
    auto job = ask();
    EXPECT_TRUE(got.empty());
    loop.run_posted();
    ASSERT_EQ(got.size(), 1U);
    EXPECT_EQ(got.front().code, "inspection_failed");
    EXPECT_TRUE(got.front().not_started) << "that says nothing about the file";
    got.clear();
    job = ask();
    job.reset();
    loop.run_posted();
    EXPECT_TRUE(got.empty());
}

TEST(ProcessInspectorReal, TheProgramLooksIntoAFileThatOnlyItsParentMayOpen) {
    auto loop = loop::LibeventLoop::create();
    ASSERT_TRUE(loop);
    loop::ProcessRunner runner(**loop);
    const auto inspector = make_process_inspector(runner, **loop, BKMON_BIN_DIR "/bkmon-inspect");
    test::TempTree tree;
    const std::string dump = "-- MySQL dump 10.13\n-- Host: h    Database: shop\nCREATE TABLE `t` (`a` int);\n-- Dump completed on 2025-06-12\n";
    tree.put("x.sql", dump);
    Request r;
    r.file = UniqueFd(open(tree.at("x.sql").c_str(), O_RDONLY | O_CLOEXEC));
    r.name = "x.sql";
    r.size = dump.size();
    Findings got;
    const auto job = inspector->inspect(std::move(r), [&](Findings f) {
        got = std::move(f);
        (*loop)->stop();
    });
    (*loop)->run();
    EXPECT_EQ(got.state, Findings::State::whole) << got.detail;
    EXPECT_EQ(got.database, "shop");
}

}  // namespace
}  // namespace bkmon::inspect
