#include "tests/unit/daemon/deposits/vault/sim_vault.h"

namespace bkmon::test {

using deposits::Taken;

namespace {

bool newest_is(SimVault& v, const std::string& bytes) {
    const auto known = v.known();
    return known && !known->healthy.empty() && known->healthy[0].current && known->healthy[0].sha256 == files::Sha256::of(bytes);
}

bool nothing_held(SimVault& v) {
    const auto known = v.known();
    return known && known->held.empty();
}

/// The version that was replaced is gone, its row is not.
bool pruned(SimVault& v) {
    const auto known = v.known();
    return known && known->healthy.size() == 2 && known->healthy[1].vault_path.empty();
}

bool hold(SimVault& v, const std::string& bytes, const std::string& path = "ACME/DB/db.gz") {
    v.deposit(bytes);
    auto t = v.take(bytes);
    return t.outcome == Taken::Outcome::copied && v.world->hold(t, path).has_value();
}

void promoted(SimVault& v, const std::string& bytes, const std::string& path = "ACME/DB/db.gz") {
    v.deposit(bytes);
    static_cast<void>(v.promote(bytes, path));
}

}  // namespace

const std::vector<Scenario>& scenarios() {
    static const std::vector<Scenario> all = [] {
        std::vector<Scenario> out;
        out.push_back({"first",
                       [](SimVault& v) { v.deposit("the first"); },
                       [](SimVault& v) { return v.promote("the first").has_value(); },
                       {},
                       [](SimVault& v) { return newest_is(v, "the first"); }});
        out.push_back({"replacing",
                       [](SimVault& v) {
                           promoted(v, "the first");
                           v.deposit("the second");
                       },
                       [](SimVault& v) { return v.promote("the second").has_value(); },
                       {"the first", "the second"},
                       [](SimVault& v) { return newest_is(v, "the second"); }});
        out.push_back({"another_path",
                       [](SimVault& v) {
                           promoted(v, "the first");
                           v.deposit("the second");
                       },
                       [](SimVault& v) { return v.promote("the second", "ACME/2027/db.gz").has_value(); },
                       {"the first", "the second"},
                       [](SimVault& v) { return newest_is(v, "the second"); }});
        out.push_back({"hold",
                       [](SimVault& v) {
                           promoted(v, "the first");
                           hold(v, "odd");
                       },
                       [](SimVault& v) { return hold(v, "odder"); },
                       {"the first"},
                       [](SimVault& v) {
                           const auto known = v.known();
                           return known && known->held.size() == 1 && known->held[0].sha256 == files::Sha256::of("odder");
                       }});
        out.push_back({"release",
                       [](SimVault& v) {
                           promoted(v, "the first");
                           hold(v, "odd");
                       },
                       [](SimVault& v) { return v.world->release(files::Sha256::of("odd")).has_value(); },
                       {"the first", "odd"},
                       [](SimVault& v) { return newest_is(v, "odd") && nothing_held(v); }});
        out.push_back({"reject",
                       [](SimVault& v) {
                           promoted(v, "the first");
                           hold(v, "odd");
                       },
                       [](SimVault& v) { return v.world->reject(files::Sha256::of("odd")).has_value(); },
                       {"the first"},
                       [](SimVault& v) { return nothing_held(v); }});
        out.push_back({"prune",
                       [](SimVault& v) {
                           promoted(v, "the first");
                           promoted(v, "the second");
                       },
                       [](SimVault& v) {
                           v.world->tidy();
                           v.loop.advance(std::chrono::hours(25));
                           v.world->tidy();
                           return v.world->done && !v.disk.dead() && pruned(v);
                       },
                       {"the second"},
                       &pruned});
        return out;
    }();
    return all;
}

const std::vector<Scenario>& all_scenarios() {
    static const std::vector<Scenario> all = [] {
        std::vector<Scenario> out = scenarios();
        const auto like = [&](const std::string& name, const std::string& as) -> Scenario& {
            for (const auto& s : scenarios())
                if (s.name == name) out.push_back(s);
            out.back().name = as;
            return out.back();
        };
        like("first", "birth").birth = true;
        like("first", "first_cloned").clones = true;
        like("replacing", "replacing_cloned").clones = true;
        out.push_back({"dated_keep_2",
                       [](SimVault& v) {
                           promoted(v, "the first", "ACME/DB/2026-11-20.gz");
                           promoted(v, "the second", "ACME/DB/2026-11-21.gz");
                           v.deposit("the third one");
                       },
                       [](SimVault& v) { return v.promote("the third one", "ACME/DB/2026-11-22.gz").has_value(); },
                       {"the second", "the third one"},
                       [](SimVault& v) { return newest_is(v, "the third one"); },
                       false,
                       2});
        out.push_back({"keep_3_prunes_the_fourth",
                       [](SimVault& v) {
                           for (const auto* bytes : {"the first", "the second", "the third one"}) promoted(v, bytes);
                           v.loop.advance(std::chrono::hours(25));
                           v.world->tidy();
                           v.deposit("the fourth");
                       },
                       [](SimVault& v) { return v.promote("the fourth").has_value(); },
                       {"the third one", "the fourth"},
                       [](SimVault& v) { return newest_is(v, "the fourth"); },
                       false,
                       3});
        out.push_back({"release_to_another_path",
                       [](SimVault& v) {
                           promoted(v, "the first");
                           hold(v, "odd", "ACME/2027/db.gz");
                       },
                       [](SimVault& v) { return v.world->release(files::Sha256::of("odd")).has_value(); },
                       {"the first", "odd"},
                       [](SimVault& v) { return newest_is(v, "odd") && nothing_held(v); }});
        out.push_back({"release_of_the_only_one",
                       [](SimVault& v) { hold(v, "odd"); },
                       [](SimVault& v) { return v.world->release(files::Sha256::of("odd")).has_value(); },
                       {"odd"},
                       [](SimVault& v) { return newest_is(v, "odd") && nothing_held(v); }});
        out.push_back({"held_expires",
                       [](SimVault& v) {
                           promoted(v, "the first");
                           hold(v, "odd");
                           v.loop.advance(std::chrono::hours(24 * 31));
                       },
                       [](SimVault& v) {
                           v.world->tidy();
                           v.loop.advance(std::chrono::hours(2));
                           v.world->tidy();
                           return !v.disk.dead() && nothing_held(v);
                       },
                       {"the first"},
                       &nothing_held});
        out.push_back({"consume",
                       [](SimVault& v) {
                           promoted(v, "the first");
                           v.deposit("the second");
                       },
                       [](SimVault& v) { return v.promote("the second").has_value() && v.consume(); },
                       {"the first", "the second"},
                       [](SimVault& v) { return newest_is(v, "the second"); }});
        out.push_back({"discard",
                       [](SimVault& v) {
                           promoted(v, "the first");
                           v.deposit("the second");
                       },
                       [](SimVault& v) {
                           auto taken = v.take("the second");
                           if (taken.outcome != Taken::Outcome::copied) return false;
                           bool gone = false;
                           v.world->vault->discard(taken, [&] { gone = true; });
                           v.loop.run_posted();
                           return gone && !v.disk.dead();
                       },
                       {"the first"},
                       [](SimVault& v) { return newest_is(v, "the first"); }});
        return out;
    }();
    return all;
}

}  // namespace bkmon::test
