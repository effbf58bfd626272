#pragma once
#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include "common/base/time.h"

namespace bkmon::control {

/// Lets so many things per user through, then one each interval, so that nobody can fill the journal or the audit by being refused.
class Throttle {
public:
    Throttle(int burst, milliseconds interval) : burst_(burst), interval_(interval) {}

    /// How many were held back since the last one that passed; nullopt: hold this one back.
    std::optional<int> pass(std::uint32_t uid, BootTime now) {
        if (users_.size() > kMostUsers) users_.clear();
        auto [it, fresh] = users_.try_emplace(uid, User{burst_, 0, now});
        auto& user = it->second;
        const auto earned = (now - user.since) / interval_;
        user.since += earned * interval_;
        user.left = static_cast<int>(std::min<std::int64_t>(burst_, user.left + earned));
        if (user.left == 0) {
            ++user.held_back;
            return std::nullopt;
        }
        --user.left;
        return std::exchange(user.held_back, 0);
    }

private:
    struct User {
        int left, held_back;
        BootTime since;
    };
    static constexpr std::size_t kMostUsers = 1024;
    int burst_;
    milliseconds interval_;
    std::map<std::uint32_t, User> users_;
};

}  // namespace bkmon::control
