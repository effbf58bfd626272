#include <fmt/format.h>

#include <algorithm>

#include "ctl/commands/command.h"
#include "ctl/commands/requests.h"
#include "ctl/commands/times.h"
#include "ctl/render/spark.h"
#include "ctl/render/words.h"

namespace bkmon::ctl {

namespace {

using protocol::Params;

const std::vector<std::string_view> kDayMembers{"date", "ok", "bad", "total", "by_status"};

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
    for (const Params& day : days) {
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

/// All days in a line, and what they come to.
std::string trend_lines(const Session& session, const std::vector<Params>& days) {
    const std::size_t width = session.terminal().width;
    std::vector<SparkDay> marks;
    SparkDay all;
    const Params* worst = nullptr;
    const auto less = [](const Params& a, const Params& b) {
        return number_of(a, "ok") * number_of(b, "total") < number_of(b, "ok") * number_of(a, "total");
    };
    for (const Params& day : days) {
        marks.push_back({number_of(day, "ok"), number_of(day, "total")});
        all.good += marks.back().good;
        all.total += marks.back().total;
        if (marks.back().total > 0 && (worst == nullptr || less(day, *worst))) worst = &day;
    }
    if (worst == nullptr || days.size() < 2) return {};  // one day is no trend
    const Spark line = spark(session.terminal(), marks, width > 20 ? width - 8 : 120);
    std::string out = "trend  " + line.text + "\n";
    std::string words = fmt::format("{} % good over {}", all.good * 100 / all.total, counted(static_cast<std::int64_t>(days.size()), "day"));
    if (line.each > 1) words += fmt::format(", {} days a mark", line.each);
    if (number_of(*worst, "bad") > 0)
        words += fmt::format("; worst: {} with {} %", text_of(*worst, "date"), number_of(*worst, "ok") * 100 / number_of(*worst, "total"));
    for (const std::string& part : wrap(shown(words), width)) out += part + "\n";
    return out + "\n";
}

}  // namespace

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
    // The time before the first backup would only push the rest off the screen.
    const auto first = std::find_if(rows.begin(), rows.end(), [](const Params& day) { return number_of(day, "total") > 0; });
    const std::vector<Params> known(first, rows.end());
    if (!session.globals().legend || known.empty()) return session.print_table(summary_table(session, known), "no day is known yet");
    session.print(trend_lines(session, known) + summary_table(session, known).text(session.terminal(), true) +
                  "\ngood: ok or unchanged; the bar is the good part of the day\n");
    return kDone;
}

}  // namespace bkmon::ctl
