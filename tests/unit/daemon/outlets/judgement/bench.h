#pragma once
#include <string>

#include "daemon/outlets/judgement/judge.h"

namespace bkmon::outlets {

using namespace std::chrono_literals;

inline const Time kNow = from_ms(1'763'791'200'000);  // 2025-11-22T06:00:00Z

inline smb::FoundFile file_of(milliseconds age, std::string name = "SALES.bak", std::uint64_t size = 5 << 20) {
    return {std::move(name), size, kNow - age};
}

/// A backup that nothing speaks against.
inline mtf::Reading good_reading() {
    mtf::Reading r;
    r.form = mtf::Form::plain;
    r.whole = {mtf::Whole::whole, mtf::Sure::proven};
    r.kind = {mtf::Kind::full, mtf::Sure::proven};
    r.database = {"SALES", mtf::Sure::proven};
    r.server = {"SRV1", mtf::Sure::proven};
    r.started_at = kNow - 3h - 5min;
    r.finished_at = kNow - 3h;
    r.times = mtf::Sure::likely;
    r.sets = r.part = r.parts = 1;
    r.first_bytes = "54415045000003008c000e0100000000";
    r.claims = {{"is it a backup?", "yes", mtf::Sure::proven, "TAPE, SSET"}};
    return r;
}

/// An outlet, a mode and what was seen: healthy, until a test changes something.
struct Scene {
    Scene() {
        mode.name = "d-drive";
        mode.shares = {"d$"};
        mode.folder = "BackupFull";
        mode.timezone = "Europe/Madrid";
        mode.credential = {"svc_backup", "CORP", "", ""};
        outlet.code = "SHOP7";
        outlet.address = "10.1.2.3";
        outlet.labels = {{"region", "north"}};
        visit.outcome = smb::Outcome::listed;
        visit.share = "d$";
        visit.newest = file_of(3h);
        visit.files = 9;
        visit.matching = 4;
        visit.content = smb::Visit::Content::read;
        visit.reading = good_reading();
        visit.logins = 1;
        visit.took = 120ms;
        occasion.now = kNow;
        occasion.timezone = "Europe/Madrid";
    }
    Judged judged() const { return judge(mode, outlet, visit, occasion); }
    mtf::Reading& reading() { return *visit.reading; }
    void nothing_found() {
        visit.newest.reset();
        visit.reading.reset();
        visit.content = smb::Visit::Content::not_asked;
    }
    /// The second of two looks that saw the same.
    void seen_before() { occasion.earlier = visit.newest; }

    core::OutletMode mode;
    core::Outlet outlet;
    smb::Visit visit;
    Occasion occasion;
};

}  // namespace bkmon::outlets
