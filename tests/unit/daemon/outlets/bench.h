#pragma once
// The outlets part with servers that answer what the test says, time moved by hand and a history in memory.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/base/text.h"
#include "daemon/outlets/part.h"
#include "tests/support/fake_store.h"
#include "tests/support/manual_loop.h"
#include "tests/support/recording_journal.h"

namespace bkmon::test {

/// A shop's server: what its door and its folder say, each time anew.
struct Shop {
    smb::Outcome door = smb::Outcome::listed;
    milliseconds door_takes{1}, visit_takes{5};
    std::function<smb::Visit(const smb::Order&, int nth)> answer;  ///< nth visit, from 0; absent: a good backup on d$
    int probes = 0, visits = 0;
    std::size_t probed_after = 0;  ///< how many visits had begun when its door was last tried
};

inline smb::Visit found(const std::string& name, std::uint64_t size, Time modified, const std::string& share = "d$") {
    smb::Visit v;
    v.outcome = smb::Outcome::listed;
    v.share = share;
    v.newest = smb::FoundFile{name, size, modified};
    v.files = v.matching = 1;
    v.logins = 1;
    v.took = milliseconds(40);
    return v;
}
inline smb::Visit refused(smb::Outcome outcome = smb::Outcome::login_refused) {
    smb::Visit v;
    v.outcome = outcome;
    v.detail = "NT_STATUS_LOGON_FAILURE";
    v.logins = 1;
    return v;
}

class FakeServers final : public smb::Prober, public smb::Visitor {
public:
    explicit FakeServers(loop::EventLoop& loop) : loop_(loop) {}

    std::unique_ptr<smb::Prober::Ticket> probe(const std::string& address, std::uint16_t, milliseconds deadline,
                                               std::function<void(smb::Probed)> done) override {
        struct Mine final : smb::Prober::Ticket {
            std::unique_ptr<loop::Timer> timer;
            std::size_t* open = nullptr;
            ~Mine() override { --*open; }
        };
        auto& shop = shops[address];
        ++shop.probes;
        shop.probed_after = orders.size();
        most_probing = std::max(most_probing, ++probing);
        auto mine = std::make_unique<Mine>();
        mine->open = &probing;
        const bool silent = shop.door == smb::Outcome::timeout;
        mine->timer = loop_.make_timer([this, address, outcome = shop.door, done = std::move(done)] {
            smb::Probed answer;
            answer.outcome = outcome;
            answer.address = address;
            answer.detail = outcome == smb::Outcome::listed ? "" : "no answer";
            if (outcome == smb::Outcome::listed && connecting) answer.connection = connect();
            done(std::move(answer));
        });
        mine->timer->arm(silent ? deadline : shop.door_takes);
        return mine;
    }

    std::unique_ptr<smb::Visitor::Ticket> visit(smb::Order order, smb::Connection connection, std::function<void(smb::Visit)> done) override {
        struct Mine final : smb::Visitor::Ticket {
            smb::Connection connection;
            std::unique_ptr<loop::Timer> timer;
            std::size_t* open = nullptr;
            ~Mine() override { --*open; }
        };
        auto& shop = shops[order.address];
        const int nth = shop.visits++;
        most_visiting = std::max(most_visiting, ++visiting);
        auto mine = std::make_unique<Mine>();
        mine->open = &visiting;
        mine->connection = std::move(connection);
        if (mine->connection) with_connection.push_back(order.address);
        orders.push_back(order);
        mine->timer = loop_.make_timer([this, order, nth, done = std::move(done)] {
            const auto& answer = shops[order.address].answer;
            done(answer ? answer(order, nth) : found("shop.bak", 1 << 20, loop_.clock().now() - std::chrono::hours(1)));
        });
        mine->timer->arm(shop.visit_takes);
        return mine;
    }
    void set_workers(int n, milliseconds) override { workers = n; }

