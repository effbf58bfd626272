#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <future>
#include <sstream>
#include <thread>
#include <vector>

#include "common/base/guarded.h"
#include "common/base/unique_fd.h"
#include "daemon/platform/journal/sinks.h"
#include "tests/support/recording_journal.h"

namespace bkmon::test {
namespace {

using namespace std::chrono_literals;
using journal::Entry;
using journal::Level;
using journal::LineStyle;
using journal::QueuedJournal;
namespace msg = journal::msg;

/// What a sink was given, and a gate to hold it at.
struct Held {
    void open() {
        MutexLock lock(mutex);
        is_open = true;
        changed.notify_all();
    }
    /// Lets `n` entries through, then holds again.
    void let(int n) {
        MutexLock lock(mutex);
        allowed += n;
        changed.notify_all();
    }
    std::vector<Entry> taken() {
        MutexLock lock(mutex);
        return entries;
    }
    /// True once a writer stands at the gate.
    bool wait_for_writer() {
        MutexLock lock(mutex);
        const auto until = std::chrono::steady_clock::now() + 20s;
        while (!standing)
            if (!changed.wait_until(mutex, until)) return false;
        return true;
    }
    Mutex mutex;
    Condition changed;
    bool is_open BKMON_GUARDED_BY(mutex) = true;
    int allowed BKMON_GUARDED_BY(mutex) = 0;
    bool standing BKMON_GUARDED_BY(mutex) = false;
    std::vector<Entry> entries BKMON_GUARDED_BY(mutex);
};

class HeldSink final : public journal::Sink {
public:
    explicit HeldSink(std::shared_ptr<Held> held) : held_(std::move(held)) {}
    void write(const Entry& entry) override {
        MutexLock lock(held_->mutex);
        held_->standing = true;
        held_->changed.notify_all();
        while (!held_->is_open && held_->allowed == 0) held_->changed.wait(held_->mutex);
        held_->allowed -= held_->is_open ? 0 : 1;
        held_->entries.push_back(entry);
    }

private:
    std::shared_ptr<Held> held_;
};

std::shared_ptr<Held> held(bool open) {
    auto h = std::make_shared<Held>();
    MutexLock lock(h->mutex);
    h->is_open = open;
    return h;
}

TEST(QueuedJournal, WritesInOrderAndAllOfItBeforeItGoes) {
    const auto h = held(true);
    {
        QueuedJournal journal(std::make_unique<HeldSink>(h));
        for (int i = 0; i < 1000; ++i) journal.log(Level::info, msg::note, std::to_string(i), {{"BKMON_N", std::to_string(i)}});
    }
    const auto taken = h->taken();
    ASSERT_EQ(taken.size(), 1000U);
    for (std::size_t i = 0; i < taken.size(); ++i) EXPECT_EQ(taken[i].text, std::to_string(i));
    EXPECT_EQ(taken[7].fields, (journal::Journal::Fields{{"BKMON_N", "7"}}));
}

TEST(QueuedJournal, MakesTheTextPrintableAndKeepsTheBytesOfValues) {
    const auto h = held(true);
    {
        QueuedJournal journal(std::make_unique<HeldSink>(h));
        journal.log(Level::info, msg::note, "name\n\x1b[31m", {{"BKMON_FILE", "name\n\xFF"}});
        journal.log(Level::info, msg::note, std::string(100000, 'x'), {{"BKMON_FILE", std::string(100000, 'x')}});
    }
    EXPECT_EQ(h->taken().at(0).text, "name\\n\\x1b[31m");
    EXPECT_EQ(h->taken().at(0).fields.at(0).second, "name\n\xFF");
    EXPECT_EQ(h->taken().at(1).text.size(), 4096U);
    EXPECT_EQ(h->taken().at(1).fields.at(0).second.size(), 16384U);
}

TEST(QueuedJournal, AFullQueueHoldsNobodyAndTheGapIsTold) {
    const auto h = held(false);
    {
        QueuedJournal journal(std::make_unique<HeldSink>(h), {.entries = 10, .bytes = 1 << 20, .farewell = 20000ms});
        journal.log(Level::info, msg::note, "first");
        ASSERT_TRUE(h->wait_for_writer());
        for (int i = 0; i < 10; ++i) journal.log(Level::info, msg::note, "queued");
        const auto before = std::chrono::steady_clock::now();
        for (int i = 0; i < 500; ++i) journal.log(Level::error, msg::verdict_problem, "too many");
        EXPECT_LT(std::chrono::steady_clock::now() - before, 5s);
        h->open();
        while (h->taken().size() < 12) std::this_thread::sleep_for(1ms);
        journal.log(Level::info, msg::note, "after");
    }
    const auto taken = h->taken();
    ASSERT_EQ(taken.size(), 13U);
    EXPECT_EQ(taken[10].text, "queued");
    EXPECT_EQ(taken[11].level, Level::warning);
    EXPECT_EQ(taken[11].fields, (journal::Journal::Fields{{"BKMON_LOST", "500"}}));
    EXPECT_NE(taken[11].text.find("500 entries are missing"), std::string::npos);
    EXPECT_EQ(taken[12].text, "after");
}

TEST(QueuedJournal, AGapIsToldWhereItIs) {
    const auto h = held(false);
    {
        QueuedJournal journal(std::make_unique<HeldSink>(h), {.entries = 4, .bytes = 1 << 20, .farewell = 20000ms});
        journal.log(Level::info, msg::note, "first");
        ASSERT_TRUE(h->wait_for_writer());
        for (int i = 0; i < 7; ++i) journal.log(Level::info, msg::note, "queued");
        h->let(2);
        while (h->taken().size() < 2) std::this_thread::sleep_for(1ms);
        journal.log(Level::info, msg::note, "later");
        h->open();
    }
    std::vector<std::string> texts;
    for (const auto& e : h->taken()) texts.push_back(e.text.substr(0, 9));
    EXPECT_EQ(texts, (std::vector<std::string>{"first", "queued", "queued", "queued", "queued", "3 entries", "later"}));
}

TEST(QueuedJournal, BytesAreBoundedToo) {
    const auto h = held(false);
    {
        QueuedJournal journal(std::make_unique<HeldSink>(h), {.entries = 1000000, .bytes = 100000, .farewell = 20000ms});
        journal.log(Level::info, msg::note, "first");
        ASSERT_TRUE(h->wait_for_writer());
        for (int i = 0; i < 100; ++i) journal.log(Level::info, msg::note, "big", {{"BKMON_X", std::string(10000, 'x')}});
        h->open();
    }
    const auto taken = h->taken();
    ASSERT_LT(taken.size(), 12U);
    EXPECT_EQ(taken.back().fields.at(0).first, "BKMON_LOST");
}

TEST(QueuedJournal, ASinkThatHangsIsLeftBehind) {
    const auto h = held(false);
    const auto before = std::chrono::steady_clock::now();
    {
        QueuedJournal journal(std::make_unique<HeldSink>(h), {.farewell = 50ms});
        journal.log(Level::info, msg::note, "never written");
        ASSERT_TRUE(h->wait_for_writer());
    }
    EXPECT_LT(std::chrono::steady_clock::now() - before, 10s);
    h->open();  // its thread ends now, with nothing but its own state
    while (h.use_count() > 1) std::this_thread::sleep_for(1ms);
}

TEST(QueuedJournal, ManyThreadsMayLog) {
    const auto h = held(true);
    {
        QueuedJournal journal(std::make_unique<HeldSink>(h), {.entries = 100000});
        std::vector<std::thread> threads;
        for (int t = 0; t < 4; ++t)
            threads.emplace_back([&] {
                for (int i = 0; i < 500; ++i) journal.log(Level::info, msg::note, "x");
            });
        for (auto& thread : threads) thread.join();
    }
    EXPECT_EQ(h->taken().size(), 2000U);
}

Entry entry() {
    Entry e{
        Level::warning, msg::deposit_held, "deposit/a/b: held", {{"BKMON_TARGET", "deposit/a/b"}, {"BKMON_FILE", "a b\n"}, {"bad name", "x"}}, {}};
    e.at = parse_rfc3339("2026-11-22T03:04:05.678Z").value();
    return e;
}

TEST(JournalLine, IsReadableAndOneLine) {
    EXPECT_EQ(journal::line_of(entry(), LineStyle::plain),
              "2026-11-22T03:04:05Z warning: deposit/a/b: held [BKMON_TARGET=deposit/a/b BKMON_FILE=\"a b\\n\" bad name=x]");
    EXPECT_TRUE(journal::line_of(entry(), LineStyle::priority).starts_with("<4>deposit/a/b: held ["));
    auto bare = entry();
    bare.fields.clear();
    EXPECT_EQ(journal::line_of(bare, LineStyle::priority), "<4>deposit/a/b: held");
}

TEST(JournalFields, AreWhatTheJournalTakes) {
    const auto fields = journal::journal_fields(entry());
    EXPECT_EQ(fields, (std::vector<std::string>{"MESSAGE=deposit/a/b: held", "PRIORITY=4", "MESSAGE_ID=8d1f0f0a5b7e4c0f9a6d2f61c3b7e10d",
                                                "BKMON_MESSAGE=deposit_held", "BKMON_TARGET=deposit/a/b", "BKMON_FILE=a b\n"}));
}

TEST(JournalFields, WithoutAValueAreLeftOut) {
    auto e = entry();
    e.fields = {{"BKMON_AGENT", ""}, {"BKMON_TARGET", "deposit/a/b"}, {"BKMON_FILE", ""}};
    EXPECT_EQ(journal::line_of(e, LineStyle::priority), "<4>deposit/a/b: held [BKMON_TARGET=deposit/a/b]");
    const auto fields = journal::journal_fields(e);
    EXPECT_EQ(fields.size(), 5U);
    EXPECT_EQ(fields.back(), "BKMON_TARGET=deposit/a/b");
    e.fields = {{"BKMON_AGENT", ""}};
    EXPECT_EQ(journal::line_of(e, LineStyle::priority), "<4>deposit/a/b: held");
}

// ---- the real way out, in a process whose /run is its own ----

void write_file(const char* path, const std::string& text) { std::ofstream(path) << text; }

/// /run becomes an empty place of this process alone. False when the kernel does not allow it.
bool own_run() {
    const auto uid = ::getuid(), gid = ::getgid();
    if (::unshare(CLONE_NEWNS) != 0) {
        if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
        write_file("/proc/self/setgroups", "deny");
        write_file("/proc/self/uid_map", "0 " + std::to_string(uid) + " 1");
        write_file("/proc/self/gid_map", "0 " + std::to_string(gid) + " 1");
    }
    return ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 && ::mount("tmpfs", "/run", "tmpfs", 0, nullptr) == 0;
}

/// What listens as journald does.
UniqueFd listen_as_journal() {
    ::mkdir("/run/systemd", 0755);
    ::mkdir("/run/systemd/journal", 0755);
    UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    std::strcpy(at.sun_path, "/run/systemd/journal/socket");
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) fd.reset();
    return fd;
}

std::string next(const UniqueFd& fd) {
    std::array<char, 65536> buffer;
    const auto n = ::recv(fd.get(), buffer.data(), buffer.size(), 0);
    return n < 0 ? "nothing" : std::string(buffer.data(), static_cast<std::size_t>(n));
}

class RealWayOut : public testing::Test {
protected:
    /// Runs `body` in a child with an empty /run and its stderr in a file. Empty when all was well, else the first complaint.
    template <class Body>
    std::string in_own_run(Body body) {
        std::array<int, 2> report{};
        if (::pipe2(report.data(), O_CLOEXEC) != 0) return "no pipe";
        const pid_t pid = ::fork();
        if (pid == 0) {
            std::string complaint = "cannot unshare";
            if (own_run()) {
                const int log = ::open("/run/stderr", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
                ::dup2(log, STDERR_FILENO);
                complaint = body();
            }
            static_cast<void>(!::write(report[1], complaint.data(), complaint.size()));
            ::_exit(0);
        }
        ::close(report[1]);
        std::string complaint;
        std::array<char, 4096> buffer;
        for (ssize_t n; (n = ::read(report[0], buffer.data(), buffer.size())) > 0;) complaint.append(buffer.data(), static_cast<std::size_t>(n));
        ::close(report[0]);
        int status = 0;
        ::waitpid(pid, &status, 0);
        return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? complaint : "the child died: " + complaint;
    }
    static std::string on_stderr() {
        std::ifstream file("/run/stderr");
        std::ostringstream all;
        all << file.rdbuf();
        return all.str();
    }
};

#define UNSHARED(expression)                                                                   \
    const std::string complaint = expression;                                                  \
    if (complaint == "cannot unshare") GTEST_SKIP() << "needs a mount namespace: run as root"; \
    EXPECT_EQ(complaint, "")

TEST_F(RealWayOut, GoesToTheJournalAndNotToStderr) {
    UNSHARED(in_own_run([]() -> std::string {
        const auto socket = listen_as_journal();
        if (!socket) return "cannot listen";
        journal::open_journal()->log(Level::error, msg::verdict_problem, "deposit/a/b failed", {{"BKMON_TARGET", "deposit/a/b"}});
        const auto got = next(socket);
        for (const char* line : {"MESSAGE=deposit/a/b failed\n", "PRIORITY=3\n", "MESSAGE_ID=8d1f0f0a5b7e4c0f9a6d2f61c3b7e106\n",
                                 "BKMON_TARGET=deposit/a/b\n", "SYSLOG_IDENTIFIER="})
            if (got.find(line) == std::string::npos) return line + ("is missing in " + got);
        if (got.find("CODE_LINE") != std::string::npos) return "tells the writer's own line";
        if (next(socket) != "nothing") return "a second message";
        return on_stderr();
    }));
}

TEST_F(RealWayOut, GoesToStderrWhileThereIsNoJournal) {
    UNSHARED(in_own_run([]() -> std::string {
        ::unsetenv("JOURNAL_STREAM");
        {
            const auto journal = journal::open_journal();
            journal->log(Level::warning, msg::note, "before");
            while (on_stderr().empty()) std::this_thread::sleep_for(1ms);
            const auto socket = listen_as_journal();
            journal->log(Level::warning, msg::note, "in the journal");
            std::string got;
            for (int i = 0; i < 5000 && (got = next(socket)) == "nothing"; ++i) std::this_thread::sleep_for(1ms);
            if (got.find("MESSAGE=in the journal\n") == std::string::npos) return "the journal got " + got;
        }
        const auto text = on_stderr();
        return text.ends_with("Z warning: before\n") && text.find("in the journal") == std::string::npos ? "" : "stderr: " + text;
    }));
}

TEST_F(RealWayOut, LinesCarryPrioritiesWhereStderrIsTheJournal) {
    UNSHARED(in_own_run([]() -> std::string {
        struct stat st {};
        ::fstat(STDERR_FILENO, &st);
        ::setenv("JOURNAL_STREAM", (std::to_string(st.st_dev) + ":" + std::to_string(st.st_ino)).c_str(), 1);
        journal::open_journal()->log(Level::warning, msg::note, "text");
        if (on_stderr() != "<4>text\n") return "stderr: " + on_stderr();
        ::setenv("JOURNAL_STREAM", "1:1", 1);
        return journal::stderr_is_journal() ? "another stream is taken for ours" : "";
    }));
}

TEST_F(RealWayOut, AJournalThatDoesNotReadHoldsNobody) {
    UNSHARED(in_own_run([]() -> std::string {
        const auto socket = listen_as_journal();
        const auto before = std::chrono::steady_clock::now();
        {
            QueuedJournal journal(journal::make_sink(), {.entries = 100, .farewell = 100ms});
            for (int i = 0; i < 20000; ++i) journal.log(Level::info, msg::note, "one of many");
        }
        if (std::chrono::steady_clock::now() - before > 10s) return "log() waited for the journal";
        return next(socket) == "nothing" ? "nothing was sent at all" : "";
    }));
}

TEST(RecordingJournal, KeepsWhatWasLogged) {
    RecordingJournal journal;
    journal.log(Level::notice, msg::promoted, "SDMC_2023 is in the vault", {{"BKMON_TARGET", "deposit/a/SDMC_2023"}});
    EXPECT_EQ(journal.count(msg::promoted), 1U);
    EXPECT_EQ(journal.count(msg::note), 0U);
    EXPECT_TRUE(journal.says(msg::promoted, "in the vault"));
    EXPECT_EQ(journal.entries(msg::promoted).at(0).field("BKMON_TARGET"), "deposit/a/SDMC_2023");
    EXPECT_FALSE(journal.entries().at(0).field("BKMON_RUN"));
    journal.clear();
    EXPECT_TRUE(journal.entries().empty());
}

}  // namespace
}  // namespace bkmon::test
