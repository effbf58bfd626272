#include "tests/unit/daemon/deposits/vault/crash_explorer.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace bkmon::test {

Explorer::Explorer(const Scenario& scenario, const Reach& reach, std::uint64_t seed)
    : scenario_(scenario), reach_(reach), random_(seed), v_(reach.history) {
    v_.keep = scenario.keep;
    v_.disk.can_clone(scenario.clones);
    if (scenario.birth) {
        scenario.before(v_);
    } else {
        v_.start();
        scenario.before(v_);
        if (auto bad = v_.wrong(); !bad.empty()) wrong({}, "before: " + bad);
        if (auto known = v_.known()) had_healthy_ = !known->healthy.empty();
        v_.crash(SimFiles::Loss::none, 0);  // what came before is old: it reached the disk long ago
    }
    before_ = v_.snapshot();
}

bool Explorer::enough() const { return seen_.states >= reach_.most || (reach_.stop_at_first && seen_.violations > 0); }

void Explorer::wrong(const Death& death, const std::string& what) {
    if (std::getenv("BKMON_VERBOSE") != nullptr) std::printf("%s%s: %s\n", scenario_.name.c_str(), death.where.c_str(), what.c_str());
    if (seen_.violations++ == 0) seen_.first = scenario_.name + death.where + ": " + what;
}

Seen Explorer::explore() {
    for (std::uint64_t k = 1; !enough(); k += reach_.every)
        if (!die_at(k)) break;
    return seen_;
}

std::vector<SimFiles::Synced> Explorer::syncs() {
    v_.restore(*before_);
    if (!scenario_.birth) v_.start();
    v_.disk.flush();
    v_.disk.ignore_sync(0);
    if (scenario_.birth) v_.start();
    static_cast<void>(scenario_.act(v_));
    return v_.disk.syncs();
}

/// False when the operation has no call k.
bool Explorer::die_at(std::uint64_t k) {
    v_.restore(*before_);
    if (!scenario_.birth) v_.start();
    v_.disk.die_at(k);
    v_.disk.ignore_sync(reach_.ignored_sync);
    if (scenario_.birth) v_.start();
    Death death;
    death.where = " at call " + std::to_string(k);
    death.acknowledged = v_.usable() && scenario_.act(v_);
    const bool died = v_.disk.dead();
    death.committed = death.acknowledged || (reach_.history == SimVault::History::memory && scenario_.happened(v_));
    if (!died && !death.acknowledged) wrong(death, "it fails undisturbed: " + v_.problem());
    const bool sync_was_left_out = v_.disk.syncs().size() >= reach_.ignored_sync;  // before that nothing is different
    v_.kill();
    if (!sync_was_left_out) return died;
    ++seen_.points;
    after(death);
    return died;
}

/// Everything that may be left of the death that just happened.
void Explorer::after(const Death& death) {
    const auto left = v_.snapshot();
    const auto doubts = v_.disk.doubts(reach_.halves);
    std::set<std::uint64_t> different;
    const auto is_new = [&] { return different.insert(v_.disk.fingerprint()).second; };
    back_to(*left, {});
    static_cast<void>(is_new());
    recover_from(death, *left, {});
    const Cut strict{&doubts, {}, true};
    back_to(*left, strict);
    if (is_new()) recover_from(death, *left, strict);
    const auto most = death.depth == 1 ? reach_.ways : reach_.ways_again;
    for (const auto& way : choose(doubts.ways, most)) {
        if (enough()) return;
        const Cut cut{&doubts, way, false};
        back_to(*left, cut);
        if (is_new()) recover_from(death, *left, cut);
    }
}

void Explorer::back_to(const SimVault::Snapshot& left, const Cut& cut) {
    v_.restore(left);
    if (cut.doubts == nullptr)
        v_.disk.process_died();
    else if (cut.strict)
        v_.disk.crash(SimFiles::Loss::by_directory, 0);
    else
        v_.disk.cut(*cut.doubts, cut.way);
}

std::string Explorer::shown(const SimVault::Snapshot& left, const Cut& cut) {
    if (cut.doubts == nullptr) return ", the process died";
    if (cut.strict) return ", power cut leaves what was synced";
    v_.restore(left);
    return ", power cut leaves (" + v_.disk.shown(*cut.doubts, cut.way) + ")";
}

