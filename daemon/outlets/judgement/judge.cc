#include "daemon/outlets/judgement/judge.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "common/base/text.h"
#include "daemon/core/schedule.h"
#include "daemon/outlets/judgement/finding.h"
#include "daemon/outlets/judgement/words.h"

namespace bkmon::outlets {
namespace {

using core::Status;
using smb::Outcome;

/// What an outcome other than `listed` means. {0} the server's address, {1} share and folder, {2} the account.
struct Meaning {
    Outcome outcome;
    Status status;
    std::string_view code, sentence;
};
constexpr std::array kMeanings{
    Meaning{Outcome::no_share, Status::missing, "no_share",
            "{0} has no share {1}: check the mode's shares, and whether that disk is still in the server"},
    Meaning{Outcome::no_folder, Status::missing, "no_folder", "there is no folder {1} on {0}: check the mode's folder and the server's backup job"},
    Meaning{Outcome::no_drive, Status::missing, "no_drive", "{1} is on no drive of {0}: is the backup drive plugged in?"},
    Meaning{Outcome::access_denied, Status::unreachable, "access_denied",
            "{0} lets {2} log in, but not read {1}: give the account the right to read share and folder"},
    Meaning{Outcome::login_refused, Status::unreachable, "login_refused",
            "{0} refuses the login of {2}: check user, domain and password of the mode"},
    Meaning{Outcome::account_locked, Status::unreachable, "account_locked",
            "{0} says that the account {2} is locked: unlock it, and find out who tries with a wrong password"},
    Meaning{Outcome::password_expired, Status::unreachable, "password_expired",
            "{0} says that the account {2} is disabled or expired, or that its password is: put the account right"},
    Meaning{Outcome::clock_skew, Status::unreachable, "clock_skew",
            "{0} refuses the login of {2} because its clock differs from ours: set the clock that is wrong"},
    Meaning{Outcome::name_unknown, Status::unreachable, "name_unknown",
            "the name {0} cannot be resolved: check the address in the inventory, and DNS"},
    Meaning{Outcome::refused, Status::unreachable, "refused", "nothing listens on {0}, port {3}: is file sharing on, does a firewall refuse it?"},
    Meaning{Outcome::unreachable, Status::unreachable, "unreachable", "there is no way to {0}: is the server on, is its network up?"},
    Meaning{Outcome::timeout, Status::unreachable, "timeout",
            "{0} did not answer in time: is the server on, does a firewall drop the packets, is the line slow?"},
    Meaning{Outcome::reset, Status::unreachable, "reset", "{0} cut the connection: look at the server's file sharing and at the way to it"},
    Meaning{Outcome::protocol, Status::unreachable, "protocol",
            "{0} does not speak SMB as it must (SMB 2 or newer, signed): look at the server's settings, or at what answers there instead of it"},
    Meaning{Outcome::too_many, Status::unreachable, "too_many",
            "{1} on {0} has more entries than are read: clear it, or name a smaller folder in the mode"},
    Meaning{Outcome::worker_crashed, Status::unreachable, "worker_crashed",
            "the process that read the answers of {0} died of them; nothing else was touched: if it happens again, find out what that server sends"},
    Meaning{Outcome::internal, Status::unreachable, "scan_fault", "bkmon itself could not look at {0}: see its journal, and scan again"},
};

/// "BackupFull on d$", "E:" …: what was looked for.
std::string place_words(const core::OutletMode& mode, const smb::Visit& visit) {
    const auto share = visit.share.empty() ? one_of(mode.shares) : shown(visit.share, 80);
    return mode.folder.empty() ? share : fmt::format("'{}' on {}", shown(mode.folder, 128), share);
}

std::string file_words(const smb::FoundFile& file, const std::string& zone) {
    return fmt::format("'{}', {}, of {}", shown(file.name, 128), size_words(file.size), core::local_text(file.modified, zone, true));
}

/// Without the colon of "E:", beside which a sentence's own would look odd.
std::string drive_words(const std::string& drive) {
    if (drive.size() == 2 && drive[1] == ':') return fmt::format("drive {}", drive[0]);
    return drive.empty() ? drive : fmt::format("share {}", drive);
}

class Judge {
public:
    Judge(const core::OutletMode& mode, const core::Outlet& outlet, const smb::Visit& visit, const Occasion& occasion)
        : mode_(mode), outlet_(outlet), visit_(visit), occasion_(occasion), reference_(occasion.back_date.value_or(occasion.now)) {}

