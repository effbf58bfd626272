#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "common/base/json_writer.h"
#include "common/base/text.h"
#include "common/base/unique_fd.h"
#include "ctl/commands/command.h"
#include "ctl/commands/times.h"
#include "ctl/render/html.h"
#include "ctl/render/words.h"

namespace bkmon::ctl {

namespace {

using protocol::Params;

const std::vector<std::string_view> kVerdictMembers{"target",    "status", "severity", "reason_code", "reason", "at",       "due_at",
                                                    "backup_at", "run",    "file",     "size_bytes",  "sha256", "duration", "id"};
const std::vector<std::string_view> kRowMembers{"target", "kind",   "date",      "status", "severity",   "reason_code", "reason",
                                                "at",     "due_at", "backup_at", "file",   "size_bytes", "sha256",      "duration"};
const std::vector<std::string_view> kDayMembers{"date", "ok", "bad", "total", "by_status"};

void put(JsonWriter& writer, const Arguments& arguments, std::string_view option, std::string_view name) {
    if (const auto value = arguments.maybe(option)) writer.field(name, *value);
}

void put_list(JsonWriter& writer, const Arguments& arguments, std::string_view option, std::string_view name) {
    if (!arguments.has(option)) return;
    writer.key(name).begin_array();
    for (const std::string& value : arguments.all(option)) writer.value(value);
    writer.end_array();
}

/// Pages of `name` in one list, at most `limit` (0: all).
Outcome<std::vector<Params>> collect(const Session& session, std::string_view method, const std::string& parameters, std::string_view name,
                                     std::size_t limit = 0) {
    std::vector<Params> all;
    const auto asked = session.pages(method, parameters, [&](const Params& page) {
        for (Params& object : page.objects(name)) {
            if (limit == 0 || all.size() < limit) all.push_back(std::move(object));
        }
        return limit == 0 || all.size() < limit;
    });
    if (!asked) return Refusal(asked.error());
    return all;
}

std::string document(std::string_view name, const std::vector<Params>& objects) {
    JsonWriter writer;
    return writer.begin_object().key(name).raw(array_json(objects)).end_object().take();
}

std::string duration_cell(const Params& object) {
    const auto value = object.number("duration");
    return value && *value && **value >= 0 ? duration_words(milliseconds(static_cast<std::int64_t>(**value * 1000))) : "-";
}

Cell status_cell(const Params& object) {
    const std::string status = text_of(object, "status");
    return {status, tone_of(status, text_of(object, "severity"))};
}

Outcome<std::string> history_parameters(const Session& session, const Arguments& arguments, std::int64_t limit) {
    JsonWriter writer;
    writer.begin_object();
    put(writer, arguments, "target", "target");
    put(writer, arguments, "--kind", "kind");
    for (const auto& [option, name] : {std::pair("--since", "since"), std::pair("--until", "until")}) {
        if (!arguments.has(option)) continue;
        const auto t = read_moment(option, arguments.one(option), Direction::back, session.now());
        if (!t) return Refusal(t.error());
        writer.field(name, *t);
    }
    put(writer, arguments, "--status", "status");
    // Left out it would mean 100, or all since a time: bkmond has its own idea.
    writer.field("limit", limit > 0 ? limit : std::int64_t{1'000'000});
    return writer.end_object().take();
}

Outcome<std::string> report_parameters(const Session& session, const Arguments& arguments) {
    JsonWriter writer;
    writer.begin_object();
    put(writer, arguments, "--kind", "kind");
    put(writer, arguments, "--mode", "mode");
    put_list(writer, arguments, "--target", "targets");
    for (const auto& [option, name] : {std::pair("--from", "from"), std::pair("--to", "to")}) {
        if (!arguments.has(option)) continue;
        const auto day = read_day(option, arguments.one(option), session.now());
        if (!day) return Refusal(day.error());
        writer.field(name, *day);
    }
    put(writer, arguments, "--status", "status");
    put_list(writer, arguments, "--label", "labels");
    return writer.end_object().take();
}

/// Writes beside the file and renames, so that a page which somebody reads is never half.
Outcome<void> write_file(const std::string& path, const std::string& text) {
    std::string beside = path + ".XXXXXX";
    UniqueFd fd(::mkostemp(beside.data(), O_CLOEXEC));
    bool good = static_cast<bool>(fd);
    for (std::size_t at = 0; good && at < text.size();) {
        const ssize_t n = ::write(fd.get(), text.data() + at, text.size() - at);
        good = n > 0;
        if (good) at += static_cast<std::size_t>(n);
    }
    const mode_t mask = ::umask(0);
    ::umask(mask);
    good = good && ::fchmod(fd.get(), 0666 & ~mask) == 0 && std::rename(beside.c_str(), path.c_str()) == 0;
    if (good) return {};
    const std::string why = std::strerror(errno);
    if (fd) ::unlink(beside.c_str());
    return refuse(kFailed, "write_failed", fmt::format("cannot write {}: {}", path, why));
}

int write_report_html(Session& session, const std::string& path, const std::vector<Params>& rows) {
    if (const auto written = write_file(path, report_html(rows, session.now())); !written) return session.fail(written.error());
    session.note(fmt::format("{} in {}", counted(static_cast<std::int64_t>(rows.size()), "row"), path));
    return kDone;
}

std::string trend(std::int64_t good, std::int64_t total, std::size_t cells) {
    if (total <= 0) return {};
    const auto full = static_cast<std::size_t>(good * static_cast<std::int64_t>(cells) / total);
    return std::string(full, '#') + std::string(cells - full, '.');
}

std::string bad_words(const Params& day) {
    const auto by_status = day.object("by_status");
    if (!by_status) return {};
    std::string out;
    for (const std::string& status : by_status->names()) {
        const std::int64_t n = number_of(*by_status, status);
        if (n > 0 && status != "ok" && status != "unchanged" && status != "paused") out += fmt::format("{}{} {}", out.empty() ? "" : ", ", n, status);
    }
    return out;
}

Table summary_table(const Session& session, const std::vector<Params>& days) {
    Table table({{"DATE"},
                 {"GOOD", true},
                 {"BAD", true},
                 {"TOTAL", true},
                 {"%", true},
                 {"TREND", false, false, false, 8, 2},
                 {"", false, true, false, 8, 1}});
    const std::size_t cells = session.terminal().width >= 100 || session.terminal().width == 0 ? 30 : 20;
    // The time before the first backup would only push the rest off the screen.
    const auto first = std::find_if(days.begin(), days.end(), [](const Params& day) { return number_of(day, "total") > 0; });
    for (auto it = first; it != days.end(); ++it) {
        const Params& day = *it;
        const std::int64_t good = number_of(day, "ok");
        const std::int64_t bad = number_of(day, "bad");
        const std::int64_t total = number_of(day, "total");
        const Tone tone = total == 0 ? Tone::unknown : bad > 0 ? Tone::critical : Tone::good;
        // Rounded down: 100 only when everything was good.
        table.add({{text_of(day, "date")},
                   {std::to_string(good)},
                   {std::to_string(bad), bad > 0 ? Tone::critical : Tone::plain},
                   {std::to_string(total)},
                   {total > 0 ? std::to_string(good * 100 / total) : "-"},
                   {trend(good, total, cells), tone},
                   {total == 0 ? "nothing was due" : bad_words(day)}});
    }
    return table;
}

}  // namespace

int run_history(Session& session, const Arguments& arguments) {
    const auto limit = read_number("--limit", arguments.maybe("--limit").value_or("100"), 0);
    if (!limit) return session.fail(limit.error());
    const auto parameters = history_parameters(session, arguments, *limit);
    if (!parameters) return session.fail(parameters.error());
    const auto verdicts = collect(session, "io.bkmon.Targets.History", *parameters, "verdicts", static_cast<std::size_t>(*limit));
    if (!verdicts) return session.fail(verdicts.error());
    if (session.csv()) return session.print_csv(kVerdictMembers, *verdicts);
    if (session.json()) return session.print_json(document("verdicts", *verdicts));
    Table table({{"WHEN"},
                 {"STATUS"},
                 {"TARGET", false, true, true, 34},
                 {"SIZE", true, false, false, 8, 2},
                 {"TOOK", true, false, false, 8, 3},
                 {"FILE", false, true, true, 12, 4},
                 {"REASON", false, true, false, 24}});
    for (const Params& verdict : *verdicts) {
        table.add({{time_cell(verdict, "at")},
                   status_cell(verdict),
                   {text_of(verdict, "target")},
                   {size_cell(verdict, "size_bytes")},
                   {duration_cell(verdict)},
                   {text_of(verdict, "file")},
                   {text_of(verdict, "reason")}});
    }
    const bool cut = *limit > 0 && verdicts->size() == static_cast<std::size_t>(*limit);
    const std::string zone = "times in " + zone_name(session.now());
    return session.print_table(
        table, "no verdict matches",
        counted(static_cast<std::int64_t>(table.size()), "verdict") + ", " + zone + (cut ? "; there may be older ones: --limit 0 shows all" : ""));
}

int run_report(Session& session, const Arguments& arguments) {
    const auto parameters = report_parameters(session, arguments);
    if (!parameters) return session.fail(parameters.error());
    const auto rows = collect(session, "io.bkmon.Targets.Report", *parameters, "rows");
    if (!rows) return session.fail(rows.error());
    if (arguments.has("--html")) return write_report_html(session, arguments.one("--html"), *rows);
    if (session.csv()) return session.print_csv(kRowMembers, *rows);
    if (session.json()) return session.print_json(document("rows", *rows));
    Table table({{"DATE"},
                 {"STATUS"},
                 {"TARGET", false, true, true, 34},
                 {"JUDGED", false, false, false, 8, 3},
                 {"SIZE", true, false, false, 8, 2},
                 {"FILE", false, true, true, 12, 4},
                 {"REASON", false, true, false, 24}});
    for (const Params& row : *rows) {
        table.add({{text_of(row, "date")},
                   status_cell(row),
                   {text_of(row, "target")},
                   {time_cell(row, "at")},
                   {size_cell(row, "size_bytes")},
                   {text_of(row, "file")},
                   {text_of(row, "reason")}});
    }
    return session.print_table(table, "no target and day matches",
                               counted(static_cast<std::int64_t>(table.size()), "row") + ", times in " + zone_name(session.now()));
}

int run_summary(Session& session, const Arguments& arguments) {
    const auto days = read_number("--days", arguments.maybe("--days").value_or("30"), 1);
    if (!days) return session.fail(days.error());
    JsonWriter writer;
    writer.begin_object();
    put(writer, arguments, "--kind", "kind");
    put(writer, arguments, "--mode", "mode");
    const auto reply = session.call("io.bkmon.Targets.Summary", writer.field("days", *days).end_object().str());
    if (!reply) return session.fail(reply.error());
    const std::vector<Params> rows = reply->objects("days");
    if (session.csv()) return session.print_csv(kDayMembers, rows);
    if (session.json()) return session.print_json(document("days", rows));
    return session.print_table(summary_table(session, rows), "no day is known yet", "good: ok or unchanged; the bar is the good part of the day");
}

}  // namespace bkmon::ctl
