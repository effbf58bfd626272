// `alerts.silences`.
#include <fmt/format.h>

#include <array>

#include "common/base/text.h"
#include "daemon/config/alert_parts.h"
#include "daemon/core/schedule.h"
#include "daemon/core/weekly.h"

namespace bkmon::config {
namespace {

struct SilenceText {
    core::Silence silence;
    std::string from, until;
};

const std::array<Setting<SilenceText>, 8> kSilence{{
    {{"target", Kind::patterns, "pattern or list", "targets, with * and ?"}, [](SilenceText& s) -> Slot { return &s.silence.targets; }},
    {{"kind", Kind::patterns, "pattern or list", "kinds of targets"}, [](SilenceText& s) -> Slot { return &s.silence.kinds; }},
    {{"labels", Kind::labels, "map of patterns", "each must be there and fit"}, [](SilenceText& s) -> Slot { return &s.silence.labels; }},
    {{"from", Kind::text, "time", "2026-12-24T22:00 in the timezone, or with one of its own (…Z, …+01:00); default: always"},
     [](SilenceText& s) -> Slot { return &s.from; }},
    {{"until", Kind::text, "time", "the first moment that is not silent"}, [](SilenceText& s) -> Slot { return &s.until; }},
    {{"windows", Kind::patterns, "text or list", "only then, week after week: \"mon-fri 22:00-06:00\", \"sat,sun\""},
     [](SilenceText& s) -> Slot { return &s.silence.windows; }},
    {{"timezone", Kind::zone, "time zone", "default: the global timezone"}, [](SilenceText& s) -> Slot { return &s.silence.timezone; }},
    {{"reason", Kind::text, "text", "shown wherever something is hidden by it"}, [](SilenceText& s) -> Slot { return &s.silence.reason; }},
}};

/// A time with a zone of its own, or as the clock on the wall shows it; a date is its first moment.
Result<Time> moment_of(const std::string& text, const std::string& zone) {
    if (auto exact = parse_rfc3339(text)) return exact;
    return core::from_civil(text.size() == 10 ? text + "T00:00" : text, zone);
}

class Checks {
public:
    Checks(Context& context, const Node& node, const KeyMarks& keys, SilenceText& text) : context_(context), node_(node), keys_(keys), text_(text) {}

    bool all() {
        auto& s = text_.silence;
        if (const auto* kinds = node_.find("kind")) good_ = check_kinds(context_, *kinds, s.kinds) && good_;
        if (const auto* targets = node_.find("target")) good_ = check_targets(context_, *targets, s.targets) && good_;
        moment("from", text_.from, s.from);
        moment("until", text_.until, s.until);
        windows();
        if (!node_.find("target") && !node_.find("kind") && !node_.find("labels"))
            bad(node_.mark, "a silence needs a target, a kind or labels; for all targets: {target: \"*\", …}");
        if (!node_.find("until") && !node_.find("windows"))
            bad(node_.mark, "a silence ends: 'until' or 'windows' is missing; for never, write a rule with 'mail: never'");
        if (!node_.find("reason")) bad(node_.mark, "a silence needs a reason: it is shown wherever something is hidden by it");
        if (s.from && s.until && *s.until <= *s.from) bad(keys_.find("until")->second, "until: is not later than from");
        return good_ && keys_.size() == node_.keys.size();
    }

private:
    void bad(const Mark& mark, std::string what) {
        context_.problem(mark, std::move(what));
        good_ = false;
    }
    void moment(std::string_view key, const std::string& text, std::optional<Time>& into) {
        const auto at = keys_.find(key);
        if (at == keys_.end()) return;
        if (const auto time = moment_of(text, text_.silence.timezone))
            into = *time;
        else
            bad(at->second, fmt::format("{}: '{}' is no time such as 2026-12-24T22:00 or 2026-12-24T22:00:00Z", key, printable(text, 100)));
    }
    void windows() {
        const auto at = keys_.find("windows");
        if (at == keys_.end()) return;
        const auto* node = node_.find("windows");
        const auto& texts = text_.silence.windows;
        if (texts.empty()) bad(at->second, "windows: the list is empty");
        for (std::size_t i = 0; i < texts.size(); ++i)
            if (const auto window = core::parse_window(texts[i]); !window)
                bad(node->kind == Node::Kind::list ? node->items[i].mark : node->mark,
                    fmt::format("windows: '{}': {}", printable(texts[i], 100), window.error().what));
    }

    Context& context_;
    const Node& node_;
    const KeyMarks& keys_;
    SilenceText& text_;
    bool good_ = true;
};

}  // namespace

void read_silence(Context& context, const std::string& path, const Node& node, const std::string& timezone, std::vector<core::Silence>& into) {
    SilenceText text;
    text.silence.timezone = timezone;
    const auto keys = read_map<SilenceText>(context, path, node, kSilence, text, false);
    if (!Checks(context, node, keys, text).all()) return;
    text.silence.origin = context.where(node.mark);
    into.push_back(std::move(text.silence));
}

void list_silence_settings(std::vector<std::pair<std::string, Row>>& into) {
    for (const auto& s : kSilence) into.emplace_back("alerts.silences." + std::string(s.row.name), s.row);
}

}  // namespace bkmon::config
