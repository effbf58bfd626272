#pragma once
#include <optional>
#include <string>

#include "daemon/core/settings/outlets.h"
#include "daemon/core/verdict.h"
#include "daemon/platform/smb/visit.h"

namespace bkmon::outlets {

struct Occasion {
    Time now{};                             ///< when the outlet was looked at
    std::optional<Time> back_date;          ///< the end of the day that is looked at: age is measured there
    std::string timezone;                   ///< for dates in sentences
    int tries = 1;                          ///< visits made, for the sentence
    std::optional<smb::FoundFile> earlier;  ///< what an earlier look of this scan found as the newest file
    std::string other_drive;                ///< letter of the share remembered, when another one was found now
};

/// What a visit means. Pure.
struct Judged {
    enum class What : std::uint8_t {
        verdict,
        look_again,  ///< the newest file is so young, or looks so unfinished, that it may still grow: once more after kQuiet, with `earlier`
        growing,     ///< it grows: what was known stays; `verdict` holds the sentence of it
    } what = What::verdict;
    core::Verdict verdict;  ///< without run and due
};
inline constexpr milliseconds kQuiet{std::chrono::seconds(10)};
/// A file no older than this that another program has open, or that looks cut, may be one that is just being written.
inline constexpr milliseconds kLongestWrite{std::chrono::hours(6)};

Judged judge(const core::OutletMode& mode, const core::Outlet& outlet, const smb::Visit& visit, const Occasion& occasion);

/// True for what may be different in a moment: time-outs, cuts, a worker that died. Never for a refused login.
bool worth_a_retry(smb::Outcome outcome);
/// True for what speaks against the credential: it counts towards not using it again in this scan.
bool speaks_against_credential(smb::Outcome outcome);

/// "CORP\svc_backup", as in sentences and in the evidence of every verdict ("credential"): what alerts group by.
std::string credential_name(const core::SmbCredential& credential);

/// The verdict of an outlet that was not looked at because others refused the credential (`why`), so that it is one problem of the credential.
/// `refused_by`: their codes.
core::Verdict not_tried(const core::OutletMode& mode, const core::Outlet& outlet, smb::Outcome why, const std::vector<std::string>& refused_by,
                        Time now);

/// "E:" of "e$"; else the share's name.
std::string drive_of(std::string_view share);

}  // namespace bkmon::outlets
