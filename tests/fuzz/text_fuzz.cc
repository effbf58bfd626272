// Sizes, durations, times, ids, patterns and paths from any text: each is refused with a sentence that can be shown, or read; and what was read
// says the same when it is written and read again. Input: a byte that picks the reader, then its text (two texts are parted by NUL).
#include <cmath>

#include "common/base/target_id.h"
#include "common/base/time.h"
#include "daemon/core/job_names.h"
#include "daemon/core/path_template.h"
#include "daemon/core/schedule.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace bkmon;

void sizes(std::string_view text) {
    const auto size = parse_size(text);
    if (!size) {
        MUST(fuzz::speaks(size.error()));
        return;
    }
    MUST(parse_size(std::to_string(*size)) == *size);
    // For people: within what one decimal leaves out.
    const auto words = size_words(*size);
    const double near = std::strtod(words.c_str(), nullptr);
    MUST(near >= 0 && near < 1024 && words.find(' ') != std::string::npos);
}

void durations(std::string_view text) {
    const auto d = parse_duration(text);
    if (!d) {
        MUST(fuzz::speaks(d.error()));
        return;
    }
    MUST(d->count() >= 0 && parse_duration(duration_text(*d)) == *d);
    MUST(!duration_words(*d).empty() && fuzz::fit_to_show(duration_words(-*d)));
}

void times(std::string_view text) {
    if (const auto t = parse_rfc3339(text)) {
        const auto written = rfc3339(*t);
        const auto again = parse_rfc3339(written);
        MUST(again.has_value());
        // Years beyond four digits are shown as the nearest moment.
        if (*t >= std::chrono::sys_days(std::chrono::year(0) / 1 / 1) && *t < std::chrono::sys_days(std::chrono::year(10000) / 1 / 1))
            MUST(*again == *t);
    } else {
        MUST(fuzz::speaks(t.error()));
    }
    for (const std::string_view zone : {"Europe/Berlin", "Pacific/Apia"}) {
        const auto t = core::from_civil(text, zone);
        if (!t) {
            MUST(fuzz::speaks(t.error()));
            continue;
        }
        // In a gap it moved on; else the zone shows what was asked for.
        const auto back = core::local_text(*t, zone);
        MUST(back.substr(0, 10) == core::local_date(*t, zone) &&
             back.substr(0, 16) >= std::string(text.substr(0, 10)) + " " + std::string(text.substr(11, 5)));
    }
}

void ids(std::string_view text) {
    const auto id = TargetId::parse(text);
    if (!id) {
        MUST(fuzz::speaks(id.error()));
        return;
    }
    const auto again = TargetId::parse(id->str());
    MUST(again && again->str() == id->str() && *again == *id && id->key() == lower(id->str()));
    MUST(fuzz::fit_to_show(id->str()) && id->kind() == id->str().substr(0, id->str().find('/')));
    const auto raw = text.substr(0, 64);
    const auto made = TargetId::of("deposit", {raw, "x"});
    if (!raw.empty()) MUST(TargetId::parse(made.str()) == made);
    MUST(encode_component(raw).find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-%") == std::string::npos);
}

/// The definition, in as few words as it has; exponential, so only for short ones.
bool matches(std::string_view pattern, std::string_view text) {
    if (pattern.empty()) return text.empty();
    if (pattern.front() == '*') return matches(pattern.substr(1), text) || (!text.empty() && matches(pattern, text.substr(1)));
    return !text.empty() && (pattern.front() == '?' || lower(pattern.substr(0, 1)) == lower(text.substr(0, 1))) &&
           matches(pattern.substr(1), text.substr(1));
}

void globs(std::string_view pattern, std::string_view text) {
    const bool hit = glob_match(pattern, text);
    const auto plain = [](std::string_view s, std::size_t most) {
        return s.size() <= most && std::all_of(s.begin(), s.end(), [](char c) { return c >= 0x20 && c < 0x7f && c != '[' && c != '\\'; });
    };
    if (plain(pattern, 12) && plain(text, 24)) MUST(hit == matches(pattern, text));
    MUST(glob_match("*", text));
    if (pattern.find_first_of("*?[\\") == std::string_view::npos && valid_utf8(pattern)) MUST(glob_match(pattern, pattern));
}

void paths(std::string_view text, std::string_view name) {
    const auto path = core::PathTemplate::parse(text);
    if (!path) {
        MUST(fuzz::speaks(path.error()));
        return;
    }
    const std::string raw(name);
    const core::PathFields fields{raw, "ACME", "CITY", "NORTH", raw, "2026", "01", "10", raw};
    const auto expanded = path->expand(fields);
    if (!expanded) {
        MUST(fuzz::speaks(expanded.error()));
    } else {
        for (const auto& component : split(*expanded, '/')) MUST(core::acceptable_component(component));
    }
    const core::ReachablePaths one(*path, fields), other(*path, {"B", "ACME", "CITY", "NORTH", "OTHER", "", "", "", ""});
    MUST(one.could_collide(one) && one.could_collide(other) == other.could_collide(one));
    MUST(one.fixed_components() <= one.size());
}

void patterns(std::string_view pattern, std::string_view database) {
    std::string year;
    const bool usable = core::check_database_pattern(pattern).has_value();
    if (!usable) MUST(fuzz::speaks(core::check_database_pattern(pattern).error()));
    if (core::database_matches(pattern, database, &year) && usable && core::check_database_pattern(database)) {
        MUST(core::patterns_overlap(pattern, database) && core::patterns_overlap(database, pattern));
        MUST(year == "{year}" || year.empty() || (year.size() == 4 && year.find_first_not_of("0123456789") == std::string::npos));
    }
    MUST(core::patterns_overlap(pattern, pattern) || !usable);
    MUST(core::split_agent(pattern).company.size() <= pattern.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    const auto which = input.byte() % 7;
    if (which == 0) sizes(input.rest());
    if (which == 1) durations(input.rest());
    if (which == 2) times(input.rest());
    if (which == 3) ids(input.rest());
    const auto first = which > 3 ? input.part() : std::string_view();
    if (which == 4) globs(first, input.rest());
    if (which == 5) paths(first, input.rest());
    if (which == 6) patterns(first, input.rest());
    return 0;
}
