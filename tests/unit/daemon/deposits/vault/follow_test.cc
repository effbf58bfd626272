// A large copy is inspected while it grows.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/forwarding_files.h"
#include "tests/unit/daemon/deposits/vault/real_vault.h"

namespace bkmon::test {
namespace {

using namespace deposits;
using Outcome = Taken::Outcome;

constexpr std::size_t kLarge = (std::size_t{8} << 20) + 5;

/// Disk work waits for the test; the source is swapped or looked at between its steps.
class Follow : public RealVault {
protected:
    std::string bytes = std::string(kLarge, 'b');
    std::optional<Taken> taken;
    std::unique_ptr<Vault::Job> job;

    void begin(const std::string& claimed_of) {
        world->by_step = true;
        world->open();
        finish();
        deposit("f.sql.gz", bytes);
        auto request = world->request("f.sql.gz", bytes);
        request.claimed_sha256 = files::Sha256::of(claimed_of);
        job = world->vault->take(std::move(request), {}, [this](Taken t) { taken = std::move(t); });
        loop.run_posted();
    }
    void finish() {
        do loop.run_posted();
        while (world->steps.step());
        loop.run_posted();
    }
    /// Opens and copies; what the copy told the loop is still to be heard.
    void copy() {
        ASSERT_TRUE(world->steps.step());
        loop.run_posted();
        ASSERT_EQ(world->inspector.asked, 0);
        ASSERT_TRUE(world->steps.step());
    }
};

TEST_F(Follow, TheInspectorIsGivenTheCopyAsItGrows) {
    begin(bytes);
    copy();
    loop.run_posted();
    ASSERT_EQ(world->inspector.asked, 1);
    const auto& asked = world->inspector.last;
    EXPECT_TRUE(asked.growing);
    EXPECT_EQ(asked.size, kLarge);
    EXPECT_EQ(asked.deadline, inspect::Request().deadline + std::chrono::seconds(8)) << "a slow copy is no slow inspector";
    struct stat st {};
    ASSERT_EQ(::fstat(asked.file.get(), &st), 0);
    EXPECT_EQ(static_cast<std::size_t>(st.st_size), kLarge);
    EXPECT_LT(::write(asked.file.get(), "x", 1), 0) << "read only";
    finish();
    ASSERT_TRUE(taken);
    EXPECT_EQ(taken->outcome, Outcome::copied);
    EXPECT_EQ(taken->findings.state, inspect::Findings::State::whole) << "said before the copy was proven";
    EXPECT_TRUE(taken->proven);
    EXPECT_EQ(world->inspector.asked, 1);
}

/// The loop turns between the writes of the copy.
struct TurningFiles final : ForwardingFiles {
    explicit TurningFiles(ManualLoop& l) : loop(l) {}
    Result<void> write(int fd, std::span<const unsigned char> bytes, std::uint64_t offset) override {
        auto done = ForwardingFiles::write(fd, bytes, offset);
        loop.run_posted();
        return done;
    }
    ManualLoop& loop;
};

TEST_F(Follow, TheInspectorsWordIsNotLost) {
    ops = std::make_unique<TurningFiles>(loop);
    restart();
    world->inspector.findings.state = inspect::Findings::State::damaged;
    world->inspector.findings.code = "broken_archive";
    begin(bytes);
    copy();
    ASSERT_EQ(world->inspector.asked, 1) << "it speaks before the copy is done";
    finish();
    ASSERT_TRUE(taken);
    EXPECT_EQ(taken->outcome, Outcome::copied);
    EXPECT_EQ(taken->findings.state, inspect::Findings::State::damaged);
    EXPECT_EQ(taken->findings.code, "broken_archive");
}

TEST_F(Follow, ASmallOneIsInspectedWhenItIsThere) {
    bytes = "small";
    begin(bytes);
    copy();
    loop.run_posted();
    EXPECT_EQ(world->inspector.asked, 1);
    EXPECT_FALSE(world->inspector.last.growing);
    finish();
    EXPECT_EQ(taken->outcome, Outcome::copied);
}

TEST_F(Follow, ACopyThatIsNotTheAnnouncedOneCountsWhateverIsInIt) {
    world->inspector.findings.state = inspect::Findings::State::damaged;
    begin("another");
    copy();
    finish();
    ASSERT_TRUE(taken);
    EXPECT_EQ(taken->outcome, Outcome::mismatch);
    expect_clean();
}

TEST_F(Follow, AnInspectorOfACopyThatFailedIsEnded) {
    world->inspector.silent = true;
    begin("another");
    copy();
    finish();
    ASSERT_TRUE(taken) << "nobody waits for it";
    EXPECT_EQ(taken->outcome, Outcome::mismatch);
    EXPECT_EQ(world->inspector.ended, 1);
    expect_clean();
}

TEST_F(Follow, CancelledWhileItIsCopiedLeavesNothing) {
    world->inspector.silent = true;
    begin(bytes);
    ASSERT_TRUE(world->steps.step());
    loop.run_posted();
    job.reset();
    finish();
    EXPECT_FALSE(taken);
    EXPECT_EQ(world->inspector.asked, 0);
    expect_clean();
}

TEST_F(Follow, CancelledAfterTheCopyLeavesNothing) {
    world->inspector.silent = true;
    begin(bytes);
    copy();
    loop.run_posted();
    ASSERT_EQ(world->inspector.asked, 1);
    job.reset();
    finish();
    EXPECT_FALSE(taken);
    EXPECT_EQ(world->inspector.ended, 1);
    expect_clean();
}

TEST_F(Follow, AnInspectorThatCouldNotStartSaysNothing) {
    world->inspector.findings.not_started = true;
    begin(bytes);
    copy();
    finish();
    ASSERT_TRUE(taken);
    EXPECT_EQ(taken->outcome, Outcome::unavailable);
    expect_clean();
}

}  // namespace
}  // namespace bkmon::test
