#pragma once
#include "daemon/control/outlets_handlers.h"
#include "tests/unit/daemon/control/handlers_fixture.h"

namespace bkmon::test {

/// The handlers of outlets; what the part would do is written down, and answered as told.
class OutletsFixture : public HandlersFixture {
protected:
    OutletsFixture() {
        bind_outlets(dispatcher, door);
        parts.began = [this](const control::Caller& caller, const std::string& run) { return is_own_scan(door, caller, run); };
        outlet_settings.configured = true;
        for (const char* name : {"d-drive", "ibstorage"}) {
            core::OutletMode mode;
            mode.name = name;
            mode.folder = "BackupFull";
            mode.shares = {"d$"};
            mode.timezone = "Europe/Berlin";
            mode.schedules = {{"0 7 * * *", ""}, {"0 9 * * *", "pending"}};
            outlet_settings.modes.push_back(mode);
        }
        inventory.source = "/etc/bkmon/outlets.csv";
        inventory.read_at = loop.clock().now();
        std::vector<std::string> names;
        for (const char* code : {"SHOP1", "SHOP2", "YARD1"}) {
            views.push_back(active(code));
            for (const auto& in : views.back().modes) names.push_back(in.target.str());
        }
        outlets::OutletView closed;
        closed.outlet = {"CLOSED", "Closed Street", "10.0.0.9", false, {}};
        views.push_back(closed);
        define(names);
    }

    outlets::OutletView active(const std::string& code) const {
        outlets::OutletView view;
        view.outlet = {code, "Shop " + code, "10.0.0." + code.substr(4), true, {{"region", code[0] == 'S' ? "north" : "south"}}};
        for (const auto& mode : outlet_settings.modes) view.modes.push_back({mode.name, TargetId::of("outlet", {code, mode.name}), ""});
        view.modes.back().drive = "F:";
        return view;
    }
    static control::Caller shops(protocol::Role role = protocol::Role::oper) { return caller_with(role, {"outlet/SHOP*"}); }

    /// A scan that is under way.
    std::string begin_scan(const std::string& mode) {
        running = runs.begin("scan", mode, [] {});
        loop.run_posted();
        auto& view = scans[running->id()];
        view.run = running->id();
        view.mode = mode;
        view.date = "2026-11-22";
        view.total = 3;
        return running->id();
    }
    void progress(std::int64_t done, const std::string& text) {
        auto& view = scans[running->id()];
        view.done = done;
        view.last = text;
        running->progress(done, view.total, text);
        loop.advance(milliseconds(200));
    }
    void finish(const std::string& state, const std::string& why = "") {
        scans[running->id()].final = true;
        running->finish(state, why);
        loop.run_posted();
    }

    std::vector<outlets::OutletView> views;
    outlets::InventoryView inventory;
    core::OutletSettings outlet_settings;
    std::map<std::string, outlets::ScanView> scans;
    std::unique_ptr<runs::Run> running;
    std::vector<outlets::ScanRequest> asked;
    std::optional<Error> error;  ///< what the part says
    bool joins = false;
    std::vector<std::pair<std::string, bool>> imported;
    outlets::Part::Import import;
    bool configured = true;
    control::OutletsDoor door{loop,
                              store,
                              runs,
                              registry,
                              [this] { return configured; },
                              [this] { return views; },
                              [this] { return inventory; },
                              [this]() -> const core::OutletSettings& { return outlet_settings; },
                              [this](outlets::ScanRequest request) -> Result<outlets::Part::Begun> {
                                  asked.push_back(request);
                                  if (error) return fail(*error);
                                  if (!joins) begin_scan(request.mode);
                                  return outlets::Part::Begun{running->id(), joins};
                              },
                              [this](const std::string& run) -> std::optional<outlets::ScanView> {
                                  const auto it = scans.find(run);
                                  return it == scans.end() ? std::nullopt : std::optional(it->second);
                              },
                              [this](std::string csv, bool write, const std::function<void(Result<outlets::Part::Import>)>& done) {
                                  imported.emplace_back(std::move(csv), write);
                                  error ? done(fail(*error)) : done(import);
                              },
                              {}};
};

}  // namespace bkmon::test
