#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/core/status.h"
#include "daemon/platform/files/space_marks.h"
#include "daemon/platform/journal/journal.h"
#include "daemon/platform/loop/event_loop.h"
#include "daemon/platform/loop/lane.h"

namespace bkmon::app {

/// Looks at the file systems that bkmond needs, says it before one is full, and keeps a reserve on that of the history: blocks that are given
/// back when it is full, so that the verdict about that can still be written. Loop thread only; the disks are asked on their lanes.
class SpaceKeeper : public std::enable_shared_from_this<SpaceKeeper> {
public:
    struct Place {
        std::string name, path;  ///< "vault", "/mnt/…"
        loop::Lane* lane = nullptr;
        std::uint64_t reserve = 0;  ///< what is never filled there
    };
    struct Rules {
        files::SpaceRule low;
        std::uint64_t reserve = 0;  ///< bytes; 0: none is kept
    };
    using Say = std::function<void(core::Status, const char* reason_code, std::string reason)>;
    /// `reserve_folder` lies on the history's file system; `say` publishes about bkmon/space.
    SpaceKeeper(loop::EventLoop& loop, files::FileOps& files, journal::Journal& journal, loop::Lane& reserve_lane, std::string reserve_folder,
                Say say);

    void set(std::vector<Place> places, Rules rules);
    /// Looks at once and from then on every few seconds.
    void start() { look(); }
    /// The history cannot be written: gives the reserve back. `freed` tells whether there was one.
    void emergency(std::function<void(bool freed)> done);
    /// The reserve was given back, and there is no room to make it again yet: only what must be is written.
    bool on_reserve() const { return on_reserve_; }
    const std::string& shortage() const { return shortage_; }  ///< for the status line; empty: all is well

private:
    struct Seen {
        std::optional<files::Space> space;
        bool low = false;
    };
    void look();
    void look_at(std::size_t place);
    void keep_reserve();
    void judge();
    void finished_one();

    loop::EventLoop& loop_;
    files::FileOps& files_;
    journal::Journal& journal_;
    loop::Lane& reserve_lane_;
    const std::string reserve_folder_;
    const Say say_;
    std::vector<Place> places_;
    Rules rules_;
    std::map<std::string, Seen> seen_;  ///< by name
    std::unique_ptr<loop::Timer> timer_;
    std::size_t pending_ = 0;
    bool on_reserve_ = false, releasing_ = false;
    std::string shortage_, said_;
};

}  // namespace bkmon::app
