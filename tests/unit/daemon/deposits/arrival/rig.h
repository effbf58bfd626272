#pragma once
#include <gtest/gtest.h>

#include "daemon/deposits/arrival/arrival.h"
#include "tests/support/poll_loop.h"
#include "tests/support/recording_journal.h"
#include "tests/support/temp_tree.h"

namespace bkmon::deposits {

/// An Arrival over a real directory with real inotify; time and turns are the test's.
class Rig {
public:
    Rig() {
        tree.make_dirs("root");
        options.root = tree.at("root");
        options.rescan = std::chrono::hours(1);  // so that only events can be the cause
    }
    void begin(loop::Lane* own_lane = nullptr) {
        arrival = std::make_unique<Arrival>(
            loop, own_lane != nullptr ? *own_lane : lane, *files, journal, options, [this](AgentSnapshot s) { looks.push_back(std::move(s)); },
            [this](std::vector<std::string> a) { rounds.push_back(std::move(a)); }, [this](Arrival::RootState s) { states.push_back(std::move(s)); });
        arrival->start();
        loop.spin();
    }
    /// Events are served, the debounce passes, looks are made.
    void settle(milliseconds d = milliseconds(300)) {
        loop.spin();
        loop.advance(d);
        loop.spin();
    }
    void put(const std::string& name, const std::string& bytes = "{}") { tree.put("root/" + name, bytes); }
    std::string at(const std::string& name) const { return tree.at("root/" + name); }

    /// The latest look at an agent; a gone one when there was none.
    AgentSnapshot last(const std::string& agent) const {
        for (auto it = looks.rbegin(); it != looks.rend(); ++it)
            if (it->agent == agent) return *it;
        AgentSnapshot none;
        none.gone = true;
        return none;
    }
    std::size_t count(const std::string& agent) const {
        return static_cast<std::size_t>(std::count_if(looks.begin(), looks.end(), [&](const AgentSnapshot& s) { return s.agent == agent; }));
    }
    static std::string names(const std::vector<SeenFile>& files) {
        std::vector<std::string> all;
        for (const auto& f : files) all.push_back(f.folder + "/" + f.name);
        std::sort(all.begin(), all.end());
        std::string s;
        for (const auto& n : all) s += (s.empty() ? "" : " ") + n;
        return s;
    }
    static std::string names(const std::vector<SeenReport>& reports) {
        std::vector<SeenFile> files;
        for (const auto& r : reports) files.push_back(r.file);
        return names(files);
    }
    static bool says(const AgentSnapshot& s, const std::string& words) {
        return std::any_of(s.oddities.begin(), s.oddities.end(), [&](const std::string& o) { return o.find(words) != std::string::npos; });
    }

    bkmon::test::TempTree tree;
    bkmon::test::PollLoop loop;
    bkmon::test::InlineLane lane;
    bkmon::test::RecordingJournal journal;
    std::unique_ptr<files::FileOps> files = files::system_files();
    Arrival::Options options;
    std::vector<AgentSnapshot> looks;
    std::vector<std::vector<std::string>> rounds;
    std::vector<Arrival::RootState> states;
    std::unique_ptr<Arrival> arrival;
};

}  // namespace bkmon::deposits
