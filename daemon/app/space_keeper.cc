#include "daemon/app/space_keeper.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/text.h"

namespace bkmon::app {
namespace {

constexpr milliseconds kLook{std::chrono::seconds(10)};
constexpr milliseconds kLookOnReserve{std::chrono::seconds(2)};
constexpr std::uint64_t kSmallest = 64 << 10;

}  // namespace

SpaceKeeper::SpaceKeeper(loop::EventLoop& loop, files::FileOps& files, journal::Journal& journal, loop::Lane& reserve_lane,
                         std::string reserve_folder, Say say)
    : loop_(loop), files_(files), journal_(journal), reserve_lane_(reserve_lane), reserve_folder_(std::move(reserve_folder)), say_(std::move(say)) {
    timer_ = loop_.make_timer([this] { look(); });
}

void SpaceKeeper::set(std::vector<Place> places, Rules rules) {
    places_ = std::move(places);
    rules_ = rules;
    std::erase_if(seen_,
                  [this](const auto& s) { return std::none_of(places_.begin(), places_.end(), [&](const Place& p) { return p.name == s.first; }); });
}

/// A disk that hangs holds only its own answer; the others are asked again once all have answered.
void SpaceKeeper::look() {
    if (pending_ > 0) return timer_->arm(kLook);
    pending_ = places_.size() + 1;
    for (std::size_t i = 0; i < places_.size(); ++i) look_at(i);
    keep_reserve();
}

void SpaceKeeper::look_at(std::size_t i) {
    loop::submit(
        *places_[i].lane, loop_, std::weak_ptr<const void>(weak_from_this()),
        [&f = files_, path = places_[i].path](std::stop_token) -> Result<files::Space> {
            auto dir = f.open_root(path);
            if (!dir) return fail(std::move(dir.error()));
            return f.space(dir->get());
        },
        [this, name = places_[i].name](Result<files::Space> space) {
            // One that is not there is another target's matter.
            if (space)
                seen_[name].space = *space;
            else
                seen_.erase(name);
            finished_one();
        });
}

/// Makes the reserve, or makes it again once there is twice its room.
void SpaceKeeper::keep_reserve() {
    if (rules_.reserve == 0 || releasing_) {
        if (rules_.reserve == 0) on_reserve_ = false;
        return finished_one();
    }
    struct Kept {
        bool there = false;
        std::string problem;
    };
    loop::submit(
        reserve_lane_, loop_, std::weak_ptr<const void>(weak_from_this()),
        [&f = files_, folder = reserve_folder_, wanted = rules_.reserve](std::stop_token) -> Kept {
            auto dir = f.open_root(folder);
            if (!dir) return {true, dir.error().what};  // who cannot look says nothing
            auto space = f.space(dir->get());
            if (!space) return {true, space.error().what};
            const auto size = std::min(wanted, space->total_bytes / 64);  // a small file system keeps a small one
            if (size < kSmallest) return {true, ""};
            auto there = f.stat_at(dir->get(), files::kReserveName);
            if (there && there->size == size) return {true, ""};
            if (space->free_bytes < 2 * size) return {false, ""};
            auto made = files::make_reserve(f, folder, size);
            return {made.has_value(), made ? "" : made.error().what};
        },
        [this](const Kept& kept) {
            if (!releasing_) {
                if (on_reserve_ && kept.there)
                    journal_.log(journal::Level::notice, journal::msg::space_low,
                                 "there is room again on the history's disk: the reserve is kept again", {{"BKMON_PATH", reserve_folder_}});
                on_reserve_ = !kept.there;
            }
            finished_one();
        });
}

void SpaceKeeper::emergency(std::function<void(bool)> done) {
    releasing_ = true;
    loop::submit(
        reserve_lane_, loop_, std::weak_ptr<const void>(weak_from_this()),
        [&f = files_, folder = reserve_folder_](std::stop_token) { return files::release_reserve(f, folder); },
        [this, done = std::move(done)](Result<bool> released) {
            releasing_ = false;
            const bool freed = released && *released;
            if (freed) {
                on_reserve_ = true;
                journal_.log(journal::Level::error, journal::msg::space_low,
                             "the history's disk is full: the reserve in " + printable(reserve_folder_) + " was given back for what must be written",
                             {{"BKMON_PATH", reserve_folder_}});
                judge();
            }
            timer_->arm(kLookOnReserve);
            done(freed);
        });
}

void SpaceKeeper::finished_one() {
    if (--pending_ > 0) return;
    judge();
    timer_->arm(on_reserve_ ? kLookOnReserve : kLook);
}

void SpaceKeeper::judge() {
    std::string low, all, which;
    for (const auto& place : places_) {
        auto it = seen_.find(place.name);
        if (it == seen_.end() || !it->second.space) continue;
        auto& seen = it->second;
        const bool was = seen.low;
        seen.low = files::is_low(*seen.space, rules_.low, place.reserve, was);
        const auto text = fmt::format("{} ({}): {}, low below {}", place.name, printable(place.path), files::space_words(*seen.space, rules_.low),
                                      size_words(files::low_mark(*seen.space, rules_.low, place.reserve)));
        if (seen.low != was)
            journal_.log(seen.low ? journal::Level::warning : journal::Level::notice, journal::msg::space_low,
                         (seen.low ? "space runs out: " : "there is space again: ") + text, {{"BKMON_PATH", place.path}});
        all += (all.empty() ? "" : "; ") + text;
        if (!seen.low) continue;
        low += (low.empty() ? "" : "; ") + text;
        which += (which.empty() ? "" : ", ") + place.name;
    }
    shortage_ = on_reserve_ ? "the history's disk is full" : which.empty() ? "" : "low on space: " + which;
    if (shortage_ == said_ && !said_.empty()) return;  // the figures alone are no news
    if (shortage_.empty() && said_ == "-") return;
    said_ = shortage_.empty() ? "-" : shortage_;
    if (on_reserve_)
        return say_(core::Status::failed, "disk_full",
                    fmt::format("the history's disk ({}) is full: bkmond writes on its last reserve and takes nothing in; make room",
                                printable(reserve_folder_)));
    if (!low.empty()) return say_(core::Status::warning, "low_space", "space runs out: " + low);
    say_(core::Status::ok, "working", all);
}

}  // namespace bkmon::app
