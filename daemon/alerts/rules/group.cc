#include "daemon/alerts/rules/group.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace bkmon::alerts {
namespace {

using Items = std::vector<std::size_t>;

struct Shared {
    Items items;
    std::size_t place = 0;  ///< of the trait among those of its first item: the more it explains, the smaller
    bool certain = false, explains = false;
};

using Total = std::function<std::size_t(const std::string&, const std::string&)>;

/// Known, not guessed: whatever else its targets share is chance.
bool is_certain(const std::string& trait) { return trait == "credential"; }

/// What is certain; else the trait that most of them share of those that most who have it suffer from ("212 of 214 of region north" says more
/// than "242 of 1000 of mode d-drive"); else the one that most of them share. Of equals the one that explains best. Empty where nothing is
/// shared by enough.
std::pair<std::pair<std::string, std::string>, Items> best_cause(const std::vector<Waiting>& waiting, const Items& items, std::size_t enough,
                                                                 const Total& total) {
    std::map<std::pair<std::string, std::string>, Shared> shared;
    for (const auto i : items)
        for (std::size_t place = 0; place < waiting[i].traits.size(); ++place) {
            auto& s = shared[waiting[i].traits[place]];
            if (s.items.empty()) s.place = place;
            if (s.items.empty() || s.items.back() != i) s.items.push_back(i);
        }
    std::erase_if(shared, [&](const auto& one) { return one.second.items.size() < enough; });
    for (auto& [trait, s] : shared) {
        s.certain = is_certain(trait.first);
        s.explains = 2 * s.items.size() >= total(trait.first, trait.second);
    }
    const auto best = std::max_element(shared.begin(), shared.end(), [](const auto& a, const auto& b) {
        const Shared &x = a.second, &y = b.second;
        return std::tuple(x.certain, x.explains, x.items.size(), y.place) < std::tuple(y.certain, y.explains, y.items.size(), x.place);
    });
    if (best == shared.end()) return {};
    return {best->first, std::move(best->second.items)};
}

void take_away(Items& from, const Items& what) {
    std::erase_if(from, [&](std::size_t i) { return std::binary_search(what.begin(), what.end(), i); });
}

}  // namespace

std::vector<Group> group(const std::vector<Waiting>& waiting, const std::function<std::size_t(const std::string&, const std::string&)>& total,
                         const GroupRules& rules) {
    std::map<std::pair<Word, int>, Items, std::greater<>> kinds;  // by what is said and how bad it is
    for (std::size_t i = 0; i < waiting.size(); ++i) kinds[{waiting[i].word, rank(waiting[i].status)}].push_back(i);
    std::vector<Group> groups;
    for (auto& [kind, left] : kinds) {
        while (left.size() >= rules.together) {
            auto [trait, items] = best_cause(waiting, left, rules.together, total);
            if (items.empty()) break;
            take_away(left, items);
            const auto of = std::max(total(trait.first, trait.second), items.size());
            groups.push_back({std::move(items), trait.first, trait.second, of});
        }
        if (left.size() > rules.most_alone) {
            groups.push_back({std::move(left), "", "", 0});
        } else {
            for (const auto i : left) groups.push_back({{i}, "", "", 0});
        }
    }
    return groups;
}

}  // namespace bkmon::alerts
