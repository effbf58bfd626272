#include "samples.h"

#include <fmt/format.h>

#include "daemon/core/reason_codes.h"

namespace bkmon::alerts {
namespace {

using core::Severity;
using core::Status;
using std::chrono::hours;
using std::chrono::minutes;

TargetId id(const std::string& text) { return TargetId::parse(text).value(); }

DigestItem item(const std::string& target, Status status, const std::string& code, const std::string& reason) {
    DigestItem i;
    i.target = id(target);
    i.status = status;
    i.severity = core::severity_of(status);
    i.reason_code = code;
    i.reason = reason;
    i.since = sample_now() - hours(5);
    return i;
}

void add_problems(DigestStory& s) {
    s.fresh.push_back(item("deposit/sirpacam_douala_newbell/SDMC_2023", Status::missing, "no_report",
                           "No report came for the backup that was due at 2026-11-22 03:00 WAT."));
    s.fresh.push_back(
        item("deposit/sirpacam_bafoussam/SDMC_2023", Status::corrupt, "broken_archive", "SDMC_2023.sql.gz: the data is damaged at byte 18,874,368."));
    s.open.push_back(
        item("deposit/sirpacam_garoua/COMPTA", Status::unreachable, "deposit_unavailable", "The folder cannot be read: Input/output error."));
    s.open.back().since = sample_now() - hours(80);
    s.open.back().acked_by = "anna";
    s.open.back().note = "new disk ordered";
    s.held.push_back(item("deposit/sirpacam_kribi/SDMC_2023", Status::held, "size_band", "2.1 MiB where 180.0 MiB to 220.5 MiB are usual."));
    s.held.back().sha256 = std::string(64, 'c');
    s.recovered.push_back(item("deposit/sirpacam_edea/SDMC_2023", Status::missing, "no_report", ""));
    s.recovered.back().lasted = hours(9) + minutes(12);
    s.failed_mails = 2;
    s.silences.push_back({"deposit/sirpacam_limbe/*", sample_now() + hours(10), "anna", "power works in the street", 3});
}

}  // namespace

Time sample_now() { return parse_rfc3339("2026-11-22T07:00:00Z").value(); }

Told sample_told(const std::string& target, Status status, const std::string& code) {
    Told t;
    t.target = id(target);
    t.status = status;
    t.severity = core::severity_of(status);
    t.reason_code = code;
    t.problem_at = sample_now() - hours(4);
    t.last_ok_at = sample_now() - hours(28);
    return t;
}

Story sample_story(Word word, Language language) {
    Story s;
    s.language = language;
    s.site = "main";
    s.timezone = "Africa/Douala";
    s.version = "0.4.0";
    s.now = sample_now();
    s.word = word;
    auto t = sample_told("deposit/sirpacam_douala_newbell/SDMC_2023", Status::missing, "no_report");
    t.reason = "No report came for the backup that was due at 2026-11-22 03:00 WAT; the last one came 2026-11-21 02:58 WAT.";
    t.due = sample_now() - hours(5);
    if (word == Word::worse || word == Word::better) t.before = word == Word::worse ? Status::held : Status::corrupt;
    if (word == Word::reminder) t.problem_at = sample_now() - hours(76);
    if (word == Word::recovered) {
        t.before = t.status;
        t.status = Status::ok;
        t.severity = Severity::ok;
        t.reason_code = "promoted";
        t.reason = "SDMC_2023.sql.gz, 188.2 MiB, made 2026-11-22 06:41 WAT, is in the vault.";
        t.lasted = hours(3) + minutes(48);
        t.backup_at = sample_now() - minutes(19);
        t.file = "SDMC_2023.sql.gz";
        t.size_bytes = 197342101;
        t.last_ok_at = sample_now();
    }
    s.severity = t.severity;
    s.told.push_back(std::move(t));
    return s;
}

Story sample_group(Word word, Language language) {
    auto s = sample_story(word, language);
    s.told.clear();
    s.trait = "region";
    s.value = "north";
    s.of = 214;
    s.severity = Severity::critical;
    for (int i = 0; i < 212; ++i) {
        auto t = sample_told(fmt::format("deposit/outlet_{:03}/SDMC_2023", i), Status::unreachable, "deposit_unavailable");
        t.reason = fmt::format("The folder of outlet_{:03} cannot be read: the login was refused.", i);
        if (word == Word::recovered) {
            t.before = t.status;
            t.status = Status::ok;
            t.severity = Severity::ok;
            t.lasted = minutes(40);
        }
        s.told.push_back(std::move(t));
    }
    return s;
}

DigestStory sample_digest(bool good, Language language) {
    DigestStory s;
    s.language = language;
    s.site = "main";
    s.timezone = "Africa/Douala";
    s.version = "0.4.0";
    s.now = sample_now();
    s.next = sample_now() + hours(24);
    const auto count = [&](Status status, std::size_t n) { s.counts[static_cast<std::size_t>(status)] = n; };
    count(Status::ok, good ? 206 : 199);
    count(Status::unchanged, 8);
    for (int day = 16; day <= 22; ++day) {
        const std::size_t bad = good || day < 18 ? 0 : day == 19 ? 96 : day == 22 ? 4 : 1;
        s.days.push_back({fmt::format("2026-11-{}", day), 214 - bad - (good ? 0 : 3), bad, 214});
    }
    for (int i = 0; i < 3; ++i)
        s.oldest.push_back({id(fmt::format("deposit/sirpacam_outlet_{}/SDMC_2023", i)), sample_now() - hours(good ? 26 - i : 80 - 20 * i)});
    if (good) return s;
    s.oldest.insert(s.oldest.begin(), {id("deposit/sirpacam_new/SDMC_2023"), std::nullopt});
    count(Status::missing, 1);
    count(Status::corrupt, 1);
    count(Status::unreachable, 1);
    count(Status::held, 1);
    count(Status::late, 2);
    count(Status::paused, 1);
    add_problems(s);
    return s;
}

namespace {

Story held(Language language) {
    auto s = sample_story(Word::opened, language);
    auto& t = s.told.front();
    t.status = Status::held;
    t.severity = s.severity = Severity::warning;
    t.reason_code = "size_band";
    t.reason = "SDMC_2023.sql.gz has 2.1 MiB where 180.0 MiB to 220.5 MiB are usual.";
    t.file = "SDMC_2023.sql.gz";
    t.size_bytes = 2202009;
    t.sha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    return s;
}

Story of_history(Language language) {
    auto s = sample_story(Word::opened, language);
    auto t = sample_told("bkmon/history", Status::failed, "history_unwritable");
    t.reason = "/var/lib/bkmon/history.db cannot be written: No space left on device.";
    t.last_ok_at.reset();
    s.told = {t};
    return s;
}

Story reminder(Language language) {
    auto s = sample_story(Word::reminder, language);
    s.suppressed = 7;
    s.silenced = SilenceTold{"deposit/*", sample_now(), "anna", "move of the servers", 0};
    return s;
}

Story mixed(Language language) {
    auto s = sample_story(Word::opened, language);
    s.told.push_back(sample_told("deposit/sirpacam_bafoussam/COMPTA_GENERALE_2024", Status::missing, "not_in_report"));
    s.told.back().reason = "The report of 2026-11-22 03:02 WAT does not name COMPTA_GENERALE_2024.";
    s.told.push_back(sample_told("deposit/sirpacam_kribi/SDMC_2023", Status::missing, "no_report"));
    s.told.back().last_ok_at.reset();
    s.acked_by = "anna";
    s.note = "is looking after it";
    return s;
}

/// Nothing that a line could be folded at.
Story endless(Language language) {
    auto s = held(language);
    auto& t = s.told.front();
    t.target = TargetId::of("deposit", {std::string(120, 'a'), std::string(90, 'W')});
    t.file = std::string(200, 'W') + ".sql.gz";
    t.evidence = {{std::string(80, 'L'), std::string(500, 'V')}};
    s.site = std::string(90, 's');
    return s;
}

}  // namespace

std::vector<Sample> all_samples() {
    std::vector<Sample> out;
    for (const auto l : {Language::en, Language::es, Language::fr}) {
        const auto add = [&](const std::string& name, Result<Composed> mail) { out.push_back({name + "-" + std::string(code_of(l)), mail.value()}); };
        for (const auto word : {Word::opened, Word::worse, Word::better, Word::recovered, Word::flapping})
            add(std::string(name_of(word)), compose(sample_story(word, l)));
        add("reminder", compose(reminder(l)));
        add("group", compose(sample_group(Word::opened, l)));
        add("group-recovered", compose(sample_group(Word::recovered, l)));
        add("mixed", compose(mixed(l)));
        add("held", compose(held(l)));
        add("endless", compose(endless(l)));
        add("history", compose(of_history(l)));
        add("test", compose_test({l, "main", "Africa/Douala", "0.4.0", sample_now(), "anna"}));
        add("digest-good", compose_digest(sample_digest(true, l)));
        add("digest-bad", compose_digest(sample_digest(false, l)));
    }
    return out;
}

}  // namespace bkmon::alerts
