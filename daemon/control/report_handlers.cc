#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "common/base/text.h"
#include "daemon/control/pages.h"
#include "daemon/control/rows_json.h"
#include "daemon/control/selection.h"
#include "daemon/control/targets_handlers.h"
#include "daemon/core/day.h"
#include "daemon/core/schedule.h"

namespace bkmon::control {

namespace {

using std::chrono::days;
using std::chrono::sys_days;

constexpr days kMostDays{3700};
constexpr days kDefaultDays{30};

/// Filters on daily rows. Shared between loop and reader thread, one after the other.
struct DayFilter {
    Selection selection;
    Caller caller;
    bool by_label = false;
    std::set<std::string> labelled;  ///< keys of the targets that have the labels
    sys_days day, last;              ///< still to be read, inclusive
};

bool wanted(const DayFilter& filter, const history::DailyRow& row) {
    const auto& id = row.target.str();
    return filter.selection.picks_id(id) && filter.caller.may_touch(id) && (!filter.by_label || filter.labelled.contains(row.target.key()));
}

Result<std::vector<history::DailyRow>> read_day(history::Reader& reader, const DayFilter& filter, sys_days day) {
    history::DailyQuery query;
    query.kind = lower(filter.selection.kind);
    query.from = query.to = core::date_text(day);
    query.evidence = false;
    auto rows = reader.daily(query);
    if (rows) std::erase_if(*rows, [&](const history::DailyRow& row) { return !wanted(filter, row); });
    return rows;
}

Result<std::shared_ptr<DayFilter>> filter_of(ControlParts& parts, const Call& call) {
    auto selection = Selection::read(call.params());
    if (!selection) return fail(selection.error());
    const auto filter = std::make_shared<DayFilter>();
    filter->selection = std::move(*selection);
    filter->caller = call.caller();
    filter->by_label = !filter->selection.labels.empty();
    if (filter->by_label)
        for (const auto* target : parts.registry.match({}, filter->selection.kind))
            if (filter->selection.picks_labels(target->spec.labels)) filter->labelled.insert(target->spec.id.key());
    return filter;
}

// ---- report

Result<void> read_range(ControlParts& parts, const Call& call, DayFilter& filter) {
    // Days are those of each target's zone: the last one is today where it is latest.
    const Time now = parts.loop.clock().now();
    const auto today = *core::parse_date(core::local_date(now + std::chrono::hours(14), "UTC"));
    const auto date = [&](const char* name, sys_days otherwise) -> Result<sys_days> {
        const auto text = call.params().string(name);
        if (!text) return fail(text.error());
        if (!*text || (*text)->empty()) return otherwise;
        const auto day = core::parse_date(**text);
        if (!day) return fail(Errc::invalid, fmt::format("{}: not a date like 2026-11-22", name));
        return *day;
    };
    const auto to = date("to", today);
    if (!to) return fail(to.error());
    const auto from = date("from", *to - kDefaultDays);
    if (!from) return fail(from.error());
    if (*from > *to) return fail(Errc::invalid, "from: later than to");
    if (*to - *from > kMostDays) return fail(Errc::invalid, fmt::format("more than {} days", kMostDays.count()));
    filter.day = *from;
    filter.last = *to;
    return {};
}

/// The inventory by the part of a target's key that names the outlet, also of outlets that are gone. Read once, when there is one.
class Outlets {
public:
    Result<const history::OutletRow*> of(history::Reader& reader, const TargetId& target) {
        if (target.kind() != "outlet") return nullptr;
        if (!std::exchange(read_, true)) {
            auto rows = reader.outlets();
            if (!rows) return fail(std::move(rows.error()));
            for (auto& row : *rows) rows_.emplace(lower(encode_component(row.code)), std::move(row));
        }
        const auto& key = target.key();
        const auto begin = key.find('/') + 1;
        const auto it = rows_.find(key.substr(begin, key.find('/', begin) - begin));
        return it == rows_.end() ? nullptr : &it->second;
    }

private:
    std::map<std::string, history::OutletRow> rows_;
    bool read_ = false;
};

/// Days until there is something to send, at most a month at a time.
Result<void> read_rows(history::Reader& reader, const DayFilter& filter, Outlets& outlets, Rows& rows, sys_days& next) {
    Chunks chunks;
    next = filter.day;
    for (int i = 0; i < 31 && next <= filter.last && chunks.count() == 0; ++i, next += days(1)) {
        auto day = read_day(reader, filter, next);
        if (!day) return fail(std::move(day.error()));
        for (const auto& row : *day) {
            if (!filter.selection.picks_status(row.verdict.status)) continue;
            const auto outlet = outlets.of(reader, row.target);
            if (!outlet) return fail(outlet.error());
            chunks.add([&](JsonWriter& w) { put_day(w, row, *outlet); });
        }
    }
    rows.count = chunks.count();
    rows.chunks = chunks.take();
    rows.last = next > filter.last;
    return {};
}

// ---- summary

struct DayCount {
    sys_days date;
    std::uint64_t ok = 0, total = 0;
    targets::Counts by_status{};
};

/// Paused and never-due targets are left out.
bool is_counted(const core::Verdict& v) { return v.status != core::Status::paused && v.reason_code != "first_due"; }

Result<void> count_day(history::Reader& reader, const DayFilter& filter, DayCount& count) {
    count = DayCount{filter.day, 0, 0, {}};
    auto rows = read_day(reader, filter, filter.day);
    if (!rows) return fail(std::move(rows.error()));
    for (const auto& row : *rows) {
        if (!is_counted(row.verdict)) continue;
        ++count.by_status[static_cast<std::size_t>(row.verdict.status)];
        ++count.total;
        count.ok += core::is_good(row.verdict.status) ? 1 : 0;
    }
    return {};
}

/// One day after the other, so that other readers get in between.
class Summary : public std::enable_shared_from_this<Summary> {
public:
    Summary(ControlParts& parts, CallPtr call, std::shared_ptr<DayFilter> filter)
        : parts_(parts), call_(std::move(call)), filter_(std::move(filter)) {}

