#include "daemon/config/likes.h"

#include <string_view>

#include "daemon/core/job_names.h"

namespace bkmon::config {
namespace {

/// The form with nothing but its unknown digits.
std::string unknown_digits(std::string form) {
    for (auto& c : form)
        if (c != core::kUnknownDigit) c = ' ';
    return form;
}

/// The form when those are unknown too.
std::string without(std::string form, std::string_view digits) {
    for (std::size_t i = 0; i < form.size(); ++i)
        if (digits[i] == core::kUnknownDigit) form[i] = core::kUnknownDigit;
    return form;
}

std::string group_of(const Likes::Forms& forms) { return core::masked_form(forms.place + '\n' + forms.database); }

}  // namespace

template <class Value>
Value& ByForm<Value>::at(const std::string& form) {
    const auto [place, fresh] = all_.try_emplace(form);
    auto* value = &place->second;
    if (!fresh) return *value;
    auto& kind = kinds_[unknown_digits(form)];
    kind.members.emplace_back(&place->first, value);
    for (auto& [asked, found] : kind.as_asked) found[without(form, asked)].push_back(value);
    return *value;
}

template <class Value>
template <class Use>
void ByForm<Value>::each(const std::string& form, const Use& use) {
    const auto asked = unknown_digits(form);
    for (auto& [digits, kind] : kinds_) {
        const auto [place, fresh] = kind.as_asked.try_emplace(asked);
        auto& found = place->second;
        if (fresh)
            for (const auto& [other, value] : kind.members) found[without(*other, asked)].push_back(value);
        const auto those = found.find(without(form, digits));
        if (those == found.end()) continue;
        for (auto* value : those->second) use(*value);
    }
}

void Likes::add(const Forms& forms, std::size_t job) { groups_[group_of(forms)].at(forms.place).at(forms.database).push_back(job); }

std::vector<std::size_t> Likes::of(const Forms& forms) {
    std::vector<std::size_t> found;
    const auto group = groups_.find(group_of(forms));
    if (group == groups_.end()) return found;
    group->second.each(forms.place, [&](Databases& databases) {
        databases.each(forms.database, [&](const std::vector<std::size_t>& jobs) { found.insert(found.end(), jobs.begin(), jobs.end()); });
    });
    return found;
}

}  // namespace bkmon::config
