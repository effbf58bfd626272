#include "common/protocol/methods.h"

#include <algorithm>

namespace bkmon::protocol {

namespace {
constexpr std::array<std::string_view, 4> kRoleNames{"none", "viewer", "operator", "admin"};

constexpr bool strictly_sorted() {
    for (std::size_t i = 1; i < kMethods.size(); ++i)
        if (!(kMethods[i - 1].name < kMethods[i].name)) return false;
    return true;
}
static_assert(strictly_sorted(), "kMethods: sort by name, no duplicates");
}  // namespace

std::string_view name_of(Role role) { return kRoleNames[static_cast<std::size_t>(role)]; }

std::optional<Role> role_of(std::string_view name) {
    const auto it = std::find(kRoleNames.begin(), kRoleNames.end(), name);
    if (it == kRoleNames.end()) return std::nullopt;
    return static_cast<Role>(it - kRoleNames.begin());
}

const MethodSpec* find_method(std::string_view name) {
    const auto it =
        std::lower_bound(kMethods.begin(), kMethods.end(), name, [](const MethodSpec& spec, std::string_view n) { return spec.name < n; });
    return it != kMethods.end() && it->name == name ? &*it : nullptr;
}

}  // namespace bkmon::protocol
