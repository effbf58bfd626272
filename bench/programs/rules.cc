// What alert rules and silences cost: each of so many targets, with a verdict that needs an alert, is asked which rule applies to it, whether a
// silence covers it and until when, in the portions that bkmond takes in one turn of its loop.
//   rules TARGETS TURN    prints the seconds of all of them, of the longest portion, and how many of them are mailed, in the digest, not at all,
//   silenced
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "daemon/alerts/rules/decide.h"
#include "daemon/alerts/rules/silence.h"

namespace {

using namespace bkmon;
using Mail = core::AlertRule::Mail;
using Steady = std::chrono::steady_clock;

constexpr std::array<core::Status, 4> kBad{core::Status::failed, core::Status::missing, core::Status::corrupt, core::Status::warning};
constexpr std::array<const char*, 8> kRegions{"north", "south", "east", "west", "centre", "islands", "coast", "border"};
constexpr std::array<const char*, 3> kTiers{"gold", "silver", "test"};

struct Target {
    TargetId id;
    core::Labels labels;
    core::Verdict verdict;
};

std::string two(std::size_t n) { return (n < 10 ? "0" : "") + std::to_string(n); }

std::vector<Target> targets(std::size_t count) {
    std::vector<Target> all;
    all.reserve(count);
    for (std::size_t n = 0; n < count; ++n) {
        const std::string region = kRegions.at(n / 20 % kRegions.size());
        const auto agent = "SHOP_" + region + "_" + std::to_string(n / 20), database = "MAIN" + two(n % 20);
        const auto status = kBad.at(n % kBad.size());
        all.push_back(
            {TargetId::of("deposit", {agent, database}),
             {{"region", region}, {"tier", kTiers.at(n % kTiers.size())}, {"city", "city-" + std::to_string(n / 200)}},
             core::plain_verdict(status, "agent_failed", "the agent says that its backup failed: disk full", Time{} + std::chrono::hours(500000))});
    }
    return all;
}

/// Twenty, of every kind that there is. Most targets fit none but the last: all are looked at.
core::AlertSettings settings() {
    core::AlertSettings s;
    for (std::size_t n = 0; n < 6; ++n) {
        core::AlertRule by_name, by_label, by_both;
        by_name.kinds = {"deposit"};
        by_name.targets = {"deposit/*_" + std::to_string(n) + "7*/MAIN" + two(n), "deposit/HEAD_OFFICE_*/*"};
        by_name.to = {"names@example.org"};
        by_label.labels = {{"region", kRegions.at(n)}, {"city", "city-" + std::to_string(n) + "*"}};
        by_label.statuses = {core::Status::failed, core::Status::corrupt};
        by_label.after = 2;
        by_both.kinds = {"mysql*", "dep*"};
        by_both.labels = {{"tier", "test"}, {"region", std::string("*") + kRegions.at(n + 1)}};
        by_both.mail = Mail::digest;
        s.rules.insert(s.rules.end(), {by_name, by_label, by_both});
    }
    core::AlertRule tests, rest;
    tests.labels = {{"tier", "test"}};
    tests.mail = Mail::never;
    rest.to = {"everybody-else@example.org"};
    s.rules.insert(s.rules.end(), {tests, rest});
    return s;
}

std::vector<core::Silence> silences() {
    std::vector<core::Silence> all(5);
    all[0].targets = {"deposit/SHOP_coast_1*/*"};
    all[1].labels = {{"city", "city-42*"}};
    all[1].windows = {"mon-fri 22:00-06:00", "sat 00:00-24:00"};
    all[1].timezone = "Europe/Madrid";
    all[2].kinds = {"mysql"};
    all[3].targets = {"deposit/*/MAIN07"};
    all[3].until = Time{} + std::chrono::hours(500002);
    all[4].labels = {{"region", "border"}};
    all[4].windows = {"sun 02:00-08:00"};
    all[4].timezone = "America/Bogota";
    return all;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) return 2;
    const auto all = targets(std::strtoul(argv[1], nullptr, 10));
    const auto turn = std::max(std::strtoul(argv[2], nullptr, 10), 1UL);
    const auto rules = settings();
    const alerts::Silences quiet(silences());
    const std::vector<std::string> everybody{"ops@example.org"}, nobody;
    const auto now = Time{} + std::chrono::hours(500001);
    std::array<std::size_t, 3> mails{};
    std::size_t silenced = 0, ending = 0;
    Steady::duration total{}, longest{};
    for (std::size_t from = 0; from < all.size(); from += turn) {
        const auto began = Steady::now();
        for (std::size_t i = from; i < std::min(all.size(), from + turn); ++i) {
            const auto& t = all[i];
            ++mails.at(static_cast<std::size_t>(alerts::decide(rules, everybody, {t.id, t.labels, nobody}, t.verdict).mail));
            if (!quiet.covering(t.id, t.labels, now)) continue;
            ++silenced;
            ending += quiet.next_change(t.id, t.labels, now) ? 1U : 0U;
        }
        const auto took = Steady::now() - began;
        total += took;
        longest = std::max(longest, took);
    }
    const auto seconds = [](Steady::duration d) { return std::chrono::duration<double>(d).count(); };
    std::printf("%.6f %.6f %zu %zu %zu %zu %zu\n", seconds(total), seconds(longest), mails[0], mails[1], mails[2], silenced, ending);
    return all.empty() || silenced == 0 || mails[0] == 0 || mails[1] == 0 || mails[2] == 0 ? 1 : 0;
}
