#include "ctl/render/html.h"

#include <fmt/format.h>

#include "common/base/text.h"
#include "ctl/render/paint.h"
#include "ctl/render/words.h"

namespace bkmon::ctl {

namespace {

constexpr std::string_view kHead = R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>bkmon report</title>
<style>
body{font:15px/1.4 system-ui,sans-serif;margin:1.5rem;color:#1b1f24;background:#fff}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:.3rem .6rem;border-bottom:1px solid #d8dee4}
th{position:sticky;top:0;background:#f6f8fa}
td.n{text-align:right;white-space:nowrap}
.good{color:#116329}.warning{color:#7d4e00}.critical{color:#a40e26;font-weight:600}.unknown{color:#6639ba}.notice{color:#0550ae}
@media(max-width:45rem){.wide{display:none}}
</style></head><body>
)";

std::string_view class_of(Tone tone) {
    switch (tone) {
        case Tone::good: return "good";
        case Tone::warning: return "warning";
        case Tone::critical: return "critical";
        case Tone::notice: return "notice";
        default: return "unknown";
    }
}

std::string member(const protocol::Params& row, std::string_view name) {
    const auto value = row.string(name);
    return value && *value ? **value : std::string();
}

std::string size_of(const protocol::Params& row) {
    const auto n = row.integer("size_bytes");
    return n && *n && **n >= 0 ? size_words(static_cast<std::uint64_t>(**n)) : std::string();
}

}  // namespace

std::string html_text(std::string_view text) {
    std::string out;
    for (const char c : shown(text)) {
        switch (c) {
            case '&': out += "&amp;"; break;
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '"': out += "&quot;"; break;
            case '\'': out += "&#39;"; break;
            default: out += c;
        }
    }
    return out;
}

std::string report_html(const std::vector<protocol::Params>& rows, Time now) {
    std::string out(kHead);
    out += fmt::format("<h1>Backups</h1>\n<p>as of <strong>{} {}</strong>; {}</p>\n", local_time(now), html_text(zone_name(now)),
                       counted(static_cast<std::int64_t>(rows.size()), "row"));
    out +=
        "<table><thead><tr><th>Date</th><th>Status</th><th>Target</th><th class=\"wide\">Size</th><th "
        "class=\"wide\">File</th><th>Reason</th></tr></thead><tbody>\n";
    for (const protocol::Params& row : rows) {
        const std::string status = member(row, "status");
        out +=
            fmt::format("<tr><td>{}</td><td class=\"{}\">{}</td><td>{}</td><td class=\"n wide\">{}</td><td class=\"wide\">{}</td><td>{}</td></tr>\n",
                        html_text(member(row, "date")), class_of(tone_of(status, member(row, "severity"))), html_text(status),
                        html_text(member(row, "target")), size_of(row), html_text(member(row, "file")), html_text(member(row, "reason")));
    }
    return out + "</tbody></table>\n</body></html>\n";
}

}  // namespace bkmon::ctl
