#pragma once
// The alerts part on a history in memory, with time moved by hand, a real registry and scheduler, and a mail server that says what a test wants.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "daemon/alerts/part.h"
#include "tests/support/fake_mail.h"
#include "tests/support/fake_store.h"
#include "tests/support/manual_loop.h"
#include "tests/support/recording_journal.h"

namespace bkmon::alerts {

using namespace std::chrono_literals;
using core::Severity;
using core::Status;
using Mode = core::AlertRule::Mail;
using test::FakeMail;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::UnorderedElementsAre;
using Kind = net::Sent::Kind;
using history::MailRow;

/// A store that dies: after so many commits nothing is written or read, and nobody hears of the last one.
class MortalStore final : public history::Store {
public:
    explicit MortalStore(history::Store& inner) : inner_(inner) {}
    void write(Work work, Done done) override {
        if (dead()) return;
        inner_.write(std::move(work), [this, life = life_, done = std::move(done)](Result<void> r) {
            if (life != life_ || dead()) return;
            if (r && left_ > 0) --left_;
            if (r) ++commits;
            if (!dead() && done) done(std::move(r));
        });
    }
    void read(Look look, Done done) override {
        if (dead()) return;
        inner_.read(std::move(look), [this, life = life_, done = std::move(done)](Result<void> r) {
            if (life == life_ && !dead()) done(std::move(r));
        });
    }
    bool alive(milliseconds) const override { return !dead(); }
    void close() override {}
    void die_after(int commits_from_now) { left_ = commits_from_now; }
    void revive() { left_ = -1, ++life_; }  ///< another process: what the one before asked for is never answered
    bool dead() const { return left_ == 0; }
    int commits = 0;

private:
    history::Store& inner_;
    int left_ = -1, life_ = 0;
};

/// A mail that the server took, read back.
struct Got {
    std::string to, id, subject, text, answers;
    Time at{};
};

class AlertsTest : public testing::Test {
protected:
    AlertsTest();
    ~AlertsTest() override { stop(); }

    Time now() const { return loop.clock().now(); }
    /// Registry, scheduler and part on the tables as they are; targets as define() was last told.
    void start();
    void stop();
    void restart() { stop(), start(); }
    void reconfigure();

    struct Wanted {
        std::string id;
        core::Labels labels;
        std::vector<std::string> recipients;
    };
    void define(std::vector<Wanted> targets);
    void define(std::initializer_list<const char*> ids);
    bool publish(const std::string& target, Status status, std::optional<Severity> severity = {}, const std::string& code = "");
    void fail_and_wait(const std::string& target, Status status = Status::failed) { publish(target, status), loop.advance(1min); }
    void pause(const std::string& target, std::optional<Time> until = {});
    void resume(const std::string& target);

    std::vector<Got> take();  ///< what the server took since it was last asked
    std::vector<std::string> subjects();
    std::vector<core::Incident> incidents(bool open_only = false);
    core::Incident incident(const std::string& target);  ///< the newest
    std::vector<MailRow> rows(const std::string& state = "");
    std::size_t notices();
    core::Verdict mail_verdict() { return registry->shown(*registry->find(TargetId::of("bkmon", {"mail"}))); }
    core::AlertRule& rule(Mode mail);

    template <class T>
    Result<T> wait_for(const std::function<void(std::function<void(Result<T>)>)>& call, milliseconds time = 0ms) {
        auto result = std::make_shared<std::optional<Result<T>>>();
        call([result](Result<T> r) { *result = std::move(r); });
        loop.advance(time);
        return result->value_or(fail(Errc::timeout, "no answer"));
    }

    test::ManualLoop loop;
    test::InlineLane lane;
    test::FakeStore tables{loop};
    MortalStore store{tables};
    test::RecordingJournal journal;
    FakeMail mail{loop};
    Part::Options options;
    std::unique_ptr<targets::Registry> registry;
    std::unique_ptr<runs::Scheduler> scheduler;
    std::unique_ptr<Part> part;

private:
    void define_now();
    std::vector<Wanted> wanted_;
    std::size_t taken_ = 0;
};

TargetId id_of(const std::string& text);
/// As a mail reader has it; the text part alone.
Got read_mail(const net::Envelope& envelope);

}  // namespace bkmon::alerts
