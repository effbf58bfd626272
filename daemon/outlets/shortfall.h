#pragma once
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace bkmon::outlets {

/// What the last scan of each mode could not do that is no outlet's fault: the verdict of bkmon/outlets. A value; all texts in it are printable.
class Shortfall {
public:
    /// Nobody was looked at: no password, or the like.
    void not_scanned(const std::string& mode, const std::string& why) { not_scanned_[mode] = why; }
    /// Some, or all, could not be looked at for a fault of bkmon's own: a thousand outlets are no thousand faults then.
    void own_fault(const std::string& mode, const std::string& what) { own_faults_[mode] = what; }

    /// It can be scanned.
    void begun(const std::string& mode) { not_scanned_.erase(mode); }
    /// And was, by bkmon without a fault.
    void looked(const std::string& mode) { own_faults_.erase(mode); }
    void forget(const std::function<bool(const std::string& mode)>& gone);

    bool empty() const { return not_scanned_.empty() && own_faults_.empty(); }
    std::string sentence() const;

    /// A JSON object, the verdict's evidence: who starts anew has it from there.
    std::string evidence() const;
    /// Anything else than what evidence() writes gives none.
    static Shortfall from(std::string_view evidence);

private:
    std::map<std::string, std::string> not_scanned_, own_faults_;  ///< by mode
};

}  // namespace bkmon::outlets
