#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <regex>
#include <sstream>
#include <thread>

#include "tests/support/temp_tree.h"

namespace bkmon::inspect::test {
namespace {

std::string text_of(const std::string& path) {
    std::ostringstream out;
    out << std::ifstream(path).rdbuf();
    return out.str();
}

/// The real program at work on a file that keeps it busy, seen from outside.
TEST(Limits, AreTheKernelsNotItsOwnWord) {
    bkmon::test::TempTree tree;
    tree.put("zeros", "x");
    const std::string path = tree.at("zeros");
    ASSERT_EQ(truncate(path.c_str(), off_t{1} << 40), 0);
    int ends[2];
    ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
    const pid_t pid = fork();
    if (pid == 0) {
        dup2(open(path.c_str(), O_RDONLY | O_CLOEXEC), 0);
        dup2(ends[1], 1);
        execl(BKMON_BIN_DIR "/bkmon-inspect", "bkmon-inspect", "--name", "a.bin", "--content", "opaque", "--size", "1000000000", nullptr);
        _exit(127);
    }
    close(ends[1]);
    const std::string proc = "/proc/" + std::to_string(pid) + "/";
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (text_of(proc + "status").find("Seccomp:\t2") == std::string::npos && std::chrono::steady_clock::now() < until)
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    const std::string limits = text_of(proc + "limits"), status = text_of(proc + "status");
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
    close(ends[0]);
    ASSERT_NE(status.find("Seccomp:\t2"), std::string::npos) << status;
    EXPECT_NE(status.find("NoNewPrivs:\t1"), std::string::npos) << status;
    const auto limited = [&](const std::string& name, const std::string& soft, const std::string& hard) {
        EXPECT_TRUE(std::regex_search(limits, std::regex(name + " +" + soft + " +" + hard + " "))) << name << "\n" << limits;
    };
    limited("Max cpu time", "2300", "2305");
    limited("Max core file size", "0", "0");
    limited("Max file size", "0", "0");
#ifndef BKMON_SANITIZED
    limited("Max address space", "536870912", "536870912");
    limited("Max processes", "0", "0");
    limited("Max open files", "3", "3");
#endif
}

}  // namespace
}  // namespace bkmon::inspect::test
