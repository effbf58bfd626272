#include "ctl/render/html.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/html.h"
#include "common/base/text.h"
#include "ctl/render/page_frame.h"
#include "ctl/render/report_rows.h"
#include "ctl/render/words.h"

namespace bkmon::ctl {

namespace {

constexpr std::size_t kMostProblems = 300;
constexpr std::size_t kOpenRows = 2000;  // more are behind a heading that opens them: a browser lays out what is shown
constexpr std::size_t kStripDays = 45;   // the newest ones
constexpr char kMarks[] = {'g', 'w', 'c', 'u'};
constexpr std::string_view kNames[] = {"good", "warning", "critical", "unknown"};

std::string_view mark(Level level) {
    return level == Level::none ? std::string_view() : std::string_view(&kMarks[static_cast<std::size_t>(level)], 1);
}

std::string share(std::int64_t good, std::int64_t total) {
    // Rounded down: 100 only when everything was good.
    return total > 0 ? fmt::format("{}.{} %", good * 1000 / total / 10, good * 1000 / total % 10) : std::string("-");
}

// ---- the chart

constexpr double kHeight = 130, kSlot = 10;  // of a drawing that is stretched to its place

std::string day_words(const ReportDay& day) {
    std::string out = fmt::format("{}: {} of {} good", day.date, day.counts[0], day.total());
    for (const auto& [status, n] : day.by_status)
        if (status != "ok" && status != "unchanged") out += fmt::format(", {} {}", n, status);
    return out;
}

/// Good ones at the bottom, the bad ones on them; whatever is bad can be seen, be it one of ten thousand.
std::string day_bar(const ReportDay& day, double x, double scale) {
    std::string out = fmt::format("<g><title>{}</title>", html_text(day_words(day)));
    double y = kHeight;
    for (const Level level : {Level::good, Level::unknown, Level::warning, Level::critical}) {
        const auto n = day.counts[static_cast<std::size_t>(level)];
        if (n == 0) continue;
        const double height = std::max(static_cast<double>(n) * scale, level == Level::good ? 0.5 : 2.5);
        y -= height;
        out += fmt::format("<rect class=\"{}\" x=\"{:.0f}\" y=\"{:.1f}\" width=\"{:.0f}\" height=\"{:.1f}\"/>", mark(level), x, y, kSlot - 1, height);
    }
    return out + "</g>";
}

std::string chart(const Report& report) {
    const std::size_t count = report.days.size();
    std::int64_t most = 1;
    for (const ReportDay& day : report.days) most = std::max(most, day.total());
    std::string out = fmt::format(
        "<div{}><svg class=\"days\" role=\"img\" aria-label=\"Good and bad targets on each day\" viewBox=\"0 0 {:.0f} {:.0f}\" "
        "preserveAspectRatio=\"none\">",
        count < 10 ? " class=\"few\"" : "", kSlot * static_cast<double>(count), kHeight);
    for (std::size_t i = 0; i < count; ++i) out += day_bar(report.days[i], kSlot * static_cast<double>(i), (kHeight - 8) / static_cast<double>(most));
    out += fmt::format("</svg><div class=\"axis soft\"><span>{}</span><span class=\"less\">highest: {}</span><span>{}</span></div></div>\n",
                       html_text(report.days.front().date), counted(most, "target"), count > 1 ? html_text(report.days.back().date) : std::string());
    return out;
}

std::string figures(const Report& report) {
    std::string out =
        "<details><summary>The figures of each day</summary><div class=\"wide\"><table "
        "class=\"sort\"><thead><tr><th>Date<th>Good<th>Total<th>Share<th>Not good</thead><tbody>\n";
    for (const ReportDay& day : report.days) {
        std::string bad;
        for (const auto& [status, n] : day.by_status)
            if (status != "ok" && status != "unchanged") bad += fmt::format("{}{} {}", bad.empty() ? "" : ", ", n, status);
        out += fmt::format("<tr><td class=\"d\">{}<td class=\"n\">{}<td class=\"n\">{}<td class=\"n\">{}<td>{}\n", html_text(day.date), day.counts[0],
                           day.total(), share(day.counts[0], day.total()), html_text(bad));
    }
    return out + "</tbody></table></div></details>\n";
}

// ---- tables

std::string status_cell(const ReportRow& row) {
    return fmt::format("<td class=\"s {}\">{}", row.level == Level::none ? "soft" : mark(row.level), html_text(row.status));
}

std::string size_cell(const ReportRow& row) {
    return row.size < 0 ? std::string("<td class=\"n less\" data-v=\"-1\">")
                        : fmt::format("<td class=\"n less\" data-v=\"{}\">{}", row.size, size_words(static_cast<std::uint64_t>(row.size)));
}

std::string moment(const std::string& rfc3339) {
    const auto t = read_time(rfc3339);
    return t ? local_minute(*t) : std::string();
}

std::string strip(const ReportTarget& target) {
    std::string out = fmt::format("<td data-v=\"{}\"><span class=\"strip\" role=\"img\" aria-label=\"{} of {} days good\">",
                                  target.counted > 0 ? target.good * 1000 / target.counted : 0, target.good, target.counted);
    const std::size_t first = target.days.size() > kStripDays ? target.days.size() - kStripDays : 0;
    for (std::size_t i = first; i < target.days.size(); ++i)
        out += target.days[i] == Level::none ? std::string("<i></i>") : fmt::format("<i class={}></i>", mark(target.days[i]));
    return out + "</span>";
}

/// Lines break behind a slash rather than within a name. Of an outlet: its name and address beside the id.
std::string target_cell(const ReportRow& row, bool whole) {
    std::string out = "<td class=t>";
    const auto parts = split(row.target, '/');
    for (std::size_t i = 0; i < parts.size(); ++i) out += (i > 0 ? "/<wbr>" : "") + html_text(parts[i]);
    if (whole && !(row.name.empty() && row.address.empty()))
        out += fmt::format("<br><span class=\"soft\">{}{}{}</span>", html_text(row.name), row.name.empty() || row.address.empty() ? "" : ", ",
                           html_text(row.address));
    return out;
}

std::string problems_table(const Report& report) {
    const auto problems = report.problems();
    if (problems.empty()) return "<p>None: every target that counts is good.</p>\n";
    std::string out =
        "<div class=\"wide\"><table class=\"sort\"><thead><tr><th>Status<th>Target<th class=\"less\">Bad since<th "
        "class=\"less\">Days<th>Why</thead><tbody>\n";
    for (std::size_t i = 0; i < std::min(problems.size(), kMostProblems); ++i) {
        const ReportTarget& target = report.targets[problems[i]];
        const ReportRow& row = report.rows[target.newest];
        out += "<tr>" + status_cell(row) + target_cell(row, true);
        out += fmt::format("<td class=\"d less\">{}<td class=\"n less\">{}<td class=y>{}\n", html_text(target.bad_since), target.bad_days,
                           html_text(row.reason));
    }
    out += "</tbody></table></div>\n";
    if (problems.size() > kMostProblems) out += fmt::format("<p>and {} more in the table of targets</p>\n", problems.size() - kMostProblems);
    return out;
}

std::string targets_table(const Report& report) {
    std::string out = "<div class=\"wide\"><table class=\"sort\"><thead><tr><th>Target<th>Status<th>Days<th class=\"less\">Backup of";
    if (report.has_outlets) out += "<th class=\"least\">Drive";
    out += "<th class=\"less\">Size<th class=\"least\">File</thead><tbody>\n";
    for (const ReportTarget& target : report.targets) {
        const ReportRow& row = report.rows[target.newest];
        out += "<tr>" + target_cell(row, true) + status_cell(row) + strip(target);
        out += fmt::format("<td class=\"d less\">{}", html_text(moment(row.backup_at)));
        if (report.has_outlets) out += "<td class=least>" + html_text(row.drive);
        out += size_cell(row) + "<td class=\"f least\">" + html_text(row.file) + "\n";
    }
    return out + "</tbody></table></div>\n";
}

std::string rows_table(const Report& report) {
    std::string out = "<div class=\"wide\"><table class=\"sort\"><thead><tr><th>Date<th>Status<th>Target<th class=\"less\">Backup of";
    if (report.has_outlets) out += "<th class=\"least\">Drive";
    out += "<th class=\"less\">Size<th class=\"least\">File<th>Why</thead><tbody>\n";
    for (const ReportRow& row : report.rows) {
        out += "<tr><td class=d>" + html_text(row.date) + status_cell(row) + target_cell(row, false);
        out += "<td class=\"d less\">" + html_text(moment(row.backup_at));
        if (report.has_outlets) out += "<td class=least>" + html_text(row.drive);
        out += size_cell(row) + "<td class=\"f least\">" + html_text(row.file) + "<td class=y>" + html_text(row.reason) + "\n";
    }
    return out + "</tbody></table></div>\n";
}

std::string tiles(const Report& report) {
    const auto now = report.now();
    std::int64_t good = 0, total = 0;
    for (const ReportDay& day : report.days) {
        good += day.counts[0];
        total += day.total();
    }
    std::string out = fmt::format("<ul class=\"tiles\"><li><b>{}</b>{}\n", report.targets.size(), report.targets.size() == 1 ? "target" : "targets");
    for (std::size_t i = 0; i < kLevels; ++i)
        if (i == 0 || now[i] > 0) out += fmt::format("<li class=\"{}\"><b>{}</b>{}\n", kNames[i], now[i], kNames[i]);
    return out + fmt::format("<li><b>{}</b>good over {}\n</ul>\n", share(good, total), counted(static_cast<std::int64_t>(report.days.size()), "day"));
}

}  // namespace

std::string html_text(std::string_view text) { return html_escaped(shown(text)); }

std::string report_html(const std::vector<protocol::Params>& rows, const std::vector<std::string>& about, Time now) {
    const Report report = read_report(rows);
    std::string what;
    for (const std::string& words : about) what += (what.empty() ? "" : "; ") + words;
    std::string out = page_head("bkmon report");
    out += fmt::format("<h1>Backups</h1>\n<p>as of <strong>{} {}</strong></p>\n", local_time(now), html_text(zone_name(now)));
    if (!report.days.empty())
        out += fmt::format("<p class=\"soft\">{} to {}{}{}</p>\n", html_text(report.days.front().date), html_text(report.days.back().date),
                           what.empty() ? "" : "; only ", html_text(what));
    if (report.rows.empty()) return out + "<p>No target and day matches.</p>\n" + page_end();
    out += tiles(report) + "<h2>Day by day</h2>\n" + chart(report) + figures(report);
    out += "<h2>Problems</h2>\n" + problems_table(report);
    out += "<h2>Targets</h2>\n<p class=\"soft\">as on the newest day of each; the bars are its days, high ones bad</p>\n" + targets_table(report);
    const bool open = report.rows.size() <= kOpenRows;
    out += fmt::format("<h2>Every day of every target</h2>\n<details{}><summary>{}</summary>\n", open ? " open" : "",
                       counted(static_cast<std::int64_t>(report.rows.size()), "row"));
    return out + rows_table(report) + "</details>\n" + page_end();
}

}  // namespace bkmon::ctl
