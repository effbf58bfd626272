// Times in which nothing is mailed about some targets.
#include <fmt/format.h>

#include <algorithm>

#include "common/base/text.h"
#include "daemon/alerts/rules/decide.h"
#include "daemon/control/alerts_handlers.h"
#include "daemon/control/glob_within.h"
#include "daemon/control/moments.h"
#include "daemon/control/rows_json.h"
#include "daemon/control/selection.h"
#include "daemon/core/schedule.h"
#include "daemon/core/weekly.h"

namespace bkmon::control {

namespace {

using CallPtr = std::shared_ptr<Call>;

constexpr std::size_t kMostItems = 100;  // of one list of a silence
constexpr std::size_t kLongestItem = 300;
constexpr int kMostOpen = 20000;  // incidents looked at for what is hidden

bool covers(const core::Silence& silence, const targets::Target& target) {
    return alerts::selects(silence.kinds, silence.targets, silence.labels, target.spec.id, target.spec.labels);
}

/// From its beginning to its end, and in one of its windows, if it has some.
bool in_force(const core::Silence& silence, Time now) {
    if ((silence.from && now < *silence.from) || (silence.until && now >= *silence.until)) return false;
    if (silence.windows.empty()) return true;
    std::vector<core::WeeklyWindow> windows;
    for (const auto& text : silence.windows) {
        const auto window = core::parse_window(text);
        if (!window) return false;  // it covers nothing: rather a mail too many
        windows.push_back(*window);
    }
    const auto zone = core::find_zone(silence.timezone);
    return zone && core::inside(windows, *zone, now);
}

/// Nothing but what the caller may touch can be covered, now and later. No where that cannot be seen.
bool lies_within(const core::Silence& silence, const Caller& caller) {
    if (caller.targets.empty()) return true;
    const auto allowed = [&](const std::string& glob) {
        return std::any_of(caller.targets.begin(), caller.targets.end(), [&](const std::string& own) { return glob_within(glob, own); });
    };
    return !silence.targets.empty() && std::all_of(silence.targets.begin(), silence.targets.end(), allowed);
}

// ---- Silence

/// Reads one; every false has answered the call.
class SilenceRequest {
public:
    SilenceRequest(AlertsDoor& door, Call& call) : door_(door), call_(call) {}

