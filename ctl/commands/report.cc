#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "common/base/text.h"
#include "common/base/unique_fd.h"
#include "ctl/commands/command.h"
#include "ctl/commands/requests.h"
#include "ctl/commands/times.h"
#include "ctl/render/html.h"
#include "ctl/render/outlet_csv.h"
#include "ctl/render/words.h"

namespace bkmon::ctl {

namespace {

using protocol::Params;

const std::vector<std::string_view> kRowMembers{"target", "kind",   "date",      "status", "severity",   "reason_code", "reason",
                                                "at",     "due_at", "backup_at", "file",   "size_bytes", "sha256",      "duration"};

/// What was asked for can only be rows of outlets: their CSV has columns of its own.
bool asks_for_outlets(const Arguments& arguments) {
    if (arguments.has("--kind")) return arguments.one("--kind") == "outlet";
    const auto targets = arguments.all("--target");
    return arguments.has("--mode") || arguments.has("--legacy") ||
           (!targets.empty() && std::all_of(targets.begin(), targets.end(), [](const std::string& t) { return lower(t).rfind("outlet/", 0) == 0; }));
}

Outcome<std::string> report_parameters(const Session& session, const Arguments& arguments) {
    JsonWriter writer;
    writer.begin_object();
    if (session.csv() && asks_for_outlets(arguments))
        writer.field("kind", "outlet");  // nothing else fits into these columns
    else
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

/// The filters in words, for the page.
std::vector<std::string> asked_for(const Arguments& arguments) {
    std::vector<std::string> words;
    for (const char* option : {"--kind", "--mode", "--target", "--status", "--label"}) {
        std::string values;
        for (const std::string& value : arguments.all(option)) values += " " + value;
        if (!values.empty()) words.push_back(std::string(option + 2) + values);
    }
    return words;
}

int write_report_html(Session& session, const Arguments& arguments, const std::vector<Params>& rows) {
    const std::string path = arguments.one("--html");
    if (const auto written = write_file(path, report_html(rows, asked_for(arguments), session.now())); !written) return session.fail(written.error());
    session.note(fmt::format("{} in {}", counted(static_cast<std::int64_t>(rows.size()), "row"), path));
    return kDone;
}

int print_report_csv(Session& session, const Arguments& arguments, const std::vector<Params>& rows) {
    if (!asks_for_outlets(arguments)) return session.print_csv(kRowMembers, rows);
    const OutletColumns columns = arguments.has("--legacy") ? OutletColumns::legacy : OutletColumns::all;
    return session.print_csv(outlet_columns(columns), outlet_rows(rows, columns));
}

}  // namespace

int run_report(Session& session, const Arguments& arguments) {
    if (arguments.has("--legacy") && (!session.csv() || !asks_for_outlets(arguments)))
        return session.fail({kUsage, "usage", "--legacy is a form of --csv, of outlets only"});
    const auto parameters = report_parameters(session, arguments);
    if (!parameters) return session.fail(parameters.error());
    const auto rows = collect(session, "io.bkmon.Targets.Report", *parameters, "rows");
    if (!rows) return session.fail(rows.error());
    if (arguments.has("--html")) return write_report_html(session, arguments, *rows);
    if (session.csv()) return print_report_csv(session, arguments, *rows);
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

}  // namespace bkmon::ctl
