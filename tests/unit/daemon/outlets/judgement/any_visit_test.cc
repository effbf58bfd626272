// Whatever was seen gives one verdict that may be shown, and never an `ok` without a fresh file.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <random>

#include "common/base/text.h"
#include "daemon/core/reason_codes.h"
#include "tests/support/facts.h"
#include "tests/unit/daemon/outlets/judgement/bench.h"

namespace bkmon::outlets {
namespace {

using core::Status;
using mtf::Sure;
using What = Judged::What;

class Dice {
public:
    explicit Dice(std::uint64_t seed) : engine_(seed) {}
    std::int64_t upto(std::int64_t n) { return std::uniform_int_distribution<std::int64_t>(0, n)(engine_); }
    bool one_in(int n) { return upto(n - 1) == 0; }
    template <class E>
    E any(E last) {
        return static_cast<E>(upto(static_cast<std::int64_t>(last)));
    }
    std::string text() {
        if (one_in(3)) return "SALES";
        std::string out;
        for (auto n = upto(40); n > 0; --n) out += static_cast<char>(upto(255));
        return out;
    }
    /// Around now, at the edges, or anywhere that a clamped time may be.
    Time time() {
        if (one_in(8)) return from_ms(upto(253'402'300'799'999));
        if (one_in(4)) return kNow - milliseconds(upto(20000));
        return kNow - milliseconds(upto(400'000'000)) + 4h;
    }
    smb::FoundFile file() { return {text(), one_in(4) ? UINT64_MAX : static_cast<std::uint64_t>(upto(1 << 30)), time()}; }

private:
    std::mt19937_64 engine_;
};

mtf::Reading any_reading(Dice& d) {
    mtf::Reading r;
    r.form = d.any(mtf::Form::nothing);
    r.whole = {d.any(mtf::Whole::aborted), d.any(Sure::proven)};
    r.why = d.text();
    r.kind = {d.any(mtf::Kind::copy_only), d.any(Sure::proven)};
    r.database = {d.text(), d.any(Sure::proven)};
    r.server = {d.text(), d.any(Sure::proven)};
    if (d.one_in(2)) r.started_at = d.time();
    if (d.one_in(2)) r.finished_at = d.time();
    r.times = d.any(Sure::proven);
    r.sets = static_cast<int>(d.upto(3));
    r.parts = static_cast<int>(d.upto(3));
    r.first_bytes = d.one_in(2) ? d.text() : "1f8b0800";
    for (auto n = d.upto(2); n > 0; --n) r.claims.push_back({d.text(), d.text(), d.any(Sure::proven), d.text()});
    return r;
}

Scene any_scene(Dice& d) {
    Scene s;
    s.visit = {};
    s.visit.outcome = d.one_in(2) ? smb::Outcome::listed : d.any(smb::Outcome::internal);
    s.visit.detail = d.text();
    s.visit.share = d.one_in(2) ? "e$" : d.text();
    for (auto* file : {&s.visit.newest, &s.visit.future, &s.visit.largest_too_small, &s.occasion.earlier})
        if (!d.one_in(3)) *file = d.file();
    if (d.one_in(2)) s.occasion.earlier = s.visit.newest;
    for (auto* count : {&s.visit.files, &s.visit.matching, &s.visit.too_small, &s.visit.in_future}) *count = static_cast<std::uint64_t>(d.upto(3));
    s.visit.content = d.any(smb::Visit::Content::changed);
    s.visit.content_detail = d.text();
    if (d.one_in(2)) s.visit.reading = any_reading(d);
    if (d.one_in(4)) s.mode.max_age.reset();
    if (d.one_in(4)) s.mode.database = d.one_in(2) ? d.text() : "{code}*{label:region}";
    if (d.one_in(4)) s.mode.kinds = {"full"};
    if (d.one_in(4)) s.occasion.back_date = d.time();
    s.occasion.tries = static_cast<int>(d.upto(2));
    s.occasion.other_drive = d.one_in(4) ? d.text() : "";
    s.outlet.code = s.outlet.address = d.text();
    return s;
}

bool fit_to_show(const std::string& text) {
    std::string slashes = text;
    std::replace(slashes.begin(), slashes.end(), '\\', '/');
    return printable(slashes, slashes.size() + 1) == slashes;
}

void expect_right(const Scene& s) {
    const auto j = s.judged();
    const auto& v = j.verdict;
    EXPECT_NE(core::find_reason(v.reason_code), nullptr) << v.reason_code;
    EXPECT_TRUE(!v.reason.empty() && fit_to_show(v.reason)) << v.reason;
    EXPECT_LT(v.reason.size(), 4000U);
    EXPECT_TRUE(fit_to_show(v.file) && fit_to_show(v.place) && nlohmann::json::accept(v.evidence));
    EXPECT_EQ(v.severity, severity_of(v.status));
    EXPECT_EQ(j.what == What::verdict, v.status != Status::unknown);
    if (j.what != What::verdict) {
        EXPECT_TRUE(s.visit.newest && !s.occasion.back_date) << "only a file grows, and not in the past";
        EXPECT_TRUE(j.what == What::growing || !s.occasion.earlier) << "never a third look";
        return;
    }
    const bool listed = s.visit.outcome == smb::Outcome::listed;
    EXPECT_EQ(v.status == Status::unreachable, !listed && v.status != Status::missing);
    if (v.status != Status::ok) return;
    ASSERT_TRUE(listed && s.visit.newest && !s.visit.future);
    const auto reference = s.occasion.back_date.value_or(s.occasion.now);
    EXPECT_TRUE(!s.mode.max_age || reference - s.visit.newest->modified < *s.mode.max_age);
    if (s.visit.content == smb::Visit::Content::read && s.visit.reading) {
        const auto& r = *s.visit.reading;
        EXPECT_NE(r.form, mtf::Form::zeros);
        const bool sql_server = r.form == mtf::Form::plain || r.form == mtf::Form::packed;
        EXPECT_FALSE(sql_server && r.whole.sure == Sure::proven && r.whole.value > mtf::Whole::whole);
    }
}

TEST(AnyVisitSweep, GivesOneVerdictThatMayBeShown) {
    const char* given = std::getenv("BKMON_SEED");
    const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : 20251122;
    const int rounds = test::full_sweep() ? 400000 : 20000;
    for (int i = 0; i < rounds && !testing::Test::HasFailure(); ++i) {
        Dice dice(seed + static_cast<std::uint64_t>(i));
        SCOPED_TRACE("BKMON_SEED=" + std::to_string(seed + static_cast<std::uint64_t>(i)));
        expect_right(any_scene(dice));
    }
    test::fact("visits_judged", {{"visits", rounds}, {"wrong", testing::Test::HasFailure() ? 1 : 0}});
}

}  // namespace
}  // namespace bkmon::outlets