/// All combinations where they are few; else nothing and everything lost, each thing alone lost and alone kept, and random ones.
std::vector<std::vector<std::size_t>> Explorer::choose(const std::vector<std::size_t>& ways, std::size_t most) {
    std::size_t all = 1;
    for (const auto n : ways) all = std::min(all * n, most + 1);
    std::vector<std::vector<std::size_t>> out;
    std::vector<std::size_t> way(ways.size(), 0);
    if (all <= most) {
        for (std::size_t i = 0; i < all; ++i) {
            out.push_back(way);
            for (std::size_t d = 0; d < way.size() && ++way[d] == ways[d]; ++d) way[d] = 0;
        }
        return out;
    }
    std::set<std::vector<std::size_t>> chosen;
    const auto add = [&] {
        if (out.size() < most && chosen.insert(way).second) out.push_back(way);
    };
    const auto last = [&](std::size_t d) { way[d] = ways[d] - 1; };
    for (std::size_t d = 0; d < ways.size(); ++d) last(d);
    add();
    std::fill(way.begin(), way.end(), 0);
    add();
    for (std::size_t only = 0; only < ways.size() && out.size() < most / 2; ++only) {
        std::fill(way.begin(), way.end(), 0);
        last(only);
        add();
        for (std::size_t d = 0; d < ways.size(); ++d) last(d);
        way[only] = 0;
        add();
    }
    for (std::size_t tries = 0; out.size() < most && tries < most * 4; ++tries) {
        for (std::size_t d = 0; d < ways.size(); ++d) way[d] = random_() % ways[d];
        add();
    }
    return out;
}

void Explorer::recover_from(const Death& death, const SimVault::Snapshot& left, const Cut& cut) {
    ++seen_.states;
    const auto bad = judge(death);
    // Recoveries of the kinds of death that differ most die too.
    const bool all_kept = cut.way == std::vector<std::size_t>(cut.way.size(), 0);
    const bool recovery_too = death.depth == 1 && reach_.every_again != 0 && (all_kept || cut.strict || random_() % 8 == 0);
    if (bad.empty() && !recovery_too) return;
    Death told = death;
    told.where += shown(left, cut);
    if (!bad.empty()) wrong(told, bad);
    if (recovery_too) recovery_dies(told, left, cut);
}

void Explorer::recovery_dies(const Death& death, const SimVault::Snapshot& left, const Cut& cut) {
    for (std::uint64_t k = 1 + random_() % reach_.every_again; !enough(); k += reach_.every_again) {
        back_to(left, cut);
        v_.disk.die_at(k);
        v_.start();
        const bool died = v_.disk.dead();
        v_.kill();
        if (!died) return;
        ++seen_.points;
        Death again = death;
        again.depth = 2;
        again.where += ", recovery died at call " + std::to_string(k);
        after(again);
    }
}

/// A daemon starts on what is left. What must be true then, and after the next power cut, and after the same thing is done again.
std::string Explorer::judge(const Death& death) {
    if (auto bad = v_.wrong_at_once(scenario_.healthy_before); !bad.empty()) return bad;
    v_.start();
    if (!v_.usable()) return "not usable: " + v_.problem();
    if (auto bad = v_.wrong(); !bad.empty()) return bad;
    const bool happened = scenario_.happened(v_);
    if (death.committed && !happened) return "R3: it was acknowledged or in the history, and is not any more";
    if (auto bad = once_more(); !bad.empty()) return bad;
    if (happened != scenario_.happened(v_)) return "a second power cut changed the outcome";
    if (happened) return {};
    if (!scenario_.act(v_)) return "it cannot be done again: " + v_.problem();
    if (auto bad = once_more(); !bad.empty()) return "done again: " + bad;
    return scenario_.happened(v_) ? "" : "done again, and lost";
}

/// Nothing may rest on what is only in memory: what was not synced is gone, and everything is right still.
std::string Explorer::once_more() {
    v_.kill();
    const auto doubts = v_.disk.doubts(reach_.halves);
    std::vector<std::size_t> nothing;
    for (const auto n : doubts.ways) nothing.push_back(n - 1);
    v_.disk.cut(doubts, nothing);
    if (auto bad = v_.wrong_at_once(scenario_.healthy_before); !bad.empty()) return "after a power cut: " + bad;
    v_.start();
    if (!v_.usable()) return "not usable after another power cut: " + v_.problem();
    if (auto bad = v_.wrong(); !bad.empty()) return "after another power cut: " + bad;
    const auto known = v_.known();
    return had_healthy_ && (!known || known->healthy.empty()) ? "R2: the history forgot every healthy one" : "";
}

}  // namespace bkmon::test