    bool read() {
        silence_.at = door_.clock.now();
        silence_.by = by_text(call_.caller());
        return read_lists() && read_reason() && read_times() && read_targets() && may_be() && means_something();
    }
    core::Silence take() { return std::move(silence_); }

private:
    bool refuse(std::string_view parameter, const std::string& why) {
        call_.invalid(parameter, why);
        return false;
    }
    bool read_list(std::string_view name, std::vector<std::string>& into) {
        auto list = call_.params().strings(name);
        if (!list) return refuse(name, list.error().what);
        into = list->value_or(std::vector<std::string>{});
        if (into.size() > kMostItems) return refuse(name, "at most 100");
        for (const auto& item : into)
            if (item.empty() || item.size() > kLongestItem) return refuse(name, "each has from 1 to 300 bytes");
        return true;
    }
    bool read_lists() {
        std::vector<std::string> labels;
        if (!read_list("targets", silence_.targets) || !read_list("kinds", silence_.kinds) || !read_list("labels", labels)) return false;
        for (const auto& label : labels) {
            const auto equals = label.find('=');
            if (equals == std::string::npos || equals == 0) return refuse("labels", fmt::format("'{}' is not key=value", printable(label, 64)));
            if (!silence_.labels.emplace(label.substr(0, equals), label.substr(equals + 1)).second)
                return refuse("labels", fmt::format("'{}' is there twice", printable(label.substr(0, equals), 64)));
        }
        if (!read_list("windows", silence_.windows)) return false;
        for (const auto& window : silence_.windows)
            if (const auto good = core::parse_window(window); !good) return refuse("windows", good.error().what);
        return true;
    }
    bool read_reason() {
        const auto given = call_.params().string("reason");
        silence_.reason = given && *given ? trim(**given) : "";
        if (!silence_.reason.empty() && silence_.reason.size() <= kMostNote) return true;
        return refuse("reason", "say why, in at most 500 bytes: others will read it");
    }
    bool read_moment(std::string_view name, const std::optional<std::string>& text, std::optional<Time>& into) {
        if (!text || text->empty()) return true;
        const auto moment = parse_moment(*text, door_.settings().timezone, silence_.at, Sense::until);
        if (!moment) return refuse(name, moment.error().what);
        into = *moment;
        return true;
    }
    bool read_times() {
        const auto from = call_.params().string("from"), until = call_.params().string("until"), zone = call_.params().string("timezone");
        if (!from) return refuse("from", from.error().what);
        if (!until) return refuse("until", until.error().what);
        if (!zone) return refuse("timezone", zone.error().what);
        silence_.timezone = zone->value_or(door_.settings().timezone);
        if (!core::zone_exists(silence_.timezone))
            return refuse("timezone", fmt::format("there is no time zone '{}'; write one like Europe/Berlin", printable(silence_.timezone, 64)));
        if (!read_moment("from", *from, silence_.from) || !read_moment("until", *until, silence_.until)) return false;
        if (!silence_.until) return refuse("until", "say when it ends: it must end by itself");
        if (!silence_.from) silence_.from = silence_.at;
        if (*silence_.until <= silence_.at) return refuse("until", fmt::format("{} has passed already", rfc3339(*silence_.until)));
        if (*silence_.until <= *silence_.from) return refuse("until", "it would end before it begins");
        return true;
    }
    /// Single ones by any of their names, as everywhere; globs as they are.
    bool read_targets() {
        for (auto& target : silence_.targets) {
            if (!is_literal(target)) {
                const auto all = door_.registry.match({target}, "");
                const auto mine = [&](const targets::Target* t) { return call_.caller().may_touch(t->spec.id.str()); };
                if (std::any_of(all.begin(), all.end(), mine)) continue;
                return refuse_unknown(door_.registry, target, call_), false;
            }
            const auto* one = find_or_refuse(door_.registry, target, call_);
            if (one == nullptr) return false;
            target = one->spec.id.str();
        }
        return true;
    }
    bool may_be() {
        if (lies_within(silence_, call_.caller())) return true;
        std::string own;
        for (const auto& glob : call_.caller().targets) own += (own.empty() ? "" : ", ") + printable(glob, 100);
        return refuse("targets", fmt::format("you may silence only what lies within {}: name targets or globs of those", own));
    }
    /// A silence that covers nothing is a mistake that would be noticed in the night.
    bool means_something() {
        const auto all = door_.registry.match(silence_.targets, "");
        if (std::any_of(all.begin(), all.end(), [&](const targets::Target* t) { return covers(silence_, *t); })) return true;
        return refuse(silence_.labels.empty() ? "kinds" : "labels", "there is no target that fits all of this");
    }

