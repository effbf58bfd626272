// Where output goes: pager, terminal, full disk; and the man page that describes it all.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "ctl/commands/command.h"
#include "tests/unit/ctl/commands/fake_daemon.h"
#include "tests/unit/ctl/commands/harness.h"
#include "tests/unit/ctl/commands/samples.h"

namespace bkmon::test {
namespace {

constexpr const char* kStatus = "io.bkmon.Targets.Status";

class Paged : public testing::Test {
protected:
    Paged() { daemon_.reply(kStatus, status_page(healthy(100))); }
    ~Paged() override { std::remove(file().c_str()); }
    std::string file() const { return daemon_.folder() + "/paged"; }
    bool was_paged() const { return ::access(file().c_str(), F_OK) == 0; }
    Seat seat(std::size_t height) {
        Seat seat = on_terminal(daemon_.socket(), 80, height);
        seat.env["BKMON_PAGER"] = "cat >'" + file() + "'";
        return seat;
    }
    FakeDaemon daemon_;
};

TEST_F(Paged, LongOutputOnATerminalOnly) {
    const Ended ended = ctl({"status", "deposit/*"}, seat(24));
    EXPECT_EQ(ended.code, 0);
    EXPECT_EQ(ended.out, "");
    std::ifstream stream(file());
    std::stringstream text;
    text << stream.rdbuf();
    EXPECT_EQ(lines_of(text.str()).size(), 104U);
}

TEST_F(Paged, NotWhenItFitsNorWhenNobodyWantsItNorInAPipe) {
    EXPECT_FALSE(ctl({"status", "deposit/*"}, seat(200)).out.empty());
    EXPECT_FALSE(ctl({"--no-pager", "status", "deposit/*"}, seat(24)).out.empty());
    Seat cat = seat(24);
    cat.env["PAGER"] = cat.env["BKMON_PAGER"];
    cat.env["BKMON_PAGER"] = "cat";  // wins over PAGER, and means none
    EXPECT_FALSE(ctl({"status", "deposit/*"}, cat).out.empty());
    Seat pipe = seat(24);
    pipe.terminal = {};
    EXPECT_FALSE(ctl({"status", "deposit/*"}, pipe).out.empty());
    EXPECT_FALSE(ctl({"status"}, seat(24)).out.empty());
    EXPECT_FALSE(was_paged());
}

TEST_F(Paged, APagerThatIsNotThereHidesNothing) {
    Seat broken = seat(24);
    broken.env["BKMON_PAGER"] = "/nonexistent/pager 2>/dev/null";
    EXPECT_EQ(lines_of(ctl({"status", "deposit/*"}, broken).out).size(), 104U);
}

TEST(Program, SaysWhenItsOutputCannotBeWritten) {
    ASSERT_EQ(::access(BKMON_BIN_DIR "/bkmonctl", X_OK), 0) << "build bkmonctl first";
    FakeDaemon daemon;
    daemon.reply(kStatus, status_page(healthy(3)));
    const int status = ::system((BKMON_BIN_DIR "/bkmonctl --socket " + daemon.socket() + " status >/dev/full 2>/dev/null").c_str());
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 1);
}

TEST(ManPage, NamesEveryCommandAndOption) {
    std::ifstream stream(BKMON_SOURCE_DIR "/etc/man/bkmonctl.1.scd");
    std::stringstream text;
    text << stream.rdbuf();
    const std::string page = text.str();
    for (const ctl::Option& option : ctl::global_options())
        EXPECT_NE(page.find("*" + std::string(option.name) + "*"), std::string::npos) << option.name;
    for (const ctl::Command& command : ctl::commands()) {
        if (command.help.empty()) continue;
        const auto at = page.find("\n*" + std::string(command.path) + "*");
        ASSERT_NE(at, std::string::npos) << command.path;
        const std::string line = page.substr(at + 1, page.find('\n', at + 1) - at - 1);
        for (const ctl::Option& option : command.options) {
            const bool named = option.name.rfind("--", 0) == 0;
            const std::string word = named ? "*" + std::string(option.name) + "*" : "_" + std::string(option.value) + "_";
            EXPECT_NE(line.find(word), std::string::npos) << command.path << ": " << word;
        }
    }
}

}  // namespace
}  // namespace bkmon::test