    Judged run() {
        if (visit_.outcome != Outcome::listed) return unlisted();
        if (!visit_.newest) return nothing_to_take();
        const auto& file = *visit_.newest;
        auto findings = judge_content(mode_, outlet_, visit_, occasion_);
        if (still_written(findings)) return seen_again(file) ? growing(file) : look_again(file);
        if (const auto age = reference_ - file.modified; mode_.max_age && age >= *mode_.max_age)
            findings.push_back({Status::missing, "too_old",
                                fmt::format("the newest is {} old ({}); at most {} is allowed: look at the backup job of that server", age_words(age),
                                            file_words(file, zone()), duration_words(*mode_.max_age))});
        if (visit_.future) findings.push_back(in_future());
        if (findings.empty()) return verdict(Status::ok, "fresh", fresh_words(file), findings);
        return worst_of(std::move(findings));
    }

private:
    const std::string& zone() const { return occasion_.timezone; }

    Judged unlisted() {
        const auto found = std::find_if(kMeanings.begin(), kMeanings.end(), [&](const Meaning& m) { return m.outcome == visit_.outcome; });
        const auto& m = found == kMeanings.end() ? kMeanings.back() : *found;
        std::string share = m.outcome == Outcome::no_share || m.outcome == Outcome::no_drive ? "" : place_words(mode_, visit_);
        if (m.outcome == Outcome::no_share) share = one_of(mode_.shares);
        if (m.outcome == Outcome::no_drive) share = fmt::format("'{}' ({})", shown(mode_.folder, 128), one_of(mode_.shares));
        auto sentence = fmt::format(fmt::runtime(m.sentence), shown(outlet_.address, 128), share, credential_name(mode_.credential), mode_.port);
        if (!visit_.detail.empty()) sentence += " (" + shown(visit_.detail, 300) + ")";
        if (occasion_.tries > 1) sentence += fmt::format("; tried {} times", occasion_.tries);
        return verdict(m.status, m.code, std::move(sentence), {{m.status, m.code, ""}});
    }

    Judged nothing_to_take() {
        if (visit_.future) return worst_of({in_future()});
        const auto where = place_words(mode_, visit_);
        // Of a past day only what is still there can be seen.
        const auto then = occasion_.back_date ? fmt::format(" of {} or before", core::local_date(reference_, zone())) : std::string();
        if (visit_.too_small > 0) {
            auto what = fmt::format("{} has only files smaller than {}{}", where, size_words(mode_.min_size), then);
            if (visit_.largest_too_small) what += ": the largest is " + file_words(*visit_.largest_too_small, zone());
            return worst_of({{Status::missing, "too_small", what + "; look at the backup job of that server"}});
        }
        if (visit_.files == 0)
            return worst_of({{Status::missing, "empty_folder", where + " is empty: did the backup job ever run, or was the folder cleared?"}});
        return worst_of({{Status::missing, "no_file",
                          fmt::format("none of the {} files in {} is a {}{}: look at the backup job of that server, and at the mode's patterns",
                                      visit_.files, where, one_of(mode_.patterns), then)}});
    }

    Finding in_future() const {
        const auto& file = *visit_.future;
        auto what = fmt::format("{} is dated {} in the future", file_words(file, zone()), age_words(file.modified - occasion_.now));
        if (visit_.in_future > 1) what += fmt::format(", and {} more are", visit_.in_future - 1);
        return {Status::held, "future", what + ": set the clock of that server"};
    }

    // --- a file that may still grow

    bool seen_again(const smb::FoundFile&) const { return occasion_.earlier.has_value(); }

    /// What is written now says little about itself. Windows tells size and time of an open file late, so for hours after its date a file that
    /// another program holds, or that does not look whole, may be one that is just being made.
    bool still_written(const std::vector<Finding>& findings) const {
        if (occasion_.back_date) return false;
        const auto& file = *visit_.newest;
        const bool moved = occasion_.earlier && (occasion_.earlier->name != file.name || occasion_.earlier->size != file.size ||
                                                 occasion_.earlier->modified != file.modified);
        const bool young = file.modified > occasion_.now - kQuiet;
        const bool recent = file.modified > occasion_.now - kLongestWrite;
        if (visit_.content == smb::Visit::Content::changed) return true;
        if (visit_.content == smb::Visit::Content::in_use && recent) return true;
        if (occasion_.earlier) return moved && (young || occasion_.earlier->name == file.name);
        const bool looks_cut = std::any_of(findings.begin(), findings.end(), [](const Finding& f) { return unfinished(f.code); });
        return young || (looks_cut && recent);
    }
    static bool unfinished(std::string_view code) {
        return code == "zeros" || code == "truncated" || code == "damaged" || code == "aborted" || code == "maybe_damaged" || code == "lost_header";
    }

