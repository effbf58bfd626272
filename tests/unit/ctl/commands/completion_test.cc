// Completion: what __complete says, and what bash, zsh and fish make of it.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>

#include "common/base/text.h"
#include "tests/unit/ctl/commands/fake_daemon.h"
#include "tests/unit/ctl/commands/harness.h"

namespace bkmon::test {
namespace {

constexpr const char* kComplete = "io.bkmon.Daemon.Complete";

std::vector<std::string> completed(const std::string& shell, const std::vector<std::string>& words, const std::string& socket = "/nonexistent/s") {
    std::vector<std::string> line{"__complete", shell, std::to_string(words.size() - 1)};
    line.insert(line.end(), words.begin(), words.end());
    Seat seat;
    seat.socket = socket;
    const Ended ended = ctl(line, seat);
    EXPECT_EQ(ended.err, "");
    return lines_of(ended.out);
}

using Words = std::vector<std::string>;

TEST(Complete, CommandsOptionsAndClosedLists) {
    EXPECT_EQ(completed("bash", {"bkmonctl", "ex"}), Words{"explain"});
    EXPECT_EQ(completed("bash", {"bkmonctl", "--json", "runs", ""}), (Words{"list", "show", "cancel", "follow"}));
    EXPECT_EQ(completed("bash", {"bkmonctl", "status", "--pro"}), Words{"--problems"});
    EXPECT_EQ(completed("bash", {"bkmonctl", "status", "--problems", "--pro"}), Words{});  // once is enough
    EXPECT_EQ(completed("bash", {"bkmonctl", "status", "--label", "a=b", "--la"}), Words{"--label"});
    EXPECT_EQ(completed("bash", {"bkmonctl", "status", "--status", "un"}), (Words{"unchanged", "unreachable", "unknown"}));
    EXPECT_EQ(completed("bash", {"bkmonctl", "--color", "a"}), (Words{"auto", "always"}));
    EXPECT_EQ(completed("bash", {"bkmonctl", "config", "check", "--file", "/etc/h"}), Words{":files"});
    EXPECT_EQ(completed("bash", {"bkmonctl", "schedule", "list", ""}), Words{});
    EXPECT_EQ(completed("bash", {"bkmonctl", "--", "--"}), Words{});
    EXPECT_EQ(completed("fish", {"bkmonctl", "reloa"}), Words{"reload\tRead the configuration again; a bad one changes nothing"});
    EXPECT_EQ(completed("zsh", {"bkmonctl", "reloa"}), Words{"reload:Read the configuration again; a bad one changes nothing"});
    for (const std::string& word : completed("bash", {"bkmonctl", ""})) EXPECT_NE(word, "__complete");
}

TEST(Complete, BashBreaksAtEquals) {
    EXPECT_EQ(completed("bash", {"bkmonctl", "status", "--kind", "=", "dep"}), Words{"deposit"});
    EXPECT_EQ(completed("bash", {"bkmonctl", "status", "--color", "="}), (Words{"auto", "always", "never"}));
    EXPECT_EQ(completed("fish", {"bkmonctl", "status", "--kind=dep"}), Words{"--kind=deposit"});
    EXPECT_EQ(completed("zsh", {"bkmonctl", "--json=p"}), Words{"--json=pretty"});
}

TEST(Complete, NamesComeFromTheDaemon) {
    FakeDaemon daemon;
    // The daemon is asked with the prefix, but what it says is not believed: no other prefix, nothing a shell would act on.
    daemon.reply(
        kComplete,
        R"j({"words":["deposit/a/b","deposit/a/c","outlet/x","deposit/a/$(reboot)","deposit/a/`id`","deposit/a b","-deposit/","deposit/\u001b[2J",""]})j");
    EXPECT_EQ(completed("bash", {"bkmonctl", "explain", "deposit/a"}, daemon.socket()), (Words{"deposit/a/b", "deposit/a/c"}));
    EXPECT_TRUE(same_json(daemon.parameters(kComplete), R"({"what":"targets","prefix":"deposit/a","limit":500})")) << daemon.parameters(kComplete);
    EXPECT_EQ(completed("bash", {"bkmonctl", "--socket", daemon.socket(), "deposits", "release", ""}).size(), 3U);
    EXPECT_TRUE(same_json(daemon.parameters(kComplete), R"({"what":"held","prefix":"","limit":500})"));
    completed("bash", {"bkmonctl", "runs", "follow", "r"}, daemon.socket());
    EXPECT_TRUE(same_json(daemon.parameters(kComplete), R"({"what":"runs","prefix":"r","limit":500})"));
    completed("bash", {"bkmonctl", "deposits", "rescan", ""}, daemon.socket());
    EXPECT_TRUE(same_json(daemon.parameters(kComplete), R"({"what":"agents","prefix":"","limit":500})"));
    for (const auto& [command, what] : {std::pair("ack", "incidents"), std::pair("unsilence", "silences"), std::pair("retry", "mails")}) {
        completed("bash", {"bkmonctl", "alerts", command, "1"}, daemon.socket());
        EXPECT_TRUE(same_json(daemon.parameters(kComplete), R"({"what":")" + std::string(what) + R"(","prefix":"1","limit":500})"));
    }
    EXPECT_EQ(completed("bash", {"bkmonctl", "alerts", "outbox", "--state", "f"}), Words{"failed"});
    EXPECT_EQ(completed("bash", {"bkmonctl", "alerts", "silence", "--kind", "outlet", "--ki"}), Words{"--kind"});
    completed("bash", {"bkmonctl", "report", "--target=x"}, daemon.socket());
    EXPECT_TRUE(same_json(daemon.parameters(kComplete), R"({"what":"targets","prefix":"x","limit":500})"));
    EXPECT_EQ(completed("bash", {"bkmonctl", "explain", "deposit/a/b", ""}, daemon.socket()), Words{});  // it takes one
}

TEST(Complete, AHangingDaemonCostsAFifthOfASecond) {
    FakeDaemon daemon;
    daemon.on(kComplete, {{}, FakeDaemon::Then::hang});
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(completed("bash", {"bkmonctl", "explain", ""}, daemon.socket()), Words{});
    const auto took = std::chrono::steady_clock::now() - start;
    EXPECT_GE(took, std::chrono::milliseconds(150));
    EXPECT_LT(took, std::chrono::milliseconds(1000));  // with room for a busy machine
}

/// What a shell prints that runs `script`, with bkmonctl in PATH and the daemon's socket in the environment.
std::string shell(const std::string& program, const std::string& script, const FakeDaemon& daemon) {
    const std::string file = daemon.folder() + "/script";
    std::ofstream(file) << script;
    const std::string environment = "PATH=" BKMON_BIN_DIR ":$PATH HOME=" + daemon.folder() + " XDG_CONFIG_HOME=" + daemon.folder() +
                                    " XDG_DATA_HOME=" + daemon.folder() + " BKMON_SOCKET=" + daemon.socket();
    FILE* const pipe = ::popen(("cd " + daemon.folder() + " && " + environment + " timeout 60 " + program + " " + file + " 2>&1").c_str(), "r");
    std::string out;
    char bytes[4096];
    for (std::size_t n = 0; (n = ::fread(bytes, 1, sizeof bytes, pipe)) > 0;) out.append(bytes, n);
    ::pclose(pipe);
    static_cast<void>(::system(("rm -rf " + daemon.folder() + "/script " + daemon.folder() + "/fish").c_str()));
    return out;
}

bool has(const std::string& program) { return ::system(("command -v " + program + " >/dev/null").c_str()) == 0; }

class Shells : public testing::Test {
protected:
    void SetUp() override {
        ASSERT_EQ(::access(BKMON_BIN_DIR "/bkmonctl", X_OK), 0) << "build bkmonctl first";
        daemon_.reply(kComplete, R"({"words":["deposit/acme/SALES","deposit/acme/STOCK"]})");
    }
    FakeDaemon daemon_;
};

TEST_F(Shells, Bash) {
    if (!has("bash")) GTEST_SKIP() << "bash is not installed";
    const std::string out = shell("bash --norc",
                                  ". " BKMON_SOURCE_DIR
                                  "/etc/completions/bkmonctl.bash"
                                  R"sh(
complete -p bkmonctl
t() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _bkmonctl 2>/dev/null; echo "${COMPREPLY[*]}"; }
t bkmonctl sta
t bkmonctl explain deposit/acme/SA
t bkmonctl status --kind = dep
t bkmonctl explain ""
t bkmonctl --socket /x
)sh",
                                  daemon_);
    EXPECT_EQ(out, "complete -F _bkmonctl bkmonctl\nstatus\ndeposit/acme/SALES\ndeposit\ndeposit/acme/SALES deposit/acme/STOCK\n\n");
}

TEST_F(Shells, Zsh) {
    if (!has("zsh")) GTEST_SKIP() << "zsh is not installed";
    // An interactive zsh on a pseudo terminal that gets a real Tab.
    const std::string out = shell("zsh -f", R"sh(
zmodload zsh/zpty
zpty -b z zsh -f -i
until_has() {
    local all= part=
    repeat 400; do
        if zpty -r -t z part; then
            all+=$part
            [[ $all == *$1* ]] && { print -r -- "seen: $1"; return }
        else
            sleep 0.05
        fi
    done
    print -r -- "not seen: $1 in ${(q)all}"
}
zpty -w z 'PS1=; fpath=()sh" BKMON_SOURCE_DIR R"sh(/etc/completions $fpath); autoload -U compinit; compinit -D -u; print rea""dy'
until_has ready
zpty -w -n z $'bkmonctl explain deposit/acme/SA\t'
until_has deposit/acme/SALES
zpty -w -n z $'\C-ubkmonctl deposits unexp\t'
until_has 'deposits unexpected'
zpty -d z
)sh",
                                  daemon_);
    EXPECT_EQ(out, "seen: ready\nseen: deposit/acme/SALES\nseen: deposits unexpected\n");
}

TEST_F(Shells, Fish) {
    if (!has("fish")) GTEST_SKIP() << "fish is not installed";
    const std::string out = shell("fish --no-config",
                                  "source " BKMON_SOURCE_DIR
                                  "/etc/completions/bkmonctl.fish"
                                  R"sh(
complete -C 'bkmonctl explain deposit/acme/SA'
complete -C 'bkmonctl deposits unexp'
complete -C 'bkmonctl status --kind=dep'
complete -C 'bkmonctl explain ' | count
)sh",
                                  daemon_);
    EXPECT_EQ(out, "deposit/acme/SALES\nunexpected\tAgents and databases that no job names\n--kind=deposit\n2\n");
}

}  // namespace
}  // namespace bkmon::test
