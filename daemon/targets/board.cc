#include "daemon/targets/board.h"

#include "daemon/targets/shown.h"

namespace bkmon::targets {

Entry* Board::find(const TargetId& id) const {
    const auto found = by_key_.find(id.key());
    return found == by_key_.end() ? nullptr : found->second;
}

Entry& Board::entry(const TargetId& id) {
    if (auto* known = find(id)) return *known;
    const auto place = entries_.emplace(id.key(), std::make_unique<Entry>()).first;
    Entry& fresh = *place->second;
    fresh.target.spec.id = id;
    by_key_.emplace(place->first, &fresh);
    return fresh;
}

void Board::uncount(Entry& entry) {
    if (!entry.counted) return;
    --counts_[static_cast<std::size_t>(*entry.counted)];
    --size_;
    entry.counted.reset();
}

void Board::refresh(Entry& entry, Time now) {
    uncount(entry);
    if (entry.deadline) deadlines_.erase({*entry.deadline, &entry});
    entry.deadline.reset();
    if (!entry.target.defined) return;
    entry.counted = status_at(entry.target, now);
    ++counts_[static_cast<std::size_t>(*entry.counted)];
    ++size_;
    entry.deadline = next_change(entry.target, now);
    if (entry.deadline) deadlines_.emplace(*entry.deadline, &entry);
}

void Board::sync(Time now) {
    if (now < seen_)
        for (const auto& [key, entry] : entries_) refresh(*entry, now);
    seen_ = now;
    while (!deadlines_.empty() && deadlines_.begin()->first <= now) refresh(*deadlines_.begin()->second, now);
}

std::optional<Time> Board::next_deadline() const { return deadlines_.empty() ? std::nullopt : std::optional(deadlines_.begin()->first); }

}  // namespace bkmon::targets