    void step() {
        if (filter_->day > filter_->last) return finish();
        const auto count = std::make_shared<DayCount>();
        parts_.store.read([filter = filter_, count](history::Reader& reader) { return count_day(reader, *filter, *count); },
                          [self = shared_from_this(), count](Result<void> done) {
                              if (!done) return self->call_->fail(done.error());
                              self->days_.push_back(*count);
                              self->filter_->day += days(1);
                              self->step();
                          });
    }

private:
    void finish() {
        JsonWriter w;
        w.begin_object().key("days").begin_array();
        for (const auto& d : days_) {
            w.begin_object().field("date", core::date_text(d.date)).field("ok", d.ok).field("bad", d.total - d.ok).field("total", d.total).key("by_status");
            put_counts(w, d.by_status);
            w.end_object();
        }
        call_->reply(w.end_array().end_object().take());
    }

    ControlParts& parts_;
    const CallPtr call_;
    const std::shared_ptr<DayFilter> filter_;
    std::vector<DayCount> days_;
};

}  // namespace

void handle_report(ControlParts& parts, CallPtr call) {
    const auto made = filter_of(parts, *call);
    if (!made) return call->fail(made.error());
    const auto filter = *made;
    if (auto r = read_range(parts, *call, *filter); !r) return call->fail(r.error());
    LongAnswer answer;
    answer.fetch = [&parts, filter, outlets = std::make_shared<Outlets>()](const std::function<void(Result<Rows>)>& done) {
        const auto got = std::make_shared<std::pair<Rows, sys_days>>();
        parts.store.read([filter, outlets, got](history::Reader& reader) { return read_rows(reader, *filter, *outlets, got->first, got->second); },
                         [filter, got, done](Result<void> result) {
                             if (!result) return done(fail(result.error()));
                             filter->day = got->second;
                             done(std::move(got->first));
                         });
    };
    answer.wrap = [](std::string_view rows, bool) {
        JsonWriter w;
        w.begin_object().key("rows").begin_array();
        if (!rows.empty()) w.raw(rows);
        return w.end_array().end_object().take();
    };
    send_rows(parts.loop, std::move(call), std::move(answer));
}

void handle_summary(ControlParts& parts, const CallPtr& call) {
    const auto made = filter_of(parts, *call);
    if (!made) return call->fail(made.error());
    const auto count = call->params().integer("days");
    if (!count) return call->invalid("days", count.error().what);
    const auto wanted_days = count->value_or(kDefaultDays.count());
    if (wanted_days < 1 || wanted_days > kMostDays.count()) return call->invalid("days", fmt::format("from 1 to {}", kMostDays.count()));
    (*made)->last = *core::parse_date(core::local_date(parts.loop.clock().now(), parts.settings().timezone));
    (*made)->day = (*made)->last - days(wanted_days - 1);
    std::make_shared<Summary>(parts, call, *made)->step();
}

}  // namespace bkmon::control
