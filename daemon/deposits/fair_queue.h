#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <tuple>
#include <utility>

namespace bkmon::deposits {

/// What waits for its turn, each of one owner. Whose fewest are under way comes first, then who has waited longest, so that one owner with many
/// does not delay the others. Every call takes the logarithm of what waits. Owners are compared by address, never looked into.
template <class Item>
class FairQueue {
public:
    bool empty() const { return order_.empty(); }

    /// How many of the next one's owner are under way: nobody who waits has fewer. Not when empty.
    int under_way() const { return std::get<0>(*order_.begin()); }

    void push(const void* owner, Item item) {
        auto& line = lines_[owner];
        line.waiting.emplace_back(++last_, std::move(item));
        if (line.waiting.size() == 1) order_.insert(place(owner, line));
    }

    /// The next one, which is under way until done(). Not when empty.
    Item pop() {
        const void* owner = std::get<2>(*order_.begin());
        auto& line = lines_[owner];
        order_.erase(order_.begin());
        Item item = std::move(line.waiting.front().second);
        line.waiting.pop_front();
        ++line.under_way;
        if (!line.waiting.empty()) order_.insert(place(owner, line));
        return item;
    }

    /// One of the owner's has ended.
    void done(const void* owner) {
        const auto found = lines_.find(owner);
        if (found == lines_.end() || found->second.under_way == 0) return;
        auto& line = found->second;
        if (!line.waiting.empty()) order_.erase(place(owner, line));
        --line.under_way;
        if (!line.waiting.empty())
            order_.insert(place(owner, line));
        else if (line.under_way == 0)
            lines_.erase(found);
    }

    void clear() {
        order_.clear();
        lines_.clear();
    }

private:
    struct Line {
        std::deque<std::pair<std::uint64_t, Item>> waiting;
        int under_way = 0;
    };
    using Place = std::tuple<int, std::uint64_t, const void*>;
    static Place place(const void* owner, const Line& line) { return {line.under_way, line.waiting.front().first, owner}; }

    std::map<const void*, Line> lines_;
    std::set<Place> order_;  ///< of the lines in which something waits
    std::uint64_t last_ = 0;
};

}  // namespace bkmon::deposits
