#include "daemon/alerts/plan.h"

#include <algorithm>
#include <iterator>
#include <map>

namespace bkmon::alerts {

namespace {

constexpr std::size_t kMany = 50, kMostOfMany = 5;

using Total = std::function<std::size_t(const std::string&, const std::string&)>;

void worst_first(const std::vector<Pending>& pending, std::vector<std::size_t>& items) {
    std::stable_sort(items.begin(), items.end(), [&](std::size_t a, std::size_t b) {
        const auto &x = pending[a].row, &y = pending[b].row;
        if (x.severity != y.severity) return x.severity > y.severity;
        return rank(x.to) > rank(y.to);
    });
}

std::vector<Planned> groups_of(const std::vector<Pending>& pending, const std::vector<std::size_t>& chosen, const Total& total) {
    std::vector<Waiting> waiting;
    for (const auto i : chosen) {
        const auto& p = pending[i];
        waiting.push_back({p.row.target, p.row.word == Word::recovered ? p.row.from : p.row.to, p.row.word, p.facts.traits});
    }
    std::vector<Planned> plans;
    for (auto& g : group(waiting, total)) {
        Planned one;
        one.recipient = pending[chosen.front()].row.recipient;
        one.text = pending[chosen.front()].row.text;
        for (const auto i : g.items) one.items.push_back(chosen[i]);
        one.trait = std::move(g.trait);
        one.value = std::move(g.value);
        one.of = g.of;
        worst_first(pending, one.items);
        plans.push_back(std::move(one));
    }
    return plans;
}

/// Takes all from `first` on out of `plans`: one mail, worst first, of nothing that they share.
Planned taken_together(const std::vector<Pending>& pending, std::vector<Planned>& plans, std::size_t first) {
    Planned rest = std::move(plans[first]);
    rest.trait.clear();
    rest.value.clear();
    rest.of = 0;
    for (auto i = first + 1; i < plans.size(); ++i) rest.items.insert(rest.items.end(), plans[i].items.begin(), plans[i].items.end());
    worst_first(pending, rest.items);
    plans.resize(first);
    return rest;
}

/// As many as may be: the rest is one mail, which says how many it stands for.
void limit(const std::vector<Pending>& pending, std::vector<Planned>& plans, int most) {
    if (plans.size() <= static_cast<std::size_t>(std::max(most, 0))) return;
    if (most <= 0) return plans.clear();
    const auto suppressed = plans.size() - static_cast<std::size_t>(most);
    plans.push_back(taken_together(pending, plans, static_cast<std::size_t>(most - 1)));
    plans.back().suppressed = suppressed;
}

/// Of many problems at once few mails: the largest groups, and one with all the others, worst first, for what happened to them.
void gather(const std::vector<Pending>& pending, std::vector<Planned>& plans) {
    std::map<Word, std::vector<Planned>> by_word;
    for (auto& one : plans) by_word[pending[one.items.front()].row.word].push_back(std::move(one));
    plans.clear();
    for (auto& [word, of_word] : by_word) {
        std::size_t items = 0;
        for (const auto& one : of_word) items += one.items.size();
        if (items < kMany || of_word.size() <= kMostOfMany) {
            std::move(of_word.begin(), of_word.end(), std::back_inserter(plans));
            continue;
        }
        std::stable_sort(of_word.begin(), of_word.end(), [](const auto& a, const auto& b) { return a.items.size() > b.items.size(); });
        plans.push_back(taken_together(pending, of_word, kMostOfMany - 1));
        std::move(of_word.begin(), of_word.end(), std::back_inserter(plans));
    }
}

}  // namespace

std::vector<Planned> plan(const std::vector<Pending>& pending, const Total& total, const std::function<int(const std::string&)>& allowance) {
    std::map<std::string, std::map<std::string, std::vector<std::size_t>>> by_recipient;  // then by template
    for (std::size_t i = 0; i < pending.size(); ++i) by_recipient[pending[i].row.recipient][pending[i].row.text].push_back(i);
    std::vector<Planned> all;
    for (const auto& [recipient, by_text] : by_recipient) {
        std::vector<Planned> plans;
        for (const auto& [text, items] : by_text) {
            std::vector<Planned> groups;
            for (auto& one : groups_of(pending, items, total)) groups.push_back(std::move(one));
            gather(pending, groups);
            std::move(groups.begin(), groups.end(), std::back_inserter(plans));
        }
        limit(pending, plans, allowance(recipient));
        for (auto& one : plans) all.push_back(std::move(one));
    }
    return all;
}

}  // namespace bkmon::alerts
