#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <csignal>

#include "tests/unit/daemon/deposits/vault/real_vault.h"

namespace bkmon::test {
namespace {

using deposits::Taken;
using deposits::TakeRequest;
using Outcome = Taken::Outcome;

class Take : public RealVault {
protected:
    void expect_refused(const TakeRequest& request, const std::string& code) {
        const auto t = world->take(request);
        ASSERT_TRUE(world->done);
        EXPECT_EQ(t.outcome, Outcome::refused) << t.detail;
        EXPECT_EQ(t.reason_code, code) << t.detail;
        EXPECT_FALSE(t.detail.empty());
        expect_clean();
    }
    std::string deposited(const std::string& file) const { return tree.at("deposits/agent1/database/" + file); }
};

TEST_F(Take, CopiesProvesAndInspects) {
    world->inspector.findings.format = "gzip";
    const auto t = take("the bytes");
    ASSERT_EQ(t.outcome, Outcome::copied) << t.detail;
    EXPECT_EQ(t.sha256, files::Sha256::of("the bytes"));
    EXPECT_EQ(t.size, 9u);
    EXPECT_EQ(t.findings.format, "gzip");
    EXPECT_EQ(tree.get("vault/.tmp/" + t.tx), "the bytes");
    const auto states = *store.tables().deposit_states();
    ASSERT_EQ(states.size(), 1u);
    EXPECT_EQ(states[0].phase, "copying");
    EXPECT_EQ(states[0].source_file, "database/db.sql.gz");
    bool told = false;
    world->vault->discard(t, [&] { told = true; });
    loop.run_posted();
    EXPECT_TRUE(told);
    expect_clean();
}

TEST_F(Take, AnInspectorThatCannotStartSaysNothingAboutTheFile) {
    world->inspector.findings.state = inspect::Findings::State::not_inspected;
    world->inspector.findings.not_started = true;
    world->inspector.findings.detail = "no process can be started";
    auto t = take("the bytes");
    EXPECT_EQ(t.outcome, Outcome::unavailable);
    EXPECT_EQ(t.detail, "no process can be started");
    expect_clean();
    world->inspector.findings = {};
    world->inspector.findings.state = inspect::Findings::State::whole;
    EXPECT_EQ(world->take(world->request("db.sql.gz", "the bytes")).outcome, Outcome::copied);
}

TEST_F(Take, UpperCaseHashIsTheSame) {
    deposit("f.gz", "x");
    auto r = world->request("f.gz", "x");
    for (auto& c : r.claimed_sha256) c = static_cast<char>(std::toupper(c));
    EXPECT_EQ(world->take(r).outcome, Outcome::copied);
}

TEST_F(Take, RefusesASymbolicLink) {
    tree.put("outside", "secret");
    ASSERT_EQ(::symlink(tree.at("outside").c_str(), deposited("link.gz").c_str()), 0);
    expect_refused(world->request("link.gz", "secret"), "not_a_file");
    auto r = world->request("link.gz", "secret");
    struct stat st {};
    ASSERT_EQ(::stat(tree.at("outside").c_str(), &st), 0);
    r.expected.ino = st.st_ino;  // also when the identity is the target's
    expect_refused(r, "not_a_file");
}

TEST_F(Take, RefusesALinkedParent) {
    tree.put("elsewhere/f.gz", "x");
    ASSERT_EQ(::symlink(tree.at("elsewhere").c_str(), tree.at("deposits/agent1/databases").c_str()), 0);
    deposit("f.gz", "x");
    auto r = world->request("f.gz", "x");
    r.folder = "databases";
    expect_refused(r, "not_a_file");
    ASSERT_EQ(::symlink(tree.at("deposits/agent1").c_str(), tree.at("deposits/agent2").c_str()), 0);
    r = world->request("f.gz", "x");
    r.agent = "agent2";
    expect_refused(r, "not_a_file");
    r.agent = "../deposits/agent1";
    expect_refused(r, "bad_name");
}

TEST_F(Take, RefusesFifoAndDirectory) {
    ASSERT_EQ(::mkfifo(deposited("fifo.gz").c_str(), 0600), 0);
    expect_refused(world->request("fifo.gz", ""), "not_a_file");
    ASSERT_EQ(::mkdir(deposited("dir.gz").c_str(), 0700), 0);
    expect_refused(world->request("dir.gz", ""), "not_a_file");
}

TEST_F(Take, RefusesASecondName) {
    deposit("f.gz", "x");
    ASSERT_EQ(::link(deposited("f.gz").c_str(), tree.at("other").c_str()), 0);
    expect_refused(world->request("f.gz", "x"), "not_a_file");
}

TEST_F(Take, RefusesBadNamesAndClaims) {
    for (const char* name : {"../x", ".hidden", "a b", "x\n", "-rf/", "", "caf\xc3\xa9.gz"}) {
        auto r = world->request(name, "x");
        expect_refused(r, "bad_name");
    }
    deposit("f.gz", "x");
    auto r = world->request("f.gz", "x");
    r.claimed_sha256 = "";
    expect_refused(r, "report_invalid");
    r = world->request("f.gz", "x");
    r.max_size = 0;
    expect_refused(r, "too_large");
    expect_refused(world->request("f.gz", "xy"), "size_mismatch");
}

TEST_F(Take, SparseGiantIsRefusedBeforeItIsRead) {
    deposit("f.gz", "");
    ASSERT_EQ(::truncate(deposited("f.gz").c_str(), off_t{1} << 42), 0);
    auto r = world->request("f.gz", "");
    r.claimed_size = std::uint64_t{1} << 42;
    expect_refused(r, "too_large");
}

TEST_F(Take, RefusesAnotherOwner) {
    deposit("f.gz", "x");
    auto r = world->request("f.gz", "x");
    r.owner = "nobody";
    expect_refused(r, "unreadable");
    r.owner = "no-such-user-here";
    expect_refused(r, "unreadable");
}

TEST_F(Take, UnreadableIsRefused) {
    deposit("f.gz", "x");
    ASSERT_EQ(::chmod(deposited("f.gz").c_str(), 0), 0);
    const auto check = [](void* p) {
        auto* w = static_cast<VaultWorld*>(p);
        const auto t = w->take(w->request("f.gz", "x"));
        return t.outcome == Outcome::refused && t.reason_code == "unreadable" ? 0 : 1;
    };
    if (::geteuid() != 0) {
        EXPECT_EQ(check(world.get()), 0);
        return;
    }
    for (const char* dir : {"", "deposits", "deposits/agent1", "deposits/agent1/database", "vault", "vault/.tmp"})
        ASSERT_EQ(::chmod(tree.at(dir).c_str(), 0755), 0);
    EXPECT_EQ(run_as(65534, check, world.get()), 0);
}

TEST_F(Take, BusyWhileWrittenOrLeased) {
    deposit("f.gz", "x");
    const auto r = world->request("f.gz", "x");
    {
        const UniqueFd writer(::open(deposited("f.gz").c_str(), O_WRONLY | O_CLOEXEC));
        EXPECT_EQ(world->take(r).outcome, Outcome::busy);
    }
    {
        ::signal(SIGIO, SIG_IGN);
        const UniqueFd owner(::open(deposited("f.gz").c_str(), O_RDWR | O_CLOEXEC));
        if (::fcntl(owner.get(), F_SETLEASE, F_WRLCK) == 0) {
            EXPECT_EQ(world->take(r).outcome, Outcome::busy);
        }
    }
    EXPECT_EQ(world->take(r).outcome, Outcome::copied);
}

TEST_F(Take, GoneAndChanged) {
    EXPECT_EQ(world->take(world->request("none.gz", "x")).outcome, Outcome::gone);
    deposit("f.gz", "x");
    auto r = world->request("f.gz", "x");
    r.expected.mtime_ns -= 1;
    auto t = world->take(r);
    EXPECT_EQ(t.outcome, Outcome::changed);
    EXPECT_NE(t.detail.find("since it was seen"), std::string::npos) << "before gigabytes are copied: " << t.detail;
    r = world->request("f.gz", "x");
    r.expected.ino += 1;
    t = world->take(r);
    EXPECT_EQ(t.outcome, Outcome::changed);
    EXPECT_NE(t.detail.find("since it was seen"), std::string::npos) << t.detail;
    expect_clean();
}

TEST_F(Take, MismatchKeepsNothing) {
    deposit("f.gz", "what came");
    const auto t = world->take(world->request("f.gz", "what left"));
    EXPECT_EQ(t.outcome, Outcome::mismatch);
    EXPECT_EQ(t.sha256, files::Sha256::of("what came"));
    EXPECT_EQ(world->inspector.asked, 0);
    expect_clean();
}

TEST_F(Take, DepositRootMissingIsUnavailable) {
    world->options.deposit_root = tree.at("nowhere");
    world->open();
    const auto t = world->take(world->request("f.gz", "x"));
    EXPECT_EQ(t.outcome, Outcome::unavailable);
    EXPECT_EQ(t.reason_code, "deposit_unavailable");
    EXPECT_TRUE(world->vault->state().usable) << "the vault is not to blame";
}

TEST_F(Take, FullVaultWaits) {
    deposit("a", "x");
    deposit("b", "y");
    const UniqueFd from(::open(deposited("a").c_str(), O_RDONLY | O_CLOEXEC));
    const UniqueFd to(::open(deposited("b").c_str(), O_RDWR | O_CLOEXEC));
    if (files::system_files()->clone(from.get(), to.get()).value_or(false)) GTEST_SKIP() << "this file system shares blocks: a copy needs no room";
    world->options.reserve_bytes = std::uint64_t{1} << 60;
    world->open();
    EXPECT_TRUE(world->vault->state().usable);
    deposit("f.gz", "x");
    const auto t = world->take(world->request("f.gz", "x"));
    EXPECT_EQ(t.outcome, Outcome::unavailable);
    EXPECT_EQ(t.reason_code, "vault_unavailable");
    EXPECT_NE(t.detail.find("full"), std::string::npos) << t.detail;
    EXPECT_TRUE(world->vault->state().usable) << "smaller ones may fit";
    EXPECT_NE(world->vault->state().problem.find("full"), std::string::npos);
    expect_clean();
}

TEST_F(Take, CancelledLeavesNothing) {
    deposit("f.gz", "x");
    world->inspector.silent = true;
    bool called = false;
    auto job = world->vault->take(world->request("f.gz", "x"), {}, [&](Taken) { called = true; });
    loop.run_posted();
    EXPECT_EQ(world->inspector.asked, 1);
    job.reset();
    loop.run_posted();
    EXPECT_FALSE(called);
    expect_clean();
}

TEST_F(Take, CancelledBeforeItBegan) {
    deposit("f.gz", "x");
    bool called = false;
    world->vault->take(world->request("f.gz", "x"), {}, [&](Taken) { called = true; }).reset();
    loop.run_posted();
    EXPECT_FALSE(called);
    expect_clean();
}

/// Between opening the source and reading it.
class WhileCopying : public Take {
protected:
    template <class F>
    Taken take_and(F meanwhile) {
        const std::string bytes = "0123456789";
        deposit("f.gz", bytes);
        world->by_step = true;
        world->open();
        settle();
        Taken out;
        auto job = world->vault->take(world->request("f.gz", bytes), {}, [&](Taken t) { out = std::move(t); });
        loop.run_posted();
        EXPECT_TRUE(world->steps.step());  // opened
        loop.run_posted();
        meanwhile();
        settle();
        return out;
    }
    void settle() {
        do {
            loop.run_posted();
        } while (world->steps.step());
    }
    std::string path = "f.gz";
};

TEST_F(WhileCopying, ItGrows) {
    EXPECT_EQ(take_and([&] { deposit(path, "0123456789ab"); }).outcome, Outcome::changed);
    expect_clean();
}

TEST_F(WhileCopying, ItShrinks) {
    EXPECT_EQ(take_and([&] { ASSERT_EQ(::truncate(deposited(path).c_str(), 3), 0); }).outcome, Outcome::changed);
    expect_clean();
}

TEST_F(WhileCopying, ItChangesInPlaceAndHidesIt) {
    const auto t = take_and([&] {
        struct stat st {};
        ASSERT_EQ(::stat(deposited(path).c_str(), &st), 0);
        deposit(path, "9876543210");
        const std::array<timespec, 2> times{st.st_atim, st.st_mtim};
        ASSERT_EQ(::utimensat(AT_FDCWD, deposited(path).c_str(), times.data(), 0), 0);
    });
    EXPECT_EQ(t.outcome, Outcome::changed);
    expect_clean();
}

TEST_F(WhileCopying, ItIsRemovedOrReplacedByName) {
    EXPECT_EQ(take_and([&] { ASSERT_EQ(::unlink(deposited(path).c_str()), 0); }).outcome, Outcome::copied) << "the open file is judged";
    EXPECT_EQ(take_and([&] {
                  tree.put("deposits/agent1/new", "other data");
                  ASSERT_EQ(::rename(tree.at("deposits/agent1/new").c_str(), deposited(path).c_str()), 0);
              }).sha256,
              files::Sha256::of("0123456789"));
}

TEST_F(WhileCopying, ItGetsASecondName) {
    EXPECT_EQ(take_and([&] { ASSERT_EQ(::link(deposited(path).c_str(), tree.at("second").c_str()), 0); }).outcome, Outcome::changed);
    expect_clean();
}

TEST_F(Take, ProgressEndsWithTheWhole) {
    const std::string bytes(3 << 20, 'b');
    deposit("f.gz", bytes);
    std::uint64_t last = 0, total = 0;
    bool ended = false;
    auto job = world->vault->take(
        world->request("f.gz", bytes),
        [&](std::uint64_t n, std::uint64_t of) {
            EXPECT_FALSE(ended);
            last = n;
            total = of;
        },
        [&](Taken) { ended = true; });
    loop.run_posted();
    EXPECT_TRUE(ended);
    EXPECT_EQ(last, bytes.size());
    EXPECT_EQ(total, bytes.size());
}

TEST_F(Take, HistoryThatCannotBeWrittenIsUnavailable) {
    deposit("f.gz", "x");
    const auto r = world->request("f.gz", "x");
    store.fail_next_writes(1, Error{Errc::no_space, "disk full", 0});
    const auto t = world->take(r);
    EXPECT_EQ(t.outcome, Outcome::unavailable);
    EXPECT_EQ(tree.names("vault/.tmp"), "") << "no copy without its row";
}

}  // namespace
}  // namespace bkmon::test
