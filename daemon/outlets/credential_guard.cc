#include "daemon/outlets/credential_guard.h"

#include <algorithm>

#include "common/base/text.h"

namespace bkmon::outlets {

bool CredentialGuard::may_try(BootTime now) {
    if (given_up()) return false;
    if (proven_ && refused_.empty()) return true;
    if (in_flight_ + static_cast<int>(refused_.size()) < kMost + extra_) return true;
    if (now - last_ < kPatience) return false;
    ++extra_;  // whoever is silent for so long refuses nothing
    last_ = now;
    return true;
}

void CredentialGuard::begun(BootTime now) {
    ++in_flight_;
    last_ = now;
}

void CredentialGuard::ended(End end, BootTime now, const std::string& where, smb::Outcome why) {
    --in_flight_;
    last_ = now;
    if (given_up() || end == End::neither) return;
    extra_ = 0;
    if (end == End::accepted) {
        proven_ = true;
        return refused_.clear();
    }
    refused_.push_back(where);
    why_ = why;
}

std::shared_ptr<CredentialGuard> CredentialGuards::of(const std::string& domain, const std::string& user) {
    auto& known = guards_[lower(domain + '\\' + user)];
    auto guard = known.lock();
    if (!guard) known = guard = std::make_shared<CredentialGuard>();
    std::erase_if(guards_, [](const auto& entry) { return entry.second.expired(); });
    return guard;
}

}  // namespace bkmon::outlets
