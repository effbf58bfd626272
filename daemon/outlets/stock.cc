#include "daemon/outlets/stock.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "common/base/text.h"
#include "daemon/core/schedule.h"

namespace bkmon::outlets {
namespace {

constexpr milliseconds kHorizon{std::chrono::hours(24 * 35)};
constexpr std::size_t kMoments = 2000;  ///< of one schedule that are looked at

std::string code_key(const std::string& code) { return lower(encode_component(code)); }

std::vector<std::string> names_of(const std::vector<core::OutletMode>& modes) {
    std::vector<std::string> names;
    for (const auto& mode : modes)
        if (mode.active) names.push_back(mode.name);
    return names;
}

void index(Stock& stock, const std::vector<core::OutletMode>& modes) {
    stock.modes = names_of(modes);
    stock.targets.resize(stock.outlets.size());
    stock.by_code.reserve(stock.outlets.size() + stock.gone.size());
    for (std::size_t i = 0; i < stock.outlets.size(); ++i) {
        const auto& outlet = stock.outlets[i];
        stock.by_code.emplace(code_key(outlet.code), &outlet);
        if (!outlet.active) continue;
        ++stock.active;
        for (const auto& mode : stock.modes) stock.targets[i].push_back(TargetId::of("outlet", {outlet.code, mode}));
    }
    for (const auto& outlet : stock.gone) stock.by_code.emplace(code_key(outlet.code), &outlet);
}

core::Labels labels_of(const core::Outlet& outlet, const core::OutletMode& mode) {
    auto labels = outlet.labels;
    labels.insert(mode.labels.begin(), mode.labels.end());  // what the outlet says of itself is nearer
    return labels;
}

/// The moments to come at which every outlet gets a result; the end of what was looked at lands in `until`.
std::vector<Time> moments_of(const core::OutletSchedule& entry, const std::string& zone, Time now, Time& until) {
    std::vector<Time> moments;
    const auto schedule = core::Schedule::parse(entry.expression, zone);
    if (!schedule) return moments;
    std::string day;
    std::size_t looked = 0;
    for (auto at = schedule->next_after(now); at; at = schedule->next_after(*at)) {
        if (++looked > kMoments || (*at - now > kHorizon && moments.size() > 2)) {
            until = std::min(until, *at);
            break;
        }
        // Of the moments of one day the first looks at all of those that are pending.
        const auto date = entry.only.empty() ? std::string() : core::local_date(*at, zone);
        if (entry.only.empty() || date != day) moments.push_back(*at);
        day = date;
    }
    return moments;
}

}  // namespace

std::optional<std::size_t> Stock::mode(const std::string& name) const {
    const auto it = std::find_if(modes.begin(), modes.end(), [&](const auto& m) { return equal_ignoring_case(m, name); });
    return it == modes.end() ? std::nullopt : std::optional(static_cast<std::size_t>(it - modes.begin()));
}

const core::Outlet* Stock::find(const TargetId& target) const {
    const auto& key = target.key();
    const auto from = key.find('/'), to = key.rfind('/');
    if (from == std::string::npos || to <= from || !key.starts_with("outlet/")) return nullptr;
    const auto it = by_code.find(key.substr(from + 1, to - from - 1));
    return it == by_code.end() ? nullptr : it->second;
}

StockPtr make_stock(std::vector<core::Outlet> outlets, const std::vector<core::OutletMode>& modes, const Stock* before) {
    auto stock = std::make_shared<Stock>();
    stock->outlets = std::move(outlets);
    if (before != nullptr) {
        std::map<std::string, bool> there;
        for (const auto& outlet : stock->outlets) there.emplace(code_key(outlet.code), true);
        for (const auto* list : {&before->outlets, &before->gone})
            for (const auto& outlet : *list)
                if (!there.contains(code_key(outlet.code))) stock->gone.push_back(outlet);
    }
    index(*stock, modes);
    return stock;
}

StockPtr make_stock(std::vector<history::OutletRow> rows, const std::vector<core::OutletMode>& modes) {
    auto stock = std::make_shared<Stock>();
    for (auto& row : rows) {
        core::Outlet outlet{std::move(row.code), std::move(row.name), std::move(row.address), row.active, std::move(row.labels)};
        (row.gone_at ? stock->gone : stock->outlets).push_back(std::move(outlet));
    }
    index(*stock, modes);
    return stock;
}

bool has_modes(const Stock& stock, const std::vector<core::OutletMode>& modes) { return stock.modes == names_of(modes); }

std::vector<history::OutletRow> rows_of(const Stock& stock) {
    std::vector<history::OutletRow> rows;
    rows.reserve(stock.outlets.size());
    for (const auto& o : stock.outlets) rows.push_back({o.code, o.name, o.address, o.active, o.labels, {}});
    return rows;
}

std::vector<targets::TargetSpec> specs_of(const Stock& stock, const std::vector<core::OutletMode>& modes, Time now) {
    std::vector<targets::TargetSpec> specs;
    specs.reserve(stock.active * stock.modes.size());
    std::size_t nth = 0;
    for (const auto& mode : modes) {
        if (!mode.active) continue;
        const auto which = nth++;
        const auto interval = evidence_interval(mode, now);
        const auto recipients = mode.recipients.empty() ? nullptr : std::make_shared<const std::vector<std::string>>(mode.recipients);
        const auto due = next_scan(mode, now);
        const auto reason =
            due ? "first scan due " + core::local_text(*due, mode.timezone, true) : "not scanned yet: bkmonctl outlets scan --mode " + mode.name;
        for (std::size_t i = 0; i < stock.outlets.size(); ++i) {
            if (!stock.outlets[i].active) continue;
            targets::TargetSpec spec;
            spec.id = stock.targets[i][which];
            spec.labels = labels_of(stock.outlets[i], mode);
            spec.timezone = mode.timezone;
            spec.interval = interval;
            spec.recipients = recipients;
            spec.initial = core::plain_verdict(core::Status::unknown, "first_due", reason, now);
            specs.push_back(std::move(spec));
        }
    }
    return specs;
}

std::optional<milliseconds> evidence_interval(const core::OutletMode& mode, Time now) {
    std::vector<Time> moments;
    Time until = Time::max();
    for (const auto& entry : mode.schedules) {
        if (entry.only == "problems") continue;  // what is well is not looked at
        const auto some = moments_of(entry, mode.timezone, now, until);
        moments.insert(moments.end(), some.begin(), some.end());
    }
    std::sort(moments.begin(), moments.end());
    std::erase_if(moments, [&](Time t) { return t > until; });
    milliseconds longest{0};
    for (std::size_t i = 1; i < moments.size(); ++i) longest = std::max(longest, moments[i] - moments[i - 1]);
    if (longest == milliseconds(0)) return mode.max_age;
    return longest;
}

std::optional<Time> next_scan(const core::OutletMode& mode, Time now) {
    std::optional<Time> next;
    for (const auto& entry : mode.schedules) {
        const auto schedule = core::Schedule::parse(entry.expression, mode.timezone);
        const auto at = schedule ? schedule->next_after(now) : std::nullopt;
        if (at && (!next || *at < *next)) next = at;
    }
    return next;
}

}  // namespace bkmon::outlets
