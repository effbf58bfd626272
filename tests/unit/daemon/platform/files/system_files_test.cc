#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstddef>
#include <thread>

#include "daemon/platform/files/file_ops.h"
#include "daemon/platform/files/resolve.h"
#include "tests/support/temp_tree.h"

namespace bkmon::files {
namespace {

std::string read_all(FileOps& ops, int fd) {
    std::string out(1 << 16, '\0');
    auto n = ops.read(fd, {reinterpret_cast<unsigned char*>(out.data()), out.size()}, 0);
    out.resize(n ? *n : 0);
    return out;
}

std::span<const unsigned char> bytes_of(const std::string& s) { return {reinterpret_cast<const unsigned char*>(s.data()), s.size()}; }

/// Everything about paths must hold for both ways to walk them.
class Walks : public testing::TestWithParam<Walk> {
protected:
    std::unique_ptr<FileOps> ops = system_files(GetParam());
    test::TempTree tree;
    UniqueFd root;
    void SetUp() override {
        auto fd = ops->open_root(tree.path());
        ASSERT_TRUE(fd) << fd.error().what;
        root = std::move(*fd);
    }
    Errc refusal(std::string_view path) {
        auto fd = ops->open_read(root.get(), path);
        return fd ? Errc::internal : fd.error().code;
    }
};

TEST_P(Walks, OpensWhatIsBeneath) {
    tree.put("a/b/file", "inside");
    auto fd = ops->open_read(root.get(), "a/b/file");
    ASSERT_TRUE(fd) << fd.error().what;
    EXPECT_EQ(read_all(*ops, fd->get()), "inside");
    EXPECT_NE(::fcntl(fd->get(), F_GETFD) & FD_CLOEXEC, 0);
    EXPECT_NE(::fcntl(fd->get(), F_GETFL) & O_NONBLOCK, 0);
    EXPECT_TRUE(ops->open_dir(root.get(), "a/b"));
    EXPECT_TRUE(ops->open_dir(root.get(), "."));
}

TEST_P(Walks, RefusesLinksAnywhere) {
    tree.put("real/file", "x");
    ASSERT_EQ(::symlink("real", tree.at("dir_link").c_str()), 0);
    ASSERT_EQ(::symlink("real/file", tree.at("file_link").c_str()), 0);
    ASSERT_EQ(::symlink("/etc", tree.at("real/etc").c_str()), 0);
    EXPECT_EQ(refusal("dir_link/file"), Errc::denied);
    EXPECT_EQ(refusal("file_link"), Errc::denied);
    EXPECT_EQ(refusal("real/etc/passwd"), Errc::denied);
    auto dir = ops->open_dir(root.get(), "dir_link");
    ASSERT_FALSE(dir);
    EXPECT_EQ(dir.error().code, Errc::denied) << dir.error().what;
    EXPECT_EQ(ops->stat_at(root.get(), "dir_link/file").error().code, Errc::denied);
    EXPECT_TRUE(ops->stat_at(root.get(), "file_link")->is_symlink());
}

TEST_P(Walks, RefusesToLeave) {
    tree.put("a/file", "x");
    EXPECT_EQ(refusal("a/../a/file"), Errc::denied);
    EXPECT_EQ(refusal("../a"), Errc::denied);
    EXPECT_EQ(refusal("/etc/passwd"), Errc::denied);
    EXPECT_EQ(refusal(""), Errc::invalid);
    EXPECT_EQ(refusal("a//file"), Errc::invalid);
    EXPECT_EQ(refusal(std::string_view("a/file\0x", 8)), Errc::invalid);
    EXPECT_EQ(refusal("a/none"), Errc::not_found);
}

TEST_P(Walks, RefusesAnotherMount) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to mount";
    tree.make_dirs("mounted");
    if (::mount("bkmon-test", tree.at("mounted").c_str(), "tmpfs", 0, "size=64k") != 0) GTEST_SKIP() << "may not mount here";
    tree.put("mounted/file", "x");
    tree.put("bound", "");
    const int bound = ::mount(tree.at("mounted/file").c_str(), tree.at("bound").c_str(), nullptr, MS_BIND, nullptr);
    EXPECT_EQ(refusal("mounted/file"), Errc::denied);
    if (bound == 0) {
        EXPECT_EQ(refusal("bound"), Errc::denied);
        ::umount2(tree.at("bound").c_str(), MNT_DETACH);
    }
    ::umount2(tree.at("mounted").c_str(), MNT_DETACH);
}

TEST_P(Walks, FifoAndSocketDoNotBlock) {
    ASSERT_EQ(::mkfifo(tree.at("fifo").c_str(), 0600), 0);
    auto fd = ops->open_read(root.get(), "fifo");
    ASSERT_TRUE(fd);
    EXPECT_FALSE(ops->stat(fd->get())->is_regular());
    const UniqueFd sock(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    tree.at("s").copy(name.sun_path, sizeof name.sun_path - 1);
    ASSERT_EQ(::bind(sock.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name), 0);
    EXPECT_FALSE(ops->open_read(root.get(), "s"));
}

INSTANTIATE_TEST_SUITE_P(Both, Walks, testing::Values(Walk::kernel, Walk::by_component),
                         [](const auto& each) { return each.param == Walk::kernel ? "openat2" : "by_component"; });

/// In a child, openat2 answers as systemd's RestrictSUIDSGID= makes it answer.
int with_openat2_hidden(void* path) {
    sock_filter code[] = {
        {BPF_LD | BPF_W | BPF_ABS, 0, 0, static_cast<__u32>(offsetof(seccomp_data, nr))},
        {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, SYS_openat2},
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | ENOSYS},
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
    };
    const sock_fprog program{4, code};
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) return 2;
    if (usable_walk() != Walk::by_component) return 3;
    auto ops = system_files();
    auto root = ops->open_root(*static_cast<std::string*>(path));
    if (!root || !ops->open_read(root->get(), "a/file")) return 4;
    return ops->open_read(root->get(), "link/file") ? 5 : 0;
}

