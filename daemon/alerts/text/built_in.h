#pragma once
#include <string_view>

namespace bkmon::alerts {

// The built-in mails. What they name is listed in templates.cc; words come from phrases.cc.

inline constexpr std::string_view kAlertSubject = "[{{severity}}] {{headline}} ({{sender}})";
inline constexpr std::string_view kDigestSubject = "[{{severity}}] {{headline}}{{#names}}{{colon}} {{names}}{{/names}} ({{sender}})";

// One space in front: a paragraph; two: a line of a list; three: a paragraph below it; four: what stays on one line (see fold.h).
// A section that is left out leaves the line of its tag empty where that stands alone.

inline constexpr std::string_view kAlertText = R"(
[{{severity}}] {{headline}}

{{#reason}} {{reason}}
{{/reason}}

{{#cause}} {{cause_label}}{{colon}} {{cause}}
{{/cause}}{{#explanation}} {{explanation}}
{{/explanation}}{{#acknowledged}} {{acknowledged}}
{{/acknowledged}}{{#note}} {{note}}
{{/note}}{{#silenced}} {{silenced}}
{{/silenced}}{{#suppressed}} {{suppressed}}
{{/suppressed}}

{{#rows}}
  {{padded}} {{value}}
{{/rows}}

{{#has_advice}}{{what_to_do}}
{{/has_advice}}{{#advice}} {{#of}}{{of}}{{colon}} {{/of}}{{meaning}}
{{/advice}}

{{#has_commands}}{{look_further}}
{{/has_commands}}{{#commands}}{{#label}}  {{label}}{{colon}}
{{/label}}    {{command}}
{{/commands}}

{{#many}}{{targets_label}}{{colon}} {{count}}
{{/many}}{{#targets}}
  {{id}}
   {{summary}}
{{#reason}}   {{reason}}
{{/reason}}{{/targets}}{{#more}}  {{more}}
{{/more}}

-- 
{{footer}}
)";

inline constexpr std::string_view kDigestText = R"(
[{{severity}}] {{headline}}

{{#all_well}} {{all_well}}
{{/all_well}}{{#watches_nothing}} {{watches_nothing}}
{{/watches_nothing}}{{#failed_mails}} {{failed_mails}}
{{/failed_mails}}{{#next}} {{next}}
{{/next}}

{{#sections}}

{{title}}{{colon}} {{count}}
{{#items}}
  {{id}}
   {{summary}}
{{#reason}}   {{reason}}
{{/reason}}{{#acknowledged}}   {{acknowledged}}
{{/acknowledged}}{{#commands}}    {{command}}
{{/commands}}{{/items}}{{#more}}  {{more}}
{{/more}}{{/sections}}

{{#has_days}}{{trend_label}}
{{/has_days}}{{#days}}    {{day}}  {{bar}}  {{figures}}
{{/days}}{{#has_days}}    # {{good_label}}   ! {{bad_label}}   . {{other_label}}
{{/has_days}}

{{fleet_label}}{{colon}} {{total}}
{{#counts}}    {{padded}}  {{status}}
{{/counts}}

{{#has_oldest}}{{oldest_label}}
{{/has_oldest}}{{#oldest}}  {{id}}
   {{proof}}
{{/oldest}}

{{#has_silences}}{{silences_label}}
{{/has_silences}}{{#silences}}  {{silence}}
{{#hides}}   {{hides}}
{{/hides}}{{/silences}}{{#more_silences}}  {{more_silences}}
{{/more_silences}}

{{look_further}}
{{#commands}}    {{command}}
{{/commands}}

-- 
{{footer}}
)";

}  // namespace bkmon::alerts
