#include "daemon/outlets/part.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/base/text.h"
#include "daemon/outlets/part_impl.h"

namespace bkmon::outlets {
namespace {

constexpr milliseconds kSourceMay{std::chrono::seconds(10)};  ///< longer than this no start or reload waits for an inventory
constexpr milliseconds kShown{std::chrono::minutes(15)};
constexpr milliseconds kStuck{std::chrono::minutes(5)};

std::string said_as(core::Status status, const std::string& reason) { return std::string(core::name_of(status)) + reason; }

}  // namespace

Part::Impl::Impl(Rooms r, Options o) : rooms(r), options(std::move(o)), source({r.loop, r.lane, r.children}) {
    owed_timer = rooms.loop.make_timer([this] { begin_owed(); });
    settle_timer = rooms.loop.make_timer([] {});
}

/// Verdicts about bkmon's own parts; said only when they change.
void Part::Impl::publish_own(const char* name, core::Status status, const char* reason_code, std::string reason, std::string evidence) {
    auto text = said_as(status, reason);
    if (said[name] == text) return;
    said[name] = std::move(text);
    targets::Registry::Publication p;
    p.target = TargetId::of("bkmon", {name});
    p.verdict = core::plain_verdict(status, reason_code, std::move(reason), now());
    p.verdict.evidence = std::move(evidence);
    rooms.registry.publish(std::move(p), [this, name, weak = weak_from_this()](const Result<void>& written) {
        if (!weak.expired() && !written) said.erase(name);
    });
}

std::shared_ptr<const core::OutletMode> Part::Impl::mode_of(const std::string& name) const {
    for (const auto& mode : modes)
        if (equal_ignoring_case(mode->name, name)) return mode;
    return nullptr;
}

void Part::Impl::take_settings(core::OutletSettings settings) {
    options.settings = std::move(settings);
    modes.clear();
    for (const auto& mode : options.settings.modes)
        if (mode.active) modes.push_back(std::make_shared<const core::OutletMode>(mode));
    rooms.visitor.set_workers(options.settings.workers, options.settings.deadline);
    forget_shortfall_of_gone_modes();
    // A scan of a mode that is gone has nobody to look for.
    std::vector<JobPtr> orphans;
    for (const auto& [name, line] : lines)
        if (!mode_of(name)) orphans.insert(orphans.end(), line.begin(), line.end());
    for (const auto& job : orphans) job->scan->stop("cancelled", "the mode was taken out of the configuration");
}

void Part::Impl::forget_shortfall_of_gone_modes() {
    shortfall.forget([this](const std::string& mode) { return !mode_of(mode); });
}

void Part::Impl::start(std::function<void(Result<void>)> done) {
    take_settings(std::exchange(options.settings, {}));
    struct Known {
        std::vector<history::OutletRow> rows;
        std::vector<history::RememberedShareRow> shares;
        std::optional<history::CurrentRow> mine;
    };
    auto known = std::make_shared<Known>();
    rooms.store.read(
        [known](history::Reader& r) -> Result<void> {
            auto rows = r.outlets();
            if (!rows) return fail(std::move(rows.error()));
            auto found = r.remembered_shares();
            if (!found) return fail(std::move(found.error()));
            auto mine = r.current(TargetId::of("bkmon", {"outlets"}));
            if (!mine) return fail(std::move(mine.error()));
            *known = {std::move(*rows), std::move(*found), std::move(*mine)};
            return {};
        },
        [this, known, weak = weak_from_this(), done = std::move(done)](Result<void> read) mutable {
            if (weak.expired()) return;
            if (!read) return done(std::move(read));
            if (known->mine) inherit(known->mine->verdict);
            remembered(std::move(known->rows), std::move(known->shares), std::move(done));
        });
}

/// A restart mends nothing: what an earlier process could not do stays said until a scan can.
void Part::Impl::inherit(const core::Verdict& mine) {
    shortfall = Shortfall::from(mine.evidence);
    forget_shortfall_of_gone_modes();
    if (!shortfall.empty()) said["outlets"] = said_as(mine.status, mine.reason);
}

void Part::Impl::remembered(std::vector<history::OutletRow> rows, std::vector<history::RememberedShareRow> found,
                            std::function<void(Result<void>)> done) {
    struct Made {
        StockPtr stock;
        std::unordered_map<std::string, std::string> shares;
    };
    loop::submit(
        rooms.lane, rooms.loop, weak_from_this(),
        [rows = std::move(rows), found = std::move(found), known_modes = options.settings.modes](std::stop_token) mutable {
            Made made;
            made.stock = make_stock(std::move(rows), known_modes);
            for (auto& row : found) made.shares.emplace(row.target.key(), std::move(row.share));
            return made;
        },
        [this, done = std::move(done)](Made made) mutable {
            stock = std::move(made.stock);
            shares = std::move(made.shares);
            define_again = true;
            settle([this, weak = weak_from_this(), done = std::move(done)](Result<void> defined) {
                if (weak.expired()) return;
                started = true;
                if (defined) set_schedules();
                say_shortfall();
                done(std::move(defined));
            });
        });
}

void Part::Impl::settle(std::function<void(Result<void>)> done) {
    auto once = std::make_shared<std::function<void(Result<void>)>>(std::move(done));
    const auto finish = [this, once](Result<void> result) {
        settle_timer->cancel();
        if (auto call = std::exchange(*once, nullptr)) call(std::move(result));
    };
    settle_timer = rooms.loop.make_timer([this, finish] {
        rooms.journal.log(journal::Level::warning, journal::msg::note,
                          fmt::format("the inventory of outlets does not come ({}): the last known one is used until it does",
                                      describe(options.settings.inventory)));
        define(finish);
    });
    settle_timer->arm(kSourceMay);
    read_inventory([this, finish](const Reread& news) {
        if (!news.defined) return finish(news.defined);
        if (!define_again) return finish({});
        define(finish);  // by what is remembered
    });
}

/// Thousands of targets: what is said of them is made off the loop. Of two definitions the later one counts.
void Part::Impl::define(std::function<void(Result<void>)> done) {
    struct Made {
        StockPtr stock;
        std::vector<targets::TargetSpec> specs;
    };
    loop::submit(
        rooms.lane, rooms.loop, weak_from_this(),
        [of = stock, known_modes = options.settings.modes, at = now()](std::stop_token) {
            Made made;
            made.stock = has_modes(*of, known_modes) ? of : make_stock(of->outlets, known_modes, of.get());
            made.specs = specs_of(*made.stock, known_modes, at);
            return made;
        },
        [this, round = ++definitions, done = std::move(done)](Made made) mutable {
            if (round != definitions) return done({});
            stock = std::move(made.stock);
            rooms.registry.define("outlet", std::move(made.specs),
                                  [this, round, weak = weak_from_this(), done = std::move(done)](Result<void> defined) {
                                      if (weak.expired()) return;
                                      if (defined && round == definitions) define_again = false;
                                      done(std::move(defined));
                                  });
        });
}

void Part::Impl::reconfigure(core::OutletSettings settings, std::function<void(Result<void>)> done) {
    take_settings(std::move(settings));
    ++source_round;
    define_again = true;
    settle([this, weak = weak_from_this(), done = std::move(done)](Result<void> defined) {
        if (weak.expired()) return;
        if (defined) set_schedules();
        say_shortfall();
        done(std::move(defined));
    });
}

// --- the interface

Part::Part(Rooms rooms, Options options) : impl_(std::make_shared<Impl>(rooms, std::move(options))) {}
Part::~Part() {
    for (auto& id : impl_->schedule_ids) impl_->rooms.scheduler.remove(id);
    for (auto& [name, line] : impl_->lines)
        for (auto& job : line) job->scan->abandon("interrupted", "the outlets are not watched any more");
    impl_->lines.clear();
    impl_->ending.clear();
}

void Part::start(std::function<void(Result<void>)> done) { impl_->start(std::move(done)); }
void Part::reconfigure(core::OutletSettings settings, std::function<void(Result<void>)> done) {
    impl_->reconfigure(std::move(settings), std::move(done));
}
const core::OutletSettings& Part::settings() const { return impl_->options.settings; }

/// What is said of the first scan names a moment.
void Part::clock_changed() {
    if (impl_->started) impl_->define([](const Result<void>&) {});
}

std::vector<OutletView> Part::list() const {
    const auto& me = *impl_;
    std::vector<OutletView> all;
    if (!me.stock) return all;
    all.reserve(me.stock->outlets.size());
    for (std::size_t i = 0; i < me.stock->outlets.size(); ++i) {
        OutletView view{me.stock->outlets[i], {}};
        for (std::size_t m = 0; m < me.stock->targets[i].size(); ++m) {
            const auto& target = me.stock->targets[i][m];
            const auto share = me.shares.find(target.key());
            view.modes.push_back({me.stock->modes[m], target, share == me.shares.end() ? "" : drive_of(share->second)});
        }
        all.push_back(std::move(view));
    }
    return all;
}

InventoryView Part::inventory() const {
    const auto& me = *impl_;
    InventoryView view{describe(me.options.settings.inventory), me.read_at, me.inventory_problem, me.bad_rows};
    if (!me.stock) return view;
    view.active = me.stock->active;
    view.inactive = me.stock->outlets.size() - me.stock->active;
    return view;
}

const core::Outlet* Part::outlet_of(const TargetId& target) const { return impl_->stock ? impl_->stock->find(target) : nullptr; }

Result<Part::Begun> Part::scan(ScanRequest request) { return impl_->scan(std::move(request)); }

std::optional<ScanView> Part::view(const std::string& run) const {
    const auto& me = *impl_;
    for (const auto& [name, line] : me.lines)
        for (const auto& job : line)
            if (job->scan->run().id() == run) return job->scan->tally().at(me.boot());
    for (const auto& ended : me.over)
        if (ended.view.run == run && me.boot() - ended.at < kShown) return ended.view;
    return std::nullopt;
}

std::string Part::activity() const {
    std::string text;
    for (const auto& [name, line] : impl_->lines) {
        const auto& view = line.front()->scan->tally().view;
        text += fmt::format("{}scanning {}: {} of {}", text.empty() ? "" : "; ", printable(view.mode, 64), view.done, view.total);
    }
    return text;
}

std::vector<std::string> Part::stuck() const {
    std::vector<std::string> list;
    for (const auto& [name, line] : impl_->lines) {
        const auto& tally = line.front()->scan->tally();
        const auto quiet = impl_->boot() - tally.moved();
        if (quiet > kStuck)
            list.push_back(fmt::format("the scan of {} has recorded nothing for {}", printable(tally.view.mode, 64), duration_words(quiet)));
    }
    return list;
}

}  // namespace bkmon::outlets
