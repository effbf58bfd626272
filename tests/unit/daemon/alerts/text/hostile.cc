#include "hostile.h"

namespace bkmon::alerts {

using core::Status;

std::vector<std::string> hostile_values() {
    std::vector<std::string> out{
        "<script>alert(1)</script>",
        "</td></tr></table></div></body></html>",
        "\" onmouseover=\"x' onload='y",
        "<!-- -->]]>&lt;&#60;&amp",
        "<img src=https://example.org/x.png>",
        "</title></style><style>*{display:none}",
        "{{footer}}{{#targets}}{{{reason}}}{{/targets}}{{>x}}{{=<% %>=}}",
        "}}{{",
        "{}{0}%s%n",
        "a\r\nBcc: everybody@example.org\r\n\r\n.\r\n",
        "-- \nWhat to do\nnothing",
        "=?utf-8?B?QUJD?= =0D=0A",
        "'; rm -rf / #$(reboot)`reboot`",
        "\xE2\x80\xAE"
        "gpj.exe\xE2\x81\xA6\xE2\x80\x8B\xEF\xBB\xBF\xE2\x80\xA8\xE2\x80\xA9",
        "\xC0\xAF\xED\xA0\x80\xF4\x90\x80\x80\xFF\xFE\x80",
        "\x1B]0;title\x07\x1B[2J\x9B",
        "back\\slash \\n \\x1b",
        "What to do   What to do -- What to do   file: what to do   What to do   What to do   What to do -- What to do   What to do -- What to do",
        " Targets: 9",
        "   bkmonctl deposits release x",
        "\t\t",
        std::string(100000, 'a'),
        std::string(100000, '<'),
        std::string(50000, '\n') + std::string(50000, ' '),
    };
    for (int c = 0; c < 256; ++c) out.push_back("a" + std::string(1, static_cast<char>(c)) + "b");
    return out;
}

namespace {

Told told_of(const std::string& value) {
    auto t = sample_told("deposit/x/y", Status::held, "size_band");
    t.target = TargetId::of("deposit", {value, value});
    t.reason = value;
    t.file = value;
    t.sha256 = value;
    t.evidence = {{value, value}};
    return t;
}

}  // namespace

Story story_of(const std::string& value) {
    auto s = sample_story(Word::opened);
    s.site = value;
    s.told = {told_of(value)};
    s.acked_by = value;
    s.note = value;
    s.silenced = SilenceTold{value, sample_now(), value, value, 1};
    return s;
}

Story group_of(const std::string& value) {
    auto s = story_of(value);
    s.told.push_back(told_of(value));
    s.told.push_back(told_of(value));
    s.told.back().reason_code = value;
    s.trait = value;
    s.value = value;
    s.acked_by.clear();
    return s;
}

DigestStory digest_of(const std::string& value) {
    auto s = sample_digest(false);
    s.site = value;
    for (auto* list : {&s.fresh, &s.open, &s.held, &s.recovered})
        for (auto& item : *list) {
            item.target = TargetId::of("deposit", {value});
            item.reason = item.acked_by = item.note = item.sha256 = value;
        }
    for (auto& silence : s.silences) silence.what = silence.by = silence.reason = value;
    for (auto& proof : s.oldest) proof.target = TargetId::of("deposit", {value});
    return s;
}

}  // namespace bkmon::alerts
