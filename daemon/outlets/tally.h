#pragma once
#include <optional>
#include <string>

#include "daemon/outlets/part.h"

namespace bkmon::outlets {

/// Counts what a scan has found. A value; told the time.
class Tally {
public:
    static constexpr std::size_t kWorst = 20;
    static constexpr std::size_t kAlike = 3;  ///< of one status and reason code: a thousand of one kind would hide the others

    ScanView view;  ///< done, counts, rate, left, last and worst are kept here; the rest is the scan's

    explicit Tally(BootTime now) : moved_(now) {}
    void begin(std::size_t total, BootTime now);
    /// One outlet is done with.
    void add(const TargetId& target, const core::Verdict& verdict, const std::string& outlet, BootTime now);
    /// One whose verdict stays what it was.
    void add_growing(core::Status known, const std::string& sentence, BootTime now);
    void stop(BootTime now);
    BootTime moved() const { return moved_; }  ///< when it last got on
    /// As seen at `now`.
    ScanView at(BootTime now) const;
    /// "990 ok, 4 missing, 6 unreachable".
    std::string words() const;

private:
    void counted(core::Status status, BootTime now);
    BootTime moved_;
    std::optional<BootTime> since_, ended_;
};

}  // namespace bkmon::outlets
