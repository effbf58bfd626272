#include "common/base/json_writer.h"
#include "daemon/control/pages.h"
#include "daemon/control/rows_json.h"
#include "daemon/control/selection.h"
#include "daemon/control/targets_handlers.h"

namespace bkmon::control {

namespace {

constexpr std::size_t kSlice = 250;     // targets written in one turn of the loop
constexpr std::size_t kCounted = 2000;  // and counted

/// One `status` being answered. Counts first, then the rows, both in slices: ten thousand targets never hold the loop. Targets may vanish
/// between slices: their objects stay.
class StatusAnswer : public std::enable_shared_from_this<StatusAnswer> {
public:
    StatusAnswer(ControlParts& parts, CallPtr call, Selection selection)
        : parts_(parts), call_(std::move(call)), selection_(std::move(selection)), as_of_(parts.loop.clock().now()) {
        all_ = parts_.registry.match({}, selection_.kind);
    }

    void count_slice() {
        const auto end = std::min(at_ + kCounted, all_.size());
        for (; at_ < end; ++at_) {
            const auto* target = all_[at_];
            const auto& id = target->spec.id.str();
            if (!target->defined || !selection_.picks_id(id) || !call_->caller().may_touch(id) || !selection_.picks_labels(target->spec.labels))
                continue;
            const auto status = parts_.registry.status(*target);
            ++counts_[static_cast<std::size_t>(status)];
            if (selection_.picks_status(status)) picked_.push_back(target);
        }
        const auto next = [self = shared_from_this()] { self->at_ < self->all_.size() ? self->count_slice() : self->send(); };
        static_cast<void>(parts_.loop.post(Task(next)));
    }

private:
    void send() {
        at_ = 0;
        LongAnswer answer;
        answer.fetch = [self = shared_from_this()](const std::function<void(Result<Rows>)>& done) { done(self->next_rows()); };
        answer.wrap = [self = shared_from_this()](std::string_view rows, bool first) { return self->wrap(rows, first); };
        answer.most_at_once = static_cast<std::size_t>(-1);
        send_rows(parts_.loop, call_, std::move(answer));
    }

    Rows next_rows() {
        Chunks chunks(kSlice);
        for (const auto end = std::min(at_ + kSlice, picked_.size()); at_ < end; ++at_)
            if (picked_[at_]->defined) chunks.add([&](JsonWriter& w) { parts_.registry.put(w, *picked_[at_]); });
        Rows rows;
        rows.count = chunks.count();
        rows.chunks = chunks.take();
        rows.last = at_ == picked_.size();
        return rows;
    }

    std::string wrap(std::string_view rows, bool first) const {
        JsonWriter w;
        w.begin_object().field("as_of", as_of_).field("site", parts_.settings().site).key("counts");
        first ? put_counts(w, counts_) : static_cast<void>(w.null());
        w.field("total", static_cast<std::uint64_t>(picked_.size())).key("targets").begin_array();
        if (!rows.empty()) w.raw(rows);
        w.end_array().key("degraded").begin_array();
        if (first)
            for (const auto& sentence : parts_.degraded()) w.value(sentence);
        w.end_array().key("stale").begin_array();
        if (first)
            for (const auto& sentence : parts_.stale()) w.value(sentence);
        return w.end_array().end_object().take();
    }

    ControlParts& parts_;
    const CallPtr call_;
    const Selection selection_;
    const Time as_of_;
    std::vector<const targets::Target*> all_, picked_;
    std::size_t at_ = 0;
    targets::Counts counts_{};
};

}  // namespace

void handle_status(ControlParts& parts, CallPtr call) {
    auto selection = Selection::read(call->params());
    if (!selection) return call->fail(selection.error());
    // A name that means nothing is a mistake; a glob may be empty.
    for (const auto& pattern : selection->patterns)
        if (is_literal(pattern) && !is_known(parts.registry, pattern, call->caller())) return refuse_unknown(parts.registry, pattern, *call);
    std::make_shared<StatusAnswer>(parts, std::move(call), std::move(*selection))->count_slice();
}

}  // namespace bkmon::control
