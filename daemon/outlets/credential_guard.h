#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/base/time.h"
#include "daemon/platform/smb/visit.h"

namespace bkmon::outlets {

/// Keeps one credential from being tried at a thousand servers when it is wrong: the first logins go out few at a time, until one was
/// accepted; after kMost refusals in a row it is given up. Shared by the scans that use it at the same time. A value of its own clock: none.
class CredentialGuard {
public:
    static constexpr int kMost = 3;
    static constexpr milliseconds kPatience{500};  ///< servers that do not answer hold the others up no longer than this, each

    /// Whether one more server may be tried now.
    bool may_try(BootTime now);
    void begun(BootTime now);
    enum class End { accepted, refused, neither };
    /// `where`: the outlet's code, `why`: what it said; of a refusal.
    void ended(End end, BootTime now, const std::string& where = {}, smb::Outcome why = smb::Outcome::login_refused);

    bool given_up() const { return refused_.size() >= kMost; }
    const std::vector<std::string>& refused_by() const { return refused_; }  ///< codes of the present row, the oldest first
    smb::Outcome why() const { return why_; }                                ///< the newest refusal

private:
    std::vector<std::string> refused_;
    smb::Outcome why_ = smb::Outcome::login_refused;
    bool proven_ = false;
    int in_flight_ = 0, extra_ = 0;
    BootTime last_{};
};

/// The guards of the scans under way: one for user and domain, case ignored. It goes with the last scan that has it.
class CredentialGuards {
public:
    std::shared_ptr<CredentialGuard> of(const std::string& domain, const std::string& user);

private:
    std::map<std::string, std::weak_ptr<CredentialGuard>> guards_;
};

}  // namespace bkmon::outlets