    Judged look_again(const smb::FoundFile& file) const {
        auto out = growing(file);
        out.what = Judged::What::look_again;
        return out;
    }
    Judged growing(const smb::FoundFile& file) const {
        auto out = verdict(Status::unknown, "growing", file_words(file, zone()) + " is still being written: what was known before stays",
                           {{Status::unknown, "growing", ""}});
        out.what = Judged::What::growing;
        return out;
    }

    // --- the verdict

    std::string fresh_words(const smb::FoundFile& file) const {
        auto out = fmt::format("{}{}; {}", file_words(file, zone()), on_drive(), content_words(visit_));
        return out;
    }
    std::string on_drive() const {
        const auto drive = drive_words(drive_of(visit_.share));
        if (drive.empty()) return {};
        if (occasion_.other_drive.empty() || occasion_.other_drive == drive_of(visit_.share)) return ", on " + drive;
        return fmt::format(", on {} (before, it was on {})", drive, drive_words(shown(occasion_.other_drive, 80)));
    }

    Judged worst_of(std::vector<Finding> findings) const {
        std::stable_sort(findings.begin(), findings.end(), [](const Finding& a, const Finding& b) { return weight(a.status) > weight(b.status); });
        const auto& first = findings.front();
        std::string reason;
        const bool of_a_file = visit_.newest && first.code != "too_old" && first.code != "future";
        if (of_a_file) reason = file_words(*visit_.newest, zone()) + on_drive() + ": ";
        reason += first.sentence;
        for (std::size_t i = 1; i < findings.size(); ++i) reason += "; besides, " + findings[i].sentence;
        return verdict(first.status, first.code, std::move(reason), findings);
    }

    Judged verdict(Status status, std::string_view code, std::string reason, const std::vector<Finding>& findings) const {
        Judged out;
        auto& v = out.verdict;
        v = core::plain_verdict(status, std::string(code), std::move(reason), occasion_.now);
        const auto* file = code == "future" ? &*visit_.future : visit_.newest ? &*visit_.newest : nullptr;
        if (file != nullptr) {
            v.backup_at = file->modified;
            v.file = shown(file->name, 1024);
            v.size_bytes = file->size;
        }
        v.duration = visit_.took;
        v.place = drive_of(visit_.share);
        v.evidence = evidence(mode_, outlet_, visit_, occasion_, findings);
        return out;
    }

    const core::OutletMode& mode_;
    const core::Outlet& outlet_;
    const smb::Visit& visit_;
    const Occasion& occasion_;
    const Time reference_;
};

}  // namespace

Judged judge(const core::OutletMode& mode, const core::Outlet& outlet, const smb::Visit& visit, const Occasion& occasion) {
    return Judge(mode, outlet, visit, occasion).run();
}

bool worth_a_retry(Outcome outcome) { return outcome == Outcome::timeout || outcome == Outcome::reset || outcome == Outcome::worker_crashed; }

bool speaks_against_credential(Outcome outcome) {
    return outcome == Outcome::login_refused || outcome == Outcome::account_locked || outcome == Outcome::password_expired;
}

std::string drive_of(std::string_view share) {
    const bool letter = share.size() == 2 && share[1] == '$' && ((share[0] >= 'a' && share[0] <= 'z') || (share[0] >= 'A' && share[0] <= 'Z'));
    if (letter) return {static_cast<char>(share[0] & ~0x20), ':'};
    return shown(share, 80);
}

core::Verdict not_tried(const core::OutletMode& mode, const core::Outlet& outlet, Outcome why, const std::vector<std::string>& refused_by, Time now) {
    const auto name = credential_name(mode.credential);
    const auto found = std::find_if(kMeanings.begin(), kMeanings.end(), [&](const Meaning& m) { return m.outcome == why; });
    std::string by;
    for (const auto& code : refused_by) by += (by.empty() ? "" : ", ") + shown(code, 80);
    const auto code = found != kMeanings.end() && speaks_against_credential(why) ? found->code : std::string_view("login_refused");
    auto v =
        core::plain_verdict(Status::unreachable, std::string(code),
                            fmt::format("{} was not tried at {}: {} refused it, and more refusals would lock the account; put user, domain, password "
                                        "or account right, then scan again",
                                        name, shown(outlet.address, 128), by.empty() ? "others" : by),
                            now);
    v.evidence = not_tried_evidence(mode, outlet, refused_by, code);
    return v;
}

}  // namespace bkmon::outlets
