#pragma once
#include <string_view>

namespace bkmon::alerts {

// The built-in mails as pages. Colours that carry meaning stand in the elements too: some readers drop style sheets.

inline constexpr std::string_view kHtmlHead = R"(<!DOCTYPE html>
<html lang="{{language}}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>{{subject}}</title>
<style>
:root { color-scheme: light dark; }
body { margin: 0; padding: 12px; font: 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; color: #1c2126; background: #ffffff;
  -webkit-text-size-adjust: 100%; }
.mail { max-width: 640px; margin: 0 auto; overflow-wrap: anywhere; word-break: break-word; }
.bar { padding: 12px 14px; border-radius: 6px; font-size: 17px; line-height: 1.35; }
.word { font-weight: 700; letter-spacing: .03em; }
h2 { margin: 22px 0 6px; font-size: 14px; font-weight: 600; color: #5b626a; }
p { margin: 10px 0; }
table { width: 100%; margin: 8px 0 0; border-collapse: collapse; }
td { padding: 5px 8px 5px 0; vertical-align: top; border-bottom: 1px solid #e4e7ea; }
td.label { width: 34%; color: #5b626a; }
.id { font-weight: 600; font-size: 14px; }
.small { font-size: 13px; color: #5b626a; }
.mark { display: inline-block; padding: 0 6px; border-radius: 3px; font-size: 12px; font-weight: 600; }
code { display: block; padding: 7px 9px; margin: 4px 0 8px; border-radius: 4px; background: #f1f3f5; font: 13px/1.4 ui-monospace, Menlo, Consolas,
  "DejaVu Sans Mono", monospace; }
.days td { border: 0; padding: 2px 8px 2px 0; white-space: nowrap; font-size: 13px; vertical-align: middle; }
.days td.fill { width: 100%; }
.trend { margin: 0; }
.trend td { padding: 0; height: 14px; line-height: 14px; font-size: 1px; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
.footer { margin-top: 26px; font-size: 12px; color: #5b626a; }
@media (prefers-color-scheme: dark) {
  body { color: #e3e6e9; background: #16191c; }
  h2, td.label, .small, .footer { color: #a3abb3; }
  td { border-bottom-color: #31373d; }
  code { background: #23282d; }
}
</style>
</head>
<body>
<div class="mail">
<div class="bar" style="background:{{color}};color:#ffffff"><span class="word">{{severity}}</span> {{headline}}</div>
)";

inline constexpr std::string_view kHtmlTail = R"(<div class="footer">{{footer}}</div>
</div>
</body>
</html>
)";

inline constexpr std::string_view kAlertHtml = R"({{#reason}}<p>{{reason}}</p>
{{/reason}}
{{#cause}}<p><strong>{{cause_label}}{{colon}}</strong> {{cause}}</p>
{{/cause}}
{{#explanation}}<p>{{explanation}}</p>
{{/explanation}}
{{#acknowledged}}<p>{{acknowledged}}</p>
{{/acknowledged}}
{{#note}}<p>{{note}}</p>
{{/note}}
{{#silenced}}<p>{{silenced}}</p>
{{/silenced}}
{{#suppressed}}<p>{{suppressed}}</p>
{{/suppressed}}
{{#one}}<table>
{{#rows}}<tr><td class="label">{{label}}</td><td>{{value}}</td></tr>
{{/rows}}
</table>
{{/one}}
{{#has_advice}}<h2>{{what_to_do}}</h2>
{{/has_advice}}
{{#advice}}<p>{{#of}}<span class="small">{{of}}{{colon}}</span> {{/of}}{{meaning}}</p>
{{/advice}}
{{#has_commands}}<h2>{{look_further}}</h2>
{{/has_commands}}
{{#commands}}{{#label}}<div class="small">{{label}}{{colon}}</div>{{/label}}<code>{{command}}</code>
{{/commands}}
{{#many}}<h2>{{targets_label}}{{colon}} {{count}}</h2>
<table>
{{#targets}}<tr><td><div class="id">{{id}}</div><div class="small">{{summary}}</div>{{#reason}}<div>{{reason}}</div>{{/reason}}</td></tr>
{{/targets}}
</table>
{{/many}}
{{#more}}<p class="small">{{more}}</p>
{{/more}}
)";

inline constexpr std::string_view kDigestHtml = R"({{#all_well}}<p><strong>{{all_well}}</strong></p>
{{/all_well}}
{{#watches_nothing}}<p><strong>{{watches_nothing}}</strong></p>
{{/watches_nothing}}
{{#failed_mails}}<p><strong>{{failed_mails}}</strong></p>
{{/failed_mails}}
{{#next}}<p>{{next}}</p>
{{/next}}
{{#sections}}<h2>{{title}}{{colon}} {{count}}</h2>
<table>
{{#items}}<tr><td><span class="mark" style="background:{{color}};color:#ffffff">{{status}}</span> <span class="id">{{id}}</span>
<div class="small">{{when}}</div>{{#reason}}<div>{{reason}}</div>{{/reason}}{{#acknowledged}}<div class="small">{{acknowledged}}</div>{{/acknowledged}}
{{#commands}}<code>{{command}}</code>{{/commands}}</td></tr>
{{/items}}
</table>
{{#more}}<p class="small">{{more}}</p>{{/more}}
{{/sections}}
{{#has_days}}<h2>{{trend_label}}</h2>
<table class="days">
{{/has_days}}
{{#days}}<tr><td>{{day}}</td><td class="fill"><table class="trend" cellpadding="0" cellspacing="0"><tr>
{{#good_width}}<td bgcolor="#2e9e5b" width="{{good_width}}%" style="width:{{good_width}}%;background:#2e9e5b">&nbsp;</td>{{/good_width}}
{{#bad_width}}<td bgcolor="#d1453b" width="{{bad_width}}%" style="width:{{bad_width}}%;background:#d1453b">&nbsp;</td>{{/bad_width}}
{{#other_width}}<td bgcolor="#9aa2aa" width="{{other_width}}%" style="width:{{other_width}}%;background:#9aa2aa">&nbsp;</td>{{/other_width}}
</tr></table></td><td class="number">{{share}}{{#bad}} <span style="color:#d1453b">&#9632;</span> {{bad}}{{/bad}}</td></tr>
{{/days}}
{{#has_days}}</table>
<div class="small"><span style="color:#2e9e5b">&#9632;</span> {{good_label}} &nbsp; <span style="color:#d1453b">&#9632;</span> {{bad_label}} &nbsp;
<span style="color:#9aa2aa">&#9632;</span> {{other_label}}</div>
{{/has_days}}
<h2>{{fleet_label}}{{colon}} {{total}}</h2>
<table>
{{#counts}}<tr><td class="number" style="width:1%;white-space:nowrap">{{number}}</td><td>{{status}}</td></tr>
{{/counts}}
</table>
{{#has_oldest}}<h2>{{oldest_label}}</h2>
<table>
{{/has_oldest}}
{{#oldest}}<tr><td><div class="id">{{id}}</div><div class="small">{{proof}}</div></td></tr>
{{/oldest}}
{{#has_oldest}}</table>
{{/has_oldest}}
{{#has_silences}}<h2>{{silences_label}}</h2>
{{/has_silences}}
{{#silences}}<div>{{silence}}</div>{{#hides}}<div class="small">{{hides}}</div>{{/hides}}
{{/silences}}
{{#more_silences}}<p class="small">{{more_silences}}</p>
{{/more_silences}}
<h2>{{look_further}}</h2>
{{#commands}}<code>{{command}}</code>
{{/commands}}
)";

}  // namespace bkmon::alerts