    AlertsDoor& door_;
    Call& call_;
    core::Silence silence_;
};

// ---- Silences

/// Hidden: targets with an open problem that a silence in force covers.
std::int64_t hidden_by(const AlertsDoor& door, const core::Silence& silence, const std::vector<core::Incident>& open, const Caller& caller) {
    return std::count_if(open.begin(), open.end(), [&](const core::Incident& incident) {
        const auto* target = caller.may_touch(incident.target.str()) ? door.registry.find(incident.target) : nullptr;
        return target != nullptr && covers(silence, *target);
    });
}

/// Of the targets a silence names, those that the caller may know of; nullopt: it is none of his business.
std::optional<std::vector<std::string>> seen_targets(const AlertsDoor& door, const core::Silence& silence, const Caller& caller) {
    if (caller.targets.empty()) return silence.targets;
    const auto mine = [&](const targets::Target* t) { return caller.may_touch(t->spec.id.str()) && covers(silence, *t); };
    const auto any_mine = [&](const std::vector<std::string>& globs) {
        const auto all = door.registry.match(globs, "");
        return std::any_of(all.begin(), all.end(), mine);
    };
    std::vector<std::string> seen;
    for (const auto& glob : silence.targets)
        if (any_mine({glob})) seen.push_back(glob);
    if (seen.empty() && (!silence.targets.empty() || !any_mine({}))) return std::nullopt;
    return seen;
}

void put_list(JsonWriter& w, std::string_view name, const std::vector<std::string>& items) {
    w.key(name).begin_array();
    for (const auto& item : items) w.value(item);
    w.end_array();
}

void put_silence(JsonWriter& w, const AlertsDoor& door, const core::Silence& s, const std::vector<std::string>& targets,
                 const std::vector<core::Incident>& open, const Caller& caller) {
    const bool active = in_force(s, door.clock.now());
    w.begin_object().field("id", s.id != 0 ? std::optional(s.id) : std::nullopt);
    put_list(w, "targets", targets);
    put_list(w, "kinds", s.kinds);
    w.key("labels").begin_array();
    for (const auto& [key, value] : s.labels) w.value(key + "=" + value);
    w.end_array().field("from", s.from).field("until", s.until);
    put_list(w, "windows", s.windows);
    w.field("timezone", s.timezone).field("reason", s.reason);
    put_text(w, "by", s.by).field("at", s.id != 0 ? std::optional(s.at) : std::nullopt);
    put_text(w, "origin", s.origin).field("active", active).field("hidden", active ? hidden_by(door, s, open, caller) : 0);
    w.end_object();
}

}  // namespace

void handle_silence(AlertsDoor& door, const CallPtr& call) {
    SilenceRequest request(door, *call);
    if (!request.read()) return;
    door.silence(request.take(), [call](Result<std::int64_t> id) {
        if (!id) return call->fail(id.error());
        call->reply(JsonWriter().begin_object().field("id", *id).end_object().take());
    });
}

void handle_silences(AlertsDoor& door, const CallPtr& call) {
    const auto all = call->params().boolean("all");
    if (!all) return call->invalid("all", all.error().what);
    door.silences(all->value_or(false), [&door, call](Result<std::vector<core::Silence>> silences) {
        if (!silences) return call->fail(silences.error());
        const auto open = std::make_shared<std::vector<core::Incident>>();
        door.store.read(
            [open](history::Reader& reader) -> Result<void> {
                history::IncidentQuery query;
                query.open_only = true;
                query.limit = kMostOpen;
                auto rows = reader.incidents(query);
                if (!rows) return fail(std::move(rows.error()));
                *open = std::move(*rows);
                return {};
            },
            [&door, call, open, rows = std::move(*silences)](Result<void> done) {
                if (!done) return call->fail(done.error());
                JsonWriter w;
                w.begin_object().key("silences").begin_array();
                for (const auto& silence : rows)
                    if (const auto seen = seen_targets(door, silence, call->caller())) put_silence(w, door, silence, *seen, *open, call->caller());
                call->reply(w.end_array().end_object().take());
            });
    });
}

void handle_unsilence(AlertsDoor& door, const CallPtr& call) {
    const auto id = call->params().integer("id");
    if (!id || !*id || **id < 1) return call->invalid("id", "the silence's number is needed; one of the configuration ends there");
    const auto refuse = [call, number = **id] {
        call->error("io.bkmon.Alerts.NoSuchSilence", JsonWriter().begin_object().field("id", number).end_object().take());
    };
    door.silences(false, [&door, call, refuse, number = **id](const Result<std::vector<core::Silence>>& silences) {
        if (!silences) return call->fail(silences.error());
        const auto it = std::find_if(silences->begin(), silences->end(), [&](const core::Silence& s) { return s.id == number; });
        if (it == silences->end() || !seen_targets(door, *it, call->caller())) return refuse();
        if (!lies_within(*it, call->caller())) return call->invalid("id", "this silence covers targets that you may not change: who may must end it");
        door.unsilence(number, by_text(call->caller()), [call, refuse](Result<void> done) {
            if (done) return call->reply("{}");
            done.error().code == Errc::not_found ? refuse() : call->fail(done.error());
        });
    });
}

}  // namespace bkmon::control