TEST(SystemFiles, FallsBackWhereASeccompFilterHidesOpenat2) {
    test::TempTree tree;
    tree.put("a/file", "x");
    ASSERT_EQ(::symlink("a", tree.at("link").c_str()), 0);
    std::string path = tree.path();
    const pid_t child = ::fork();
    if (child == 0) ::_exit(with_openat2_hidden(&path));
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0);
}

class System : public testing::Test {
protected:
    std::unique_ptr<FileOps> ops = system_files();
    test::TempTree tree;
    UniqueFd root;
    void SetUp() override { root = std::move(*ops->open_root(tree.path())); }
};

TEST_F(System, RootMayNotBeALink) {
    tree.make_dirs("real");
    ASSERT_EQ(::symlink("real", tree.at("link").c_str()), 0);
    EXPECT_FALSE(ops->open_root(tree.at("link")));
    EXPECT_FALSE(ops->open_root(tree.at("link/")));
    EXPECT_TRUE(ops->open_root(tree.at("real/")));
    EXPECT_EQ(ops->open_root("relative").error().code, Errc::invalid);
}

TEST_F(System, CreateIsNewAndPrivate) {
    auto fd = ops->create(root.get(), "new");
    ASSERT_TRUE(fd);
    EXPECT_EQ(ops->stat(fd->get())->mode & 07777u, 0600u);
    EXPECT_EQ(ops->create(root.get(), "new").error().code, Errc::exists);
    ASSERT_EQ(::symlink("elsewhere", tree.at("dangling").c_str()), 0);
    EXPECT_EQ(ops->create(root.get(), "dangling").error().code, Errc::exists);
    EXPECT_EQ(ops->create(root.get(), "a/b").error().code, Errc::invalid);
    EXPECT_EQ(ops->create(root.get(), "..").error().code, Errc::invalid);
}

TEST_F(System, WritesAllAndReadsBack) {
    auto fd = ops->create(root.get(), "f");
    const std::string big(3'000'001, 'x');
    ASSERT_TRUE(ops->allocate(fd->get(), big.size()));
    ASSERT_TRUE(ops->write(fd->get(), bytes_of(big), 0));
    ASSERT_TRUE(ops->sync(fd->get()));
    ASSERT_TRUE(ops->drop_cache(fd->get()));
    EXPECT_EQ(ops->stat(fd->get())->size, big.size());
    std::array<unsigned char, 16> end{};
    EXPECT_EQ(*ops->read(fd->get(), end, big.size()), 0u);
    EXPECT_EQ(*ops->read(fd->get(), end, big.size() - 3), 3u);
    EXPECT_TRUE(ops->allocate(fd->get(), 0));
}

TEST_F(System, RenamesNeverReplace) {
    tree.put("one", "1");
    tree.put("two", "2");
    EXPECT_EQ(ops->rename_new(root.get(), "one", root.get(), "two").error().code, Errc::exists);
    EXPECT_EQ(tree.get("two"), "2");
    ASSERT_TRUE(ops->exchange(root.get(), "one", root.get(), "two"));
    EXPECT_EQ(tree.get("one"), "2");
    EXPECT_EQ(ops->exchange(root.get(), "one", root.get(), "none").error().code, Errc::not_found);
    ASSERT_TRUE(ops->rename_new(root.get(), "one", root.get(), "three"));
    EXPECT_EQ(tree.names("."), "three two");
    EXPECT_EQ(ops->rename_new(root.get(), "two", root.get(), "../two").error().code, Errc::invalid);
}

TEST_F(System, AttributesAndModes) {
    auto fd = ops->create(root.get(), "f");
    EXPECT_EQ(ops->attribute(fd->get(), "user.bkmon.sha256").error().code, Errc::not_found);
    ASSERT_TRUE(ops->set_attribute(fd->get(), "user.bkmon.sha256", "abc"));
    if (auto value = ops->attribute(fd->get(), "user.bkmon.sha256")) {
        EXPECT_EQ(*value, "abc");
    }
    ASSERT_TRUE(ops->set_mode(fd->get(), 0440));
    EXPECT_EQ(ops->stat_at(root.get(), "f")->mode & 07777u, 0440u);
}

