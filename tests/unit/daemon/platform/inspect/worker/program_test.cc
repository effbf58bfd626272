#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>
#include <vector>

#include "daemon/platform/inspect/worker/options.h"
#include "tests/support/temp_tree.h"
#include "tests/unit/daemon/platform/inspect/worker/making.h"

namespace bkmon::inspect::test {
namespace {

struct Ran {
    int status = 0;
    std::string out;
};

/// The real program, standard input from a file, answer through a pipe.
Ran run(std::vector<std::string> arguments, const std::string& input) {
    arguments.insert(arguments.begin(), BKMON_BIN_DIR "/bkmon-inspect");
    std::vector<char*> argv;
    for (auto& a : arguments) argv.push_back(a.data());
    argv.push_back(nullptr);
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return {};
    const pid_t pid = fork();
    if (pid == 0) {
        dup2(open(input.c_str(), O_RDONLY | O_CLOEXEC), 0);
        dup2(ends[1], 1);
        execv(argv[0], argv.data());
        _exit(127);
    }
    close(ends[1]);
    Ran ran;
    char buffer[4096];
    for (ssize_t n = 0; (n = read(ends[0], buffer, sizeof buffer)) > 0;) ran.out.append(buffer, static_cast<std::size_t>(n));
    close(ends[0]);
    waitpid(pid, &ran.status, 0);
    return ran;
}

class Program : public testing::Test {
protected:
    std::string file(const std::string& bytes) {
        tree_.put("input", bytes);
        return tree_.at("input");
    }
    bkmon::test::TempTree tree_;
};

TEST_F(Program, AnswersWithOneLineThatItsReaderAccepts) {
    const std::string z = gzip(mysql_dump());
    for (const auto& more : {std::vector<std::string>{}, {"--size", std::to_string(z.size())}}) {
        std::vector<std::string> arguments{"--name", "SDMC_2023.sql.gz"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        const auto ran = run(arguments, file(z));
        ASSERT_EQ(ran.status, 0);
        ASSERT_EQ(ran.out.find('\n'), ran.out.size() - 1);
        const auto f = from_json(ran.out);
        ASSERT_TRUE(f) << ran.out;
        EXPECT_EQ(verdict(*f), "whole");
        EXPECT_EQ(f->database, "SDMC_2023");
    }
    const auto cut = from_json(run({"--name", "a.sql.gz"}, file(z.substr(0, 200))).out);
    ASSERT_TRUE(cut);
    EXPECT_EQ(verdict(*cut), "damaged truncated");
}

TEST_F(Program, AFileThatStillGrowsIsWaitedFor) {
    const std::string dump = mysql_dump("INSERT INTO `t` VALUES ('" + noise(1 << 18) + "');\n");
    for (const auto& [name, bytes] : {std::pair<std::string, std::string>{"a.sql.gz", gzip(dump)}, {"a.zip", zip({{"a.sql", dump, true, -1, 0}})}}) {
        const auto path = file(bytes.substr(0, 3));
        std::thread writer([&, &all = bytes] {
            const int fd = open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
            for (std::size_t at = 3, n = 1; at < all.size(); at += n) {
                n = std::min(all.size() - at, all.size() / 7 + 1);
                std::this_thread::sleep_for(std::chrono::milliseconds(5));
                EXPECT_EQ(write(fd, all.data() + at, n), static_cast<ssize_t>(n));
            }
            close(fd);
        });
        const auto ran = run({"--name", name, "--size", std::to_string(bytes.size()), "--growing"}, path);
        writer.join();
        const auto f = from_json(ran.out);
        ASSERT_TRUE(f) << name << " " << ran.status << " " << ran.out;
        EXPECT_EQ(verdict(*f), "whole") << name;
    }
    EXPECT_NE(run({"--name", "a.zip", "--growing"}, file("x")).status, 0) << "to which size?";
}

TEST_F(Program, EveryDecoderWorksWithinItsWalls) {
    const std::string dump = mysql_dump("INSERT INTO `t` VALUES ('" + noise(1 << 20) + "');\n");
    const std::pair<const char*, std::string> files[] = {
        {"a.sql.xz", xz(dump)}, {"a.sql.zst", zstd(dump, true, 27)}, {"a.sql.gz", gzip(dump)}, {"a.zip", zip({{"a.sql", dump, true, -1, 0}})}};
    for (const auto& [name, bytes] : files) {
        const auto ran = run({"--name", name}, file(bytes));
        const auto f = from_json(ran.out);
        ASSERT_TRUE(f) << name << " " << ran.status << " " << ran.out;
        EXPECT_EQ(verdict(*f), "whole") << name << testing::PrintToString(*f);
    }
}

TEST_F(Program, NamesAreOnlyNames) {
    for (const char* name : {"--help", "-rf", "a\nb.sql.gz", "%n%s.gz", ""}) {
        const auto ran = run({"--name", name}, file(gzip(mysql_dump())));
        EXPECT_EQ(ran.status, 0) << name;
        EXPECT_TRUE(from_json(ran.out)) << name;
    }
}

TEST_F(Program, BothWallsStandAndEachHoldsFilesAlone) {
    const auto both = run({"--self-test"}, file("x"));
    EXPECT_EQ(both.status, 0) << both.out;
    for (const char* what :
         {"\"open\":\"EPERM\"", "\"socket\":\"EPERM\"", "\"unix_socket\":\"EPERM\"", "\"fork\":\"EPERM\"", "\"exec\":\"EPERM\"", "\"seccomp\":true"})
        EXPECT_NE(both.out.find(what), std::string::npos) << what << both.out;
    const auto seccomp = run({"--self-test=seccomp"}, file("x"));
    EXPECT_EQ(seccomp.status, 0) << seccomp.out;
    const auto landlock = run({"--self-test=landlock"}, file("x"));
    if (syscall(SYS_landlock_create_ruleset, nullptr, 0, 1U) <= 0) GTEST_SKIP() << "this kernel has no Landlock";
    EXPECT_NE(both.out.find("\"landlock\":true"), std::string::npos) << both.out;
    for (const char* what : {"\"open\":\"EACCES\"", "\"open_directory\":\"EACCES\"", "\"create\":\"EACCES\"", "\"exec\":\"EACCES\""})
        EXPECT_NE(landlock.out.find(what), std::string::npos) << what << landlock.out;
}

TEST_F(Program, ABombEndsWithinItsLimits) {
    std::string zeros(8 << 20, '\0');
    zeros.front() = 'x';
    const auto ran = run({"--name", "a.gz", "--output-limit", "1000000"}, file(gzip(zeros)));
    const auto f = from_json(ran.out);
    ASSERT_TRUE(f) << ran.out;
    EXPECT_EQ(verdict(*f), "not_inspected inspection_failed");
}

TEST_F(Program, WrongArgumentsAreAUsageError) {
    for (const auto& bad : {std::vector<std::string>{"--size", "x"},
                            {"--size", "-1"},
                            {"--content", "oracle"},
                            {"--end-mark", "maybe"},
                            {"--frobnicate", "1"},
                            {"--name"}}) {
        const auto ran = run(bad, file("x"));
        EXPECT_EQ(WEXITSTATUS(ran.status), 2) << bad.front();
        EXPECT_EQ(ran.out, "");
    }
}

}  // namespace
}  // namespace bkmon::inspect::test
