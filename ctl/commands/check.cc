#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "common/base/json_writer.h"
#include "ctl/commands/command.h"
#include "ctl/commands/status_reply.h"
#include "ctl/render/paint.h"
#include "ctl/render/words.h"

namespace bkmon::ctl {

namespace {

using protocol::Params;

enum Plugin : int { kOk = 0, kWarning = 1, kCritical = 2, kUnknown = 3 };

constexpr std::array<std::string_view, 4> kSeverityWords{"OK", "WARNING", "CRITICAL", "UNKNOWN"};

int plugin_code(int rank) { return rank == 0 ? kOk : rank == 1 ? kWarning : rank == 3 ? kCritical : kUnknown; }

/// A bar would begin the perfdata.
std::string plugin_text(std::string_view text) {
    std::string out = shown(text, 1000);
    std::replace(out.begin(), out.end(), '|', '/');
    return out;
}

int write_line(World& world, int code, const std::string& text, const std::string& perfdata) {
    world.out << "BKMON " << kSeverityWords[static_cast<std::size_t>(code)] << " - " << text;
    if (!perfdata.empty()) world.out << " | " << perfdata;
    world.out << '\n' << std::flush;
    return code;
}

std::int64_t seconds_between(Time from, Time to) { return std::chrono::floor<seconds>(to - from).count(); }

std::string counts_words(const std::map<std::string, std::int64_t>& counts) {
    std::string out;
    for (const int rank : {3, 2, 1, 0}) {
        for (const auto& [status, n] : counts) {
            if (rank_of(severity_of(status)) == rank) out += fmt::format("{}{} {}", out.empty() ? "" : ", ", n, plugin_text(status));
        }
    }
    return out;
}

/// The age of the proof that has aged most.
std::optional<std::int64_t> oldest_proof(const std::vector<Params>& targets, Time now) {
    std::optional<std::int64_t> oldest;
    for (const Params& target : targets) {
        const auto at = time_of(target, "last_ok_at");
        if (at && text_of(target, "status") != "paused") oldest = std::max(oldest.value_or(0), seconds_between(*at, now));
    }
    return oldest;
}

std::string perfdata_of_one(const Params& target, Time now) {
    std::string out;
    if (const auto at = time_of(target, "last_ok_at")) out += fmt::format("'age'={}s;;;0", seconds_between(*at, now));
    if (const auto size = maybe_number(target, "size_bytes")) out += fmt::format("{}'size'={}B;;;0", out.empty() ? "" : " ", *size);
    return out;
}

std::string perfdata_of_many(const StatusReply& reply, Time now) {
    std::string out = fmt::format("'targets'={};;;0", reply.targets.size());
    for (const std::string_view status : closed_words(Words::status)) {
        const auto found = reply.counts.find(std::string(status));
        out += fmt::format(" '{}'={};;;0;{}", status, found == reply.counts.end() ? 0 : found->second, reply.targets.size());
    }
    if (const auto oldest = oldest_proof(reply.targets, now)) out += fmt::format(" 'oldest_proof'={}s;;;0", *oldest);
    return out;
}

const Params* worst_of(const std::vector<Params>& targets) {
    const Params* worst = nullptr;
    for (const Params& target : targets) {
        if (worst == nullptr || rank_of(text_of(target, "severity")) > rank_of(text_of(*worst, "severity"))) worst = &target;
    }
    return worst;
}

std::string about(const Params& target, Time now) {
    const auto since = time_of(target, "since");
    const std::string silenced = text_of(target, "silenced");
    return fmt::format("{} {}{}: {}{}", plugin_text(text_of(target, "id")), plugin_text(text_of(target, "status")),
                       since ? " since " + age(*since, now) : "", plugin_text(text_of(target, "reason")),
                       silenced.empty() ? "" : " (silenced " + plugin_text(silenced) + ")");
}

int write_json(Session& session, int code, const std::string& text, const StatusReply& reply) {
    JsonWriter writer;
    writer.begin_object()
        .field("severity", kSeverityWords[static_cast<std::size_t>(code)])
        .field("message", text)
        .key("counts")
        .raw(reply.counts_json);
    static_cast<void>(session.print_json(writer.end_object().str()));
    return code;
}

}  // namespace

int check_unknown(World& world, std::string_view why) { return write_line(world, kUnknown, plugin_text(why), {}); }

int run_check(Session& session, const Arguments& arguments) {
    const auto reply = ask_status(session, status_parameters(arguments));
    if (!reply) {
        if (session.json())
            static_cast<void>(session.fail(reply.error()));
        else
            static_cast<void>(check_unknown(session.world(), reply.error().message));
        return kUnknown;
    }
    const Time now = reply->as_of.value_or(session.now());
    const Params* const worst = worst_of(reply->targets);
    int code = kUnknown;
    std::string text = "no target matches: nothing is watched";
    if (worst != nullptr) {
        const int rank = rank_of(text_of(*worst, "severity"));
        code = plugin_code(rank);
        if (reply->targets.size() == 1)
            text = about(*worst, now);
        else if (rank == 0)
            text = counts_words(reply->counts);
        else
            text = counts_words(reply->counts) + "; " + about(*worst, now);
    }
    for (const std::string& what : reply->degraded) {
        code = code == kOk ? static_cast<int>(kWarning) : code;
        if (worst != nullptr && what.starts_with(text_of(*worst, "id") + ": ")) continue;  // has been said
        text += "; bkmon itself: " + plugin_text(what);
    }
    for (const std::string& what : reply->stale) {
        // What is said of the targets may be true or not.
        if (code != kCritical) code = kUnknown;
        text += "; bkmon is behind: " + plugin_text(what);
    }
    if (session.json()) return write_json(session, code, text, *reply);
    std::string perfdata;
    if (reply->targets.size() == 1)
        perfdata = perfdata_of_one(reply->targets.front(), now);
    else if (!reply->targets.empty())
        perfdata = perfdata_of_many(*reply, now);
    return write_line(session.world(), code, text, perfdata);
}

}  // namespace bkmon::ctl
