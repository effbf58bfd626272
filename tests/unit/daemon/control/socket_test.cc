#include "daemon/control/socket.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/daemon/control/socket_client.h"

namespace bkmon::control {
namespace {

namespace fs = std::filesystem;

class SocketTest : public testing::Test {
protected:
    SocketTest() {
        std::string pattern = (fs::temp_directory_path() / "bkmon-socket-XXXXXX").string();
        folder_ = ::mkdtemp(pattern.data());
        path_ = folder_ + "/control.sock";
    }
    ~SocketTest() override { fs::remove_all(folder_); }
    std::string refusal() const {
        const auto s = ListeningSocket::bind(path_);
        return s ? "bound" : std::string(name_of(s.error().code));
    }
    std::string folder_, path_;
};

TEST_F(SocketTest, AppearsCompleteAndGoesAgain) {
    {
        const auto s = ListeningSocket::bind(path_);
        ASSERT_TRUE(s) << s.error().what;
        struct stat st {};
        ASSERT_EQ(::lstat(path_.c_str(), &st), 0);
        EXPECT_TRUE(S_ISSOCK(st.st_mode));
        EXPECT_EQ(st.st_mode & 0777U, 0666U);
        EXPECT_TRUE(test::SocketClient(path_).connected());
        EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 1);  // nothing temporary is left
        EXPECT_NE(::fcntl(s->fd(), F_GETFD) & FD_CLOEXEC, 0);
    }
    EXPECT_FALSE(fs::exists(path_));
}

TEST_F(SocketTest, TakesTheModeWhateverTheUmask) {
    const auto before = ::umask(0777);
    const auto s = ListeningSocket::bind(path_);
    ::umask(before);
    ASSERT_TRUE(s);
    struct stat st {};
    ASSERT_EQ(::lstat(path_.c_str(), &st), 0);
    EXPECT_EQ(st.st_mode & 0777U, 0666U);
}

TEST_F(SocketTest, ADeadSocketOfOursIsReplaced) {
    {
        auto s = ListeningSocket::bind(path_);
        ASSERT_TRUE(s);
        fs::create_hard_link(path_, folder_ + "/kept");
    }
    fs::rename(folder_ + "/kept", path_);  // as a crash leaves it: a name nobody listens on
    EXPECT_FALSE(test::SocketClient(path_).connected());
    const auto again = ListeningSocket::bind(path_);
    ASSERT_TRUE(again) << again.error().what;
    EXPECT_TRUE(test::SocketClient(path_).connected());
}

TEST_F(SocketTest, ALivingOneIsNotTouched) {
    const auto first = ListeningSocket::bind(path_);
    ASSERT_TRUE(first);
    EXPECT_EQ(refusal(), "busy");
    EXPECT_TRUE(test::SocketClient(path_).connected());
}

TEST_F(SocketTest, NamesThatAreTakenAreRefused) {
    std::ofstream(path_) << "file";
    EXPECT_EQ(refusal(), "denied");
    EXPECT_TRUE(fs::is_regular_file(path_));
    fs::remove(path_);
    fs::create_symlink(folder_ + "/elsewhere", path_);
    EXPECT_EQ(refusal(), "denied");
    EXPECT_TRUE(fs::is_symlink(path_));
    EXPECT_FALSE(fs::exists(folder_ + "/elsewhere"));
    fs::remove(path_);
    fs::create_directory(path_);
    EXPECT_EQ(refusal(), "denied");
}

TEST_F(SocketTest, AnotherUsersSocketIsRefused) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root: gives a socket to another user";
    {
        auto s = ListeningSocket::bind(path_);
        ASSERT_TRUE(s);
        fs::create_hard_link(path_, folder_ + "/kept");
    }
    fs::rename(folder_ + "/kept", path_);
    ASSERT_EQ(::chown(path_.c_str(), 1234, 1234), 0);
    EXPECT_EQ(refusal(), "denied");
}

TEST_F(SocketTest, FoldersThatOthersMayWriteToAreRefused) {
    for (const mode_t mode : {0777U, 0720U, 0702U, 01777U}) {
        ASSERT_EQ(::chmod(folder_.c_str(), mode), 0);
        EXPECT_EQ(refusal(), "denied") << mode;
    }
    ASSERT_EQ(::chmod(folder_.c_str(), 0700), 0);
    fs::create_directory(folder_ + "/deeper");
    path_ = folder_ + "/deeper/control.sock";
    ASSERT_EQ(::chmod(folder_.c_str(), 0770), 0);  // somebody could swap "deeper"
    EXPECT_EQ(refusal(), "denied");
    ASSERT_EQ(::chmod(folder_.c_str(), 0755), 0);
    EXPECT_EQ(refusal(), "bound");
}

TEST_F(SocketTest, AFolderOfAnotherUserIsRefused) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root: gives a folder to another user";
    ASSERT_EQ(::chown(folder_.c_str(), 1234, 1234), 0);
    EXPECT_EQ(refusal(), "denied");
}

TEST_F(SocketTest, PathsThatCannotBe) {
    path_ = "relative.sock";
    EXPECT_EQ(refusal(), "invalid");
    path_ = folder_ + "/";
    EXPECT_EQ(refusal(), "invalid");
    path_ = "";
    EXPECT_EQ(refusal(), "invalid");
    path_ = folder_ + "/missing/control.sock";
    EXPECT_EQ(refusal(), "not_found");
    path_ = folder_ + "/" + std::string(120, 'x');
    EXPECT_EQ(refusal(), "invalid");
}

TEST_F(SocketTest, OneThatWasReplacedMeanwhileIsNotRemoved) {
    {
        const auto s = ListeningSocket::bind(path_);
        ASSERT_TRUE(s);
        fs::remove(path_);
        std::ofstream(path_) << "somebody else's";
    }
    EXPECT_TRUE(fs::exists(path_));
}

TEST_F(SocketTest, APassedSocketMustListenAndStays) {
    {
        auto s = ListeningSocket::bind(path_);
        ASSERT_TRUE(s);
        auto adopted = ListeningSocket::adopt(UniqueFd(::dup(s->fd())));
        ASSERT_TRUE(adopted) << adopted.error().what;
        { const auto gone = std::move(*adopted); }
        EXPECT_TRUE(fs::exists(path_));
    }
    EXPECT_FALSE(ListeningSocket::adopt(UniqueFd(::socket(AF_UNIX, SOCK_STREAM, 0))));
    EXPECT_FALSE(ListeningSocket::adopt(UniqueFd(::socket(AF_UNIX, SOCK_DGRAM, 0))));
    EXPECT_FALSE(ListeningSocket::adopt(UniqueFd(::socket(AF_INET, SOCK_STREAM, 0))));
    EXPECT_FALSE(ListeningSocket::adopt(UniqueFd(::open("/dev/null", O_RDONLY))));
}

}  // namespace
}  // namespace bkmon::control