    /// Connections that were made and are not closed.
    std::size_t open_connections() {
        std::erase_if(ends_, [](const UniqueFd& end) {
            pollfd p{end.get(), 0, 0};
            return ::poll(&p, 1, 0) != 0;
        });
        return ends_.size();
    }

    std::map<std::string, Shop> shops;         ///< by address
    bool connecting = false;                   ///< doors give connections
    std::vector<std::string> with_connection;  ///< addresses that were visited over theirs
    std::vector<smb::Order> orders;
    std::size_t probing = 0, visiting = 0, most_probing = 0, most_visiting = 0;
    int workers = 0;

private:
    /// Half of a pipe: the other one knows when it is closed.
    smb::Connection connect() {
        std::array<int, 2> fds{};
        EXPECT_EQ(::pipe2(fds.data(), O_CLOEXEC), 0);
        ends_.emplace_back(fds[1]);
        return {UniqueFd(fds[0]), loop_.clock().boot()};
    }

    loop::EventLoop& loop_;
    std::vector<UniqueFd> ends_;
};

/// No child is ever started here.
class NoChildren final : public loop::ChildRunner {
public:
    Result<std::unique_ptr<loop::Child>> spawn(loop::ChildSpec, std::function<void(loop::ChildResult)>) override {
        return fail(Errc::unavailable, "no children here");
    }
};

class OutletsTest : public ::testing::Test {
protected:
    OutletsTest() {
        loop.manual_clock().wall = *parse_rfc3339("2026-11-22T12:00:00Z");
        settings.configured = true;
        settings.workers = 4;
        core::OutletMode mode;
        mode.name = "d-drive";
        mode.shares = {"d$"};
        mode.folder = "BackupFull";
        mode.verify = core::OutletVerify::none;
        mode.timezone = "UTC";
        mode.credential.user = "svc_backup";
        mode.credential.domain = "CORP";
        mode.credential.password_file = "/etc/bkmon/smb.password";
        settings.modes.push_back(mode);
        for (int i = 1; i <= 3; ++i) add_outlet(i);
    }
    ~OutletsTest() override { part.reset(); }

    static std::string code(int i) { return "S" + std::to_string(10000 + i); }
    static std::string address(int i) {
        return "10." + std::to_string(i / 62500) + "." + std::to_string(i / 250 % 250) + "." + std::to_string(i % 250 + 1);
    }
    core::Outlet& add_outlet(int i) {
        core::Outlet outlet;
        outlet.code = code(i);
        outlet.name = "Shop " + std::to_string(i);
        outlet.address = address(i);
        settings.inventory.list.push_back(outlet);
        return settings.inventory.list.back();
    }
    Shop& shop(int i) { return servers.shops[address(i)]; }

    /// Everything new but the servers and the history: bkmond after a restart.
    void start() {
        part.reset();
        runs_engine.reset();
        registry = std::make_unique<targets::Registry>(loop, store);
        runs_engine = std::make_unique<runs::RunEngine>(loop, store);
        scheduler = std::make_unique<runs::Scheduler>(loop, store);
        registry->load([](Result<void> done) { ASSERT_TRUE(done); });
        runs_engine->load([](Result<void> done) { ASSERT_TRUE(done); });
        scheduler->load([](Result<void> done) { ASSERT_TRUE(done); });
        loop.run_posted();
        std::vector<targets::TargetSpec> own(2);
        own[0].id = TargetId::of("bkmon", {"inventory"});
        own[1].id = TargetId::of("bkmon", {"outlets"});
        for (auto& spec : own) spec.initial.reason_code = "first_due";
        registry->define("bkmon", own, [](Result<void> done) { ASSERT_TRUE(done); });
        loop.run_posted();
        outlets::Part::Options options;
        options.settings = settings;
        options.timezone = "UTC";
        options.secret = [this](const std::string& file, const std::string&) -> Result<std::string> {
            ++secrets_read;
            if (no_secret) return fail(Errc::denied, "'" + file + "' cannot be read");
            return std::string("Passw0rd!");
        };
        options.hold_off = [this] { return hold_off; };
        part = std::make_unique<outlets::Part>(
            outlets::Part::Rooms{loop, *lane, children, store, *registry, *runs_engine, *scheduler, servers, servers, journal}, std::move(options));
        part->start([this](Result<void> done) {
            started = true;
            ASSERT_TRUE(done) << done.error().what;
        });
        loop.run_posted();
    }
    void reconfigure() {
        part->reconfigure(settings, [](Result<void> done) { ASSERT_TRUE(done) << done.error().what; });
        loop.run_posted();
    }