TEST_F(System, ListsUpToALimit) {
    for (const char* name : {"a", "b", "c"}) tree.put(name, "");
    bool truncated = true;
    EXPECT_EQ(ops->list(root.get(), 3, truncated)->size(), 3u);
    EXPECT_FALSE(truncated);
    EXPECT_EQ(ops->list(root.get(), 2, truncated)->size(), 2u);
    EXPECT_TRUE(truncated);
    EXPECT_EQ(ops->list(root.get(), 3, truncated)->size(), 3u) << "the reading position is not shared";
}

TEST_F(System, RemovesAndMakesDirectories) {
    ASSERT_TRUE(ops->make_dir(root.get(), "d", 0700));
    EXPECT_EQ(ops->make_dir(root.get(), "d", 0700).error().code, Errc::exists);
    tree.put("d/f", "");
    EXPECT_FALSE(ops->remove_dir(root.get(), "d"));
    auto d = ops->open_dir(root.get(), "d");
    ASSERT_TRUE(ops->unlink(d->get(), "f"));
    ASSERT_TRUE(ops->remove_dir(root.get(), "d"));
    EXPECT_EQ(ops->unlink(root.get(), "d").error().code, Errc::not_found);
    EXPECT_GT(ops->space(root.get())->free_bytes, 0u);
}

TEST_F(System, CloneSaysNoWhereBlocksCannotBeShared) {
    tree.put("from", std::string(10000, 'c'));
    auto from = ops->open_read(root.get(), "from");
    auto to = ops->create(root.get(), "to");
    auto cloned = ops->clone(from->get(), to->get());
    ASSERT_TRUE(cloned) << cloned.error().what;
    if (*cloned) {
        EXPECT_EQ(tree.get("to"), std::string(10000, 'c'));
    }
}

TEST_F(System, SeesThatAFileIsBeingWritten) {
    tree.put("f", "x");
    auto fd = ops->open_read(root.get(), "f");
    EXPECT_FALSE(ops->being_written(fd->get()));
    {
        const UniqueFd writer(::open(tree.at("f").c_str(), O_WRONLY | O_CLOEXEC));
        EXPECT_TRUE(ops->being_written(fd->get()));
    }
    EXPECT_FALSE(ops->being_written(fd->get()));
}

/// Asks for leases as fast as it can while somebody else opens the file for writing: each collision sends a signal, and the default
/// one, SIGIO, ends the process.
int ask_while_others_write(const std::string& path) {
    const pid_t writer = ::fork();
    if (writer == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (int i = 0; i < 1'000'000; ++i) {
            const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
        }
        ::_exit(0);
    }
    auto ops = system_files();
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(300);
    int seen = 0;
    while (std::chrono::steady_clock::now() < end) seen += ops->being_written(fd.get()) ? 1 : 0;
    ::kill(writer, SIGKILL);
    ::waitpid(writer, nullptr, 0);
    return seen > 0 ? 0 : 1;
}

TEST_F(System, ALeaseBrokenWhileAskingDoesNotKill) {
    tree.put("f", "x");
    const pid_t child = ::fork();
    if (child == 0) ::_exit(ask_while_others_write(tree.at("f")));
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status)) << "died of signal " << WTERMSIG(status);
    EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(System, AWriteLeaseIsBusyNotABlock) {
    tree.put("f", "x");
    const UniqueFd owner(::open(tree.at("f").c_str(), O_RDWR | O_CLOEXEC));
    ::signal(SIGIO, SIG_IGN);
    if (::fcntl(owner.get(), F_SETLEASE, F_WRLCK) != 0) GTEST_SKIP() << "no leases here";
    auto fd = ops->open_read(root.get(), "f");
    ASSERT_FALSE(fd);
    EXPECT_EQ(fd.error().code, Errc::busy);
    ::fcntl(owner.get(), F_SETLEASE, F_UNLCK);
}

struct Unreadable {
    std::string root;
};

TEST_F(System, UnreadableIsDenied) {
    tree.put("f", "x");
    ASSERT_EQ(::chmod(tree.path().c_str(), 0755), 0);
    ASSERT_EQ(::chmod(tree.at("f").c_str(), 0), 0);
    Unreadable where{tree.path()};
    const auto look = [](void* p) {
        auto real = system_files();
        auto dir = real->open_root(static_cast<Unreadable*>(p)->root);
        if (!dir) return 2;
        auto fd = real->open_read(dir->get(), "f");
        return !fd && fd.error().code == Errc::denied && fd.error().sys_errno == EACCES ? 0 : 1;
    };
    if (::geteuid() == 0) {
        EXPECT_EQ(test::run_as(65534, look, &where), 0);
    } else {
        EXPECT_EQ(look(&where), 0);
    }
}

}  // namespace
}  // namespace bkmon::files
