#pragma once
#include <functional>
#include <memory>
#include <string>

#include "daemon/history/store.h"
#include "daemon/platform/files/file_ops.h"
#include "daemon/platform/journal/journal.h"
#include "daemon/platform/loop/lane.h"

namespace bkmon::deposits {

/// Keeps a copy of every processed report, refused ones too, under <state>/reports/<YYYY-MM>/. It lies outside the agents' trees because
/// `rsync --delete` would remove it there. Loop thread only; writes on a lane.
class Archive {
public:
    Archive(loop::EventLoop& loop, loop::Lane& lane, files::FileOps& files, history::Store& store, journal::Journal& journal, std::string state_dir);
    /// A copy that is there already is kept. A copy that cannot be written is journalled: judging goes on without it.
    void keep(const std::string& agent, const std::string& file, const std::string& sha256, std::shared_ptr<const std::string> bytes,
              std::string outcome);
    /// Takes away what was written before this moment, some thousand files at a time: the history forgets those reports too.
    void expire(Time before);

private:
    loop::EventLoop& loop_;
    loop::Lane& lane_;
    files::FileOps& files_;
    history::Store& store_;
    journal::Journal& journal_;
    std::string state_dir_;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace bkmon::deposits