    void pass(milliseconds d, milliseconds step = milliseconds(50)) {
        for (milliseconds gone{0}; gone < d; gone += step) loop.advance(std::min(step, d - gone));
        loop.run_posted();
    }
    std::string begin(outlets::ScanRequest request = {}) {
        if (request.mode.empty()) request.mode = "d-drive";
        const auto begun = part->scan(std::move(request));
        EXPECT_TRUE(begun) << (begun ? "" : begun.error().what);
        loop.run_posted();
        return begun ? begun->run : "";
    }
    /// To its end, at most ten minutes.
    outlets::ScanView scan(outlets::ScanRequest request = {}) {
        const auto run = begin(std::move(request));
        return finish(run);
    }
    outlets::ScanView finish(const std::string& run) {
        for (int i = 0; i < 12000; ++i) {
            const auto view = part->view(run);
            if (!view) break;
            if (view->final) {
                loop.run_posted();
                return *view;
            }
            pass(milliseconds(50), milliseconds(5));
        }
        ADD_FAILURE() << "the scan does not end";
        return {};
    }
    history::RunRow run_row(const std::string& run) {
        const auto row = store.tables().run_of(run);
        return row && *row ? **row : history::RunRow{};
    }

    core::Verdict shown(int i, const std::string& mode = "d-drive") {
        const auto* target = registry->find(TargetId::of("outlet", {code(i), mode}));
        return target != nullptr ? registry->shown(*target) : core::Verdict{};
    }
    std::string status(int i, const std::string& mode = "d-drive") {
        const auto v = shown(i, mode);
        return std::string(core::name_of(v.status)) + " " + v.reason_code;
    }
    std::string own(const std::string& name) {
        const auto v = registry->shown(*registry->find(TargetId::of("bkmon", {name})));
        return std::string(core::name_of(v.status)) + ": " + v.reason;
    }
    std::vector<std::string> days(int i, const std::string& mode = "d-drive") {
        history::DailyQuery query;
        query.target_glob = "outlet/" + lower(code(i)) + "/" + mode;
        std::vector<std::string> out;
        const auto rows = store.tables().daily(query);
        if (!rows) return {"<" + rows.error().what + ">"};
        for (const auto& row : *rows) out.push_back(row.date + " " + std::string(core::name_of(row.verdict.status)) + " " + row.verdict.file);
        return out;
    }
    std::size_t events(const std::string& type = "verdict") {
        std::size_t n = 0;
        const auto rows = store.tables().events_after(0, 1000000);
        for (const auto& e : *rows)
            if (e.type == type && e.target.kind() == "outlet") ++n;
        return n;
    }

    ManualLoop loop;
    InlineLane inline_lane;
    loop::Lane* lane = &inline_lane;
    NoChildren children;
    FakeStore store{loop};
    RecordingJournal journal;
    FakeServers servers{loop};
    core::OutletSettings settings;
    std::string hold_off;
    bool no_secret = false, started = false;
    int secrets_read = 0;
    std::unique_ptr<targets::Registry> registry;
    std::unique_ptr<runs::RunEngine> runs_engine;
    std::unique_ptr<runs::Scheduler> scheduler;
    std::unique_ptr<outlets::Part> part;
};

}  // namespace bkmon::test
