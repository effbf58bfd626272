// One outlet of a scan: its door, its visit, what that means, and that it is recorded.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/base/text.h"
#include "daemon/outlets/scan.h"

namespace bkmon::outlets {
namespace {

CredentialGuard::End end_of(const smb::Visit& visit) {
    if (speaks_against_credential(visit.outcome)) return CredentialGuard::End::refused;
    switch (visit.outcome) {
        case smb::Outcome::listed:
        case smb::Outcome::no_share:
        case smb::Outcome::no_folder:
        case smb::Outcome::no_drive:
        case smb::Outcome::access_denied:
        case smb::Outcome::too_many: return CredentialGuard::End::accepted;
        default: return CredentialGuard::End::neither;
    }
}

}  // namespace

void Scan::probe(std::size_t i) {
    auto& item = items_[i];
    item.stage = Stage::probing;
    knocks_.push_back({i, boot() + kKnock});
    item.probe = knock(i, false);
}

/// It is silent, and there is nothing else to do: its second try is made while the first has not ended.
void Scan::probe_again(std::size_t i) {
    auto& item = items_[i];
    item.retried = true;
    ++tally_.view.retried;
    item.second_probe = knock(i, true);
}

std::unique_ptr<smb::Prober::Ticket> Scan::knock(std::size_t i, bool second) {
    return rooms_.prober.probe(items_[i].wanted.outlet->address, static_cast<std::uint16_t>(plan_.mode->port), plan_.connect_timeout,
                               [weak = weak_from_this(), i, second](smb::Probed answer) {
                                   const auto self = weak.lock();
                                   if (self && !self->over_) self->probed(i, second, std::move(answer));
                               });
}

/// The first that answers counts; that nobody is there is so when all have ended.
void Scan::probed(std::size_t i, bool second, smb::Probed answer) {
    auto& item = items_[i];
    if (item.stage != Stage::probing) return;
    auto& mine = second ? item.second_probe : item.probe;
    auto& other = second ? item.probe : item.second_probe;
    spent_probes_.push_back(std::move(mine));
    wake();
    if (answer.outcome == smb::Outcome::listed) {
        other.reset();
        item.address = std::move(answer.address);
        item.stage = Stage::ready;
        if (gave_up_) return;
        if (held() < 2 * window()) item.connection = std::move(answer.connection);  // many that were slow may come at once
        ready_.push_back(i);
        return;
    }
    if (other) {
        ++item.visits;
        return;
    }
    smb::Visit visit;
    visit.outcome = answer.outcome;
    visit.detail = std::move(answer.detail);
    visit.took = answer.took;
    came(i, std::move(visit));
}

/// The share where the folder was last time comes first.
smb::Order Scan::order_for(const Item& item) const {
    const auto& mode = *plan_.mode;
    smb::Order order;
    order.address = item.address;
    order.port = static_cast<std::uint16_t>(mode.port);
    order.shares = mode.shares;
    const auto known =
        std::find_if(order.shares.begin(), order.shares.end(), [&](const auto& share) { return equal_ignoring_case(share, item.wanted.share); });
    if (known != order.shares.end()) std::rotate(order.shares.begin(), known, known + 1);
    order.folder = mode.folder;
    order.patterns = mode.patterns;
    order.min_size = mode.min_size;
    order.latest = rooms_.loop.clock().now() + mode.clock_tolerance;
    order.until = plan_.end_of_day;
    order.look_inside = mode.verify == core::OutletVerify::header;
    order.signing = mode.signing;
    order.request_timeout = plan_.request_timeout;
    order.credential = {mode.credential.user, mode.credential.domain, plan_.password};
    return order;
}

void Scan::visit(std::size_t i) {
    auto& item = items_[i];
    item.stage = Stage::visiting;
    ++visiting_;
    plan_.guard->begun(boot());
    rooms_.registry.set_running(item.wanted.target, true);
    item.connection.drop_old(boot());
    item.visit = rooms_.visitor.visit(order_for(item), std::move(item.connection), [weak = weak_from_this(), i](smb::Visit answer) {
        const auto self = weak.lock();
        if (self && !self->over_) self->visited(i, std::move(answer));
    });
}

void Scan::visited(std::size_t i, smb::Visit answer) {
    auto& item = items_[i];
    if (item.stage != Stage::visiting) return;
    --visiting_;
    if (answer.outcome != smb::Outcome::internal) own_fault_.looked = true;
    spent_visits_.push_back(std::move(item.visit));
    rooms_.registry.set_running(item.wanted.target, false);
    plan_.guard->ended(end_of(answer), boot(), item.wanted.outlet->code, answer.outcome);
    came(i, std::move(answer));
}

/// An answer, or that there is none: judged now, or tried once more when everybody had his turn.
void Scan::came(std::size_t i, smb::Visit answer) {
    auto& item = items_[i];
    ++item.visits;
    const bool again = worth_a_retry(answer.outcome) && !item.retried && !plan_.guard->given_up();
    item.last = std::move(answer);
    if (again) {
        item.retried = true;
        item.stage = Stage::late;
        ++tally_.view.retried;
        retries_.push_back({i, boot() + kBeforeRetry});
    } else {
        item.stage = Stage::judging;
        results_.push_back(i);
    }
    wake();
}

/// The credential is not used any more: what is known of the outlet is said, and that it was not looked at where nothing is.
void Scan::skip(std::size_t i) {
    auto& item = items_[i];
    const auto& outlet = *item.wanted.outlet;
    item.stage = Stage::judging;
    if (item.earlier) return keeps(i, "was not looked at a second time: what was known stays");
    if (item.last) return judge(i);
    publish(i, not_tried(*plan_.mode, outlet, plan_.guard->why(), plan_.guard->refused_by(), rooms_.loop.clock().now()), "");
}

void Scan::judge(std::size_t i) {
    auto& item = items_[i];
    const auto visit = std::exchange(item.last, {});
    if (visit->outcome == smb::Outcome::internal) {
        ++own_fault_.outlets;
        own_fault_.why = visit->detail;
    }
    Occasion occasion;
    occasion.now = rooms_.loop.clock().now();
    occasion.back_date = plan_.end_of_day;
    occasion.timezone = plan_.mode->timezone;
    occasion.tries = item.visits;
    if (item.earlier) occasion.earlier = *item.earlier;
    if (!item.wanted.share.empty() && !visit->share.empty() && !equal_ignoring_case(visit->share, item.wanted.share))
        occasion.other_drive = drive_of(item.wanted.share);
    auto judged = outlets::judge(*plan_.mode, *item.wanted.outlet, *visit, occasion);
    switch (judged.what) {
        case Judged::What::look_again:
            if (item.earlier || !visit->newest || gave_up_) return keeps(i, judged.verdict.reason);
            item.earlier = *visit->newest;
            item.stage = Stage::late;
            quiet_.push_back({i, boot() + kQuiet});
            return;
        case Judged::What::growing: return keeps(i, judged.verdict.reason);
        case Judged::What::verdict: break;
    }
    if (visit->future) ++tally_.view.in_future;
    publish(i, std::move(judged.verdict), visit->share);
}

/// The verdict, its day and where the folder was found: in one transaction.
void Scan::publish(std::size_t i, core::Verdict verdict, const std::string& share) {
    auto& item = items_[i];
    const auto& target = item.wanted.target;
    verdict.run = run_->id();
    targets::Registry::Publication p;
    p.target = target;
    p.date = plan_.date;
    p.current = !plan_.end_of_day;
    const std::string elsewhere = p.current && !equal_ignoring_case(share, item.wanted.share) ? share : std::string();
    if (!elsewhere.empty())
        p.with.push_back(
            [row = history::RememberedShareRow{target, elsewhere, verdict.at}](history::Session& s) { return s.put_remembered_share(row); });
    p.verdict = verdict;
    verdict.evidence.clear();
    ++unwritten_;
    rooms_.registry.publish(std::move(p), [weak = weak_from_this(), i, verdict = std::move(verdict), elsewhere](const Result<void>& written) {
        if (const auto self = weak.lock()) self->recorded(i, verdict, elsewhere, written);
    });
}

void Scan::recorded(std::size_t i, const core::Verdict& verdict, const std::string& share, const Result<void>& written) {
    --unwritten_;
    auto& item = items_[i];
    if (written && !share.empty()) owner_.found_elsewhere(item.wanted.target, share);
    if (over_) return;
    if (!written) return end("failed", "the history cannot be written: " + written.error().what);
    item.stage = Stage::done;
    tally_.add(item.wanted.target, verdict, item.wanted.outlet->code, boot());
    wake();
}

void Scan::keeps(std::size_t i, const std::string& sentence) {
    auto& item = items_[i];
    item.stage = Stage::done;
    item.earlier.reset();
    const auto* known = rooms_.registry.find(item.wanted.target);
    tally_.add_growing(known != nullptr ? rooms_.registry.status(*known) : core::Status::unknown,
                       fmt::format("{}: {}", printable(item.wanted.outlet->code, 64), sentence), boot());
    wake();
}

}  // namespace bkmon::outlets
