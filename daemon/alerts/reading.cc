// Events of the history become incidents and notices.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/base/text.h"
#include "daemon/alerts/part_impl.h"
#include "daemon/platform/loop/slices.h"

namespace bkmon::alerts {

namespace {

constexpr int kEvents = 200;  ///< in one transaction
constexpr int kIncidents = 200;
constexpr int kMostOpen = 200000;
constexpr std::size_t kSlice = 500;  ///< targets in one turn of the loop

/// An event that is about a target, as far as it matters here.
struct Happened {
    TargetId target;
    bool verdict = false;  ///< else something that an operator did: time may make something of it
    core::Verdict what;
};

std::optional<Happened> happened(const history::EventRow& event) {
    Happened h;
    h.target = event.target;
    h.verdict = event.type == "verdict";
    if (event.target.empty() || (!h.verdict && event.type != "operator")) return std::nullopt;
    const auto body = nlohmann::json::parse(event.body, nullptr, false);
    if (!body.is_object()) return std::nullopt;
    const auto text = [&](const char* name) { return body.contains(name) && body[name].is_string() ? body[name].get<std::string>() : std::string(); };
    const auto status = core::status_of(text("status"));
    const auto severity = core::severity_of(text("severity"));
    if (!status || !severity) return std::nullopt;
    h.what.status = *status;
    h.what.severity = *severity;
    h.what.reason_code = text("reason_code");
    h.what.reason = text("reason");
    h.what.at = event.at;
    return h;
}

}  // namespace

void Part::Impl::read_events() {
    struct Read {
        std::vector<Happened> list;
        std::int64_t last = 0;
        bool full = false;
    };
    auto read = std::make_shared<Read>();
    rooms.store.read(
        [read, from = mark](history::Reader& r) -> Result<void> {
            auto events = r.events_after(from, kEvents);
            if (!events) return fail(std::move(events.error()));
            for (const auto& event : *events)
                if (auto h = happened(event)) read->list.push_back(std::move(*h));
            read->full = events->size() >= static_cast<std::size_t>(kEvents);
            read->last = events->empty() ? from : events->back().seq;
            return {};
        },
        [weak = weak_from_this(), read](Result<void> done) {
            const auto self = weak.lock();
            if (!self) return;
            if (!done || read->last == self->mark) return self->over(Step::read, done);
            auto prepared = std::make_shared<std::vector<Prepared>>();
            auto touched = std::make_shared<std::vector<TargetId>>();
            for (const auto& h : read->list) {
                if (!h.verdict)
                    touched->push_back(h.target);
                else
                    prepared->push_back(self->prepare(h.target, h.what));
            }
            self->rooms.store.write(
                [prepared, touched, last = read->last, at = self->now(), flap = self->flap()](history::Session& s) -> Result<void> {
                    for (const auto& p : *prepared)
                        if (auto r = apply_turn(s, p, at, flap); !r) return r;
                    for (const auto& target : *touched)
                        if (auto r = s.touch_incidents(target, at); !r) return fail(std::move(r.error()));
                    return s.put_setting(kMark, std::to_string(last));
                },
                [weak, read](Result<void> written) {
                    const auto me = weak.lock();
                    if (!me) return;
                    if (written) {
                        me->mark = read->last;
                        if (read->full) me->wanted.insert(Step::read);
                        me->wanted.insert(Step::tick);
                    }
                    me->over(Step::read, written);
                });
        });
}

void Part::Impl::tick_incidents() {
    auto due = std::make_shared<std::vector<core::Incident>>();
    rooms.store.read(
        [due, at = now()](history::Reader& r) -> Result<void> {
            auto rows = r.incidents_due(at, kIncidents);
            if (!rows) return fail(std::move(rows.error()));
            *due = std::move(*rows);
            return {};
        },
        [weak = weak_from_this(), due](Result<void> done) {
            const auto self = weak.lock();
            if (!self) return;
            if (!done || due->empty()) {
                self->arm_tick();
                return self->over(Step::tick, done);
            }
            auto prepared = std::make_shared<std::vector<Prepared>>();
            for (const auto& incident : *due) {
                const auto* target = self->rooms.registry.find(incident.target);
                prepared->push_back(self->prepare(incident.target, target != nullptr ? target->current.verdict : core::Verdict()));
            }
            self->rooms.store.write(
                [due, prepared, at = self->now(), flap = self->flap()](history::Session& s) -> Result<void> {
                    for (std::size_t i = 0; i < due->size(); ++i)
                        if (auto r = apply_tick(s, (*due)[i], (*prepared)[i], at, flap); !r) return r;
                    return {};
                },
                [weak, due](Result<void> written) {
                    const auto me = weak.lock();
                    if (!me) return;
                    if (written && due->size() >= static_cast<std::size_t>(kIncidents)) me->wanted.insert(Step::tick);
                    me->arm_tick();
                    me->over(Step::tick, written);
                });
        });
}

void Part::Impl::reconcile() {
    auto open = std::make_shared<std::map<TargetId, core::Status>>();
    rooms.store.read(
        [open](history::Reader& r) -> Result<void> {
            history::IncidentQuery query;
            query.open_only = true;
            query.limit = kMostOpen;
            auto rows = r.incidents(query);
            if (!rows) return fail(std::move(rows.error()));
            for (const auto& row : *rows) open->emplace(row.target, row.status);
            return {};
        },
        [weak = weak_from_this(), open](Result<void> done) {
            const auto self = weak.lock();
            if (!self) return;
            if (!done) return self->over(Step::reconcile, done);
            auto differ = std::make_shared<std::vector<Prepared>>();
            auto all = std::make_shared<std::vector<const targets::Target*>>(self->rooms.registry.match({}, ""));
            loop::in_slices(
                self->rooms.loop, weak, all->size(), kSlice,
                [self = self.get(), all, open, differ](std::size_t i) {
                    const auto& target = *(*all)[i];
                    const auto& v = target.current.verdict;
                    const auto known = open->find(target.spec.id);
                    const bool bad = v.severity != core::Severity::ok && v.status != core::Status::late && v.status != core::Status::unknown;
                    if (v.status == core::Status::late || (known == open->end() && !bad) || (known != open->end() && known->second == v.status))
                        return;
                    differ->push_back(self->prepare(target.spec.id, v));
                },
                [weak, differ] {
                    const auto me = weak.lock();
                    if (!me) return;
                    me->rooms.store.write(
                        [differ, at = me->now(), flap = me->flap()](history::Session& s) -> Result<void> {
                            for (const auto& p : *differ)
                                if (auto r = apply_turn(s, p, at, flap); !r) return r;
                            auto touched = s.touch_incidents(std::nullopt, at);  // other rules may apply now, and some targets are gone
                            return touched ? Result<void>() : Result<void>(fail(std::move(touched.error())));
                        },
                        [weak](Result<void> written) {
                            const auto part = weak.lock();
                            if (!part) return;
                            part->wanted.insert(Step::tick);
                            part->over(Step::reconcile, written);
                        });
                });
        });
}

}  // namespace bkmon::alerts
