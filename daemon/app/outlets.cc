// The outlets: what their part is made of here, when it begins, and who may ask it.
#include <fmt/format.h>

#include <utility>

#include "common/base/text.h"
#include "daemon/app/secret.h"
#include "daemon/app/wiring.h"

namespace bkmon::app {

namespace {

const TargetId kOutlets = TargetId::of("bkmon", {"outlets"});

}  // namespace

/// The settings of the outlets for their part, and the list with them: one copy is enough.
core::OutletSettings Wiring::take_outlets() {
    auto& mine = loaded_->settings.outlets;
    auto list = std::exchange(mine.inventory.list, {});
    auto settings = mine;
    settings.inventory.list = std::move(list);
    return settings;
}

Result<void> Wiring::make_outlets(core::OutletSettings settings) {
    auto worker = program_path("bkmon-smb-worker");
    if (!worker) return fail(std::move(worker.error()));
    // Threads of their own, and only where there are outlets: a server or a resolver that hangs holds nobody else.
    if (!outlet_lane_) outlet_lane_ = std::make_unique<loop::ThreadLane>("outlets", 2);
    if (!name_lane_) name_lane_ = std::make_unique<loop::ThreadLane>("names", 4);
    prober_ = smb::make_prober(*loop_, *name_lane_);
    auto workers = smb::make_nursery(*children_, *loop_, std::move(*worker),
                                     [this](const std::string& what) { journal_->log(journal::Level::notice, journal::msg::note, what); });
    visitor_ = smb::make_pool(std::move(workers), *loop_, smb::PoolOptions{settings.workers, settings.deadline});
    outlets::Part::Options options;
    options.settings = std::move(settings);
    options.timezone = loaded_->settings.timezone;
    options.secret = [](const std::string& file, const std::string& credential) -> Result<std::string> {
        if (file.empty() && credential.empty()) return std::string();
        return read_secret("password_file", file, credential);
    };
    options.hold_off = [this] {
        if (auto why = hold_off(); !why.empty()) return why;
        return history_failure_ ? history_failure_->reason : std::string();
    };
    outlets::Part::Rooms rooms{*loop_, *outlet_lane_, *children_, *store_, *registry_, *runs_, *scheduler_, *prober_, *visitor_, *journal_};
    outlets_ = std::make_unique<outlets::Part>(rooms, std::move(options));
    return {};
}

void Wiring::start_outlets(core::OutletSettings settings, Done done) {
    const auto ended = [this, done = std::move(done)](Result<void> started) {
        outlets_failed_ = !started;
        if (!started) {
            const auto reason = fmt::format("the outlets are not watched: {}; tried again every 30 s", printable(started.error().what));
            journal_->log(journal::Level::error, journal::msg::note, reason);
            start_again();
            registry_->overrule(kOutlets, core::plain_verdict(core::Status::failed, "degraded", reason, loop_->clock().now()));
        } else {
            registry_->overrule(kOutlets, std::nullopt);
        }
        done(std::move(started));
    };
    if (auto made = make_outlets(std::move(settings)); !made) return ended(std::move(made));
    outlets_->start(ended);
}

void Wiring::stop_outlets() {
    outlets_.reset();
    visitor_.reset();
    prober_.reset();
}

void Wiring::bind_outlet_methods() {
    outlets_door_ = std::make_unique<control::OutletsDoor>(control::OutletsDoor{*loop_, *store_, *runs_, *registry_});
    auto& door = *outlets_door_;
    door.configured = [this] { return outlets_ != nullptr; };
    door.list = [this] { return outlets_->list(); };
    door.inventory = [this] { return outlets_->inventory(); };
    door.settings = [this]() -> const core::OutletSettings& { return outlets_->settings(); };
    door.scan = [this](outlets::ScanRequest request) { return outlets_->scan(std::move(request)); };
    door.view = [this](const std::string& run) { return outlets_->view(run); };
    door.import = [this](std::string csv, bool write, auto done) { outlets_->import(std::move(csv), write, std::move(done)); };
    control::bind_outlets(*dispatcher_, door);
    control_parts_->began = [this](const control::Caller& caller, const std::string& run) {
        return control::is_own_scan(*outlets_door_, caller, run);
    };
}

}  // namespace bkmon::app
