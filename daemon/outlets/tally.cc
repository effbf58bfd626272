#include "daemon/outlets/tally.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <tuple>

#include "common/base/text.h"

namespace bkmon::outlets {
namespace {

constexpr std::int64_t kEnoughToReckon = 5;

/// A lost backup is worse than one that nobody could look at.
int badness(const ScanView::Worst& w) {
    using core::Status;
    constexpr std::array kRising{Status::late,        Status::warning, Status::held,    Status::unknown,
                                 Status::unreachable, Status::failed,  Status::missing, Status::corrupt};
    return static_cast<int>(std::find(kRising.begin(), kRising.end(), w.status) - kRising.begin());
}

}  // namespace

void Tally::begin(std::size_t total, BootTime now) {
    view.total = static_cast<std::int64_t>(total);
    since_ = moved_ = now;
}

void Tally::counted(core::Status status, BootTime now) {
    moved_ = now;
    ++view.done;
    ++view.counts[static_cast<std::size_t>(status)];
}

void Tally::add(const TargetId& target, const core::Verdict& verdict, const std::string& outlet, BootTime now) {
    counted(verdict.status, now);
    view.last = fmt::format("{}: {}: {}", printable(outlet, 64), core::name_of(verdict.status), verdict.reason);
    if (verdict.severity == core::Severity::ok) return;
    auto& worst = view.worst;
    const ScanView::Worst mine{target, verdict.status, verdict.reason, verdict.reason_code};
    const auto alike = [&](const auto& other) { return other.status == mine.status && other.reason_code == mine.reason_code; };
    if (std::count_if(worst.begin(), worst.end(), alike) == static_cast<std::ptrdiff_t>(kAlike)) {
        ++std::find_if(worst.rbegin(), worst.rend(), alike)->alike;
        return;
    }
    if (worst.size() == kWorst && badness(worst.back()) >= badness(mine)) return;
    const auto order = [](const auto& w) { return std::make_tuple(-badness(w), std::cref(w.reason_code)); };
    const auto place = std::find_if(worst.begin(), worst.end(), [&](const auto& other) { return order(mine) < order(other); });
    worst.insert(place, mine);
    if (worst.size() > kWorst) worst.pop_back();
}

void Tally::add_growing(core::Status known, const std::string& sentence, BootTime now) {
    counted(known, now);
    ++view.growing;
    view.last = sentence;
}

void Tally::stop(BootTime now) {
    ended_ = now;
    view.final = true;
}

ScanView Tally::at(BootTime now) const {
    ScanView v = view;
    if (!since_) return v;
    v.took = ended_.value_or(now) - *since_;
    if (v.done < kEnoughToReckon && !v.final) return v;
    v.rate = static_cast<double>(v.done) * 1000.0 / static_cast<double>(std::max<std::int64_t>(1, v.took.count()));
    if (!v.final && v.done < v.total) v.left = milliseconds(static_cast<std::int64_t>(static_cast<double>(v.total - v.done) * 1000.0 / v.rate));
    return v;
}

std::string Tally::words() const {
    std::string text;
    for (std::size_t i = 0; i < view.counts.size(); ++i)
        if (view.counts[i] > 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", view.counts[i], core::name_of(core::kStatuses[i]));
    return text.empty() ? "none" : text;
}

}  // namespace bkmon::outlets
