#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/history/database_file.h"
#include "daemon/history/store.h"
#include "daemon/platform/loop/event_loop.h"
#include "tests/support/sim_files.h"

struct sqlite3_vfs;

namespace bkmon::test {

/// SQLite's own files on a simulated disk: what it writes and does not sync is lost like everything else, each of its calls is one of the
/// disk's and may fail or be the last. As os_unix.c does it: a new log or journal is synced together with its directory, locks are kept
/// by file, shared memory dies with the last connection. The default VFS as long as it lives; one at a time, one thread.
class SimSqlite {
public:
    /// Files lie in `folder` of the disk, whatever directory SQLite names.
    SimSqlite(SimFiles& disk, std::string folder);
    ~SimSqlite();
    SimSqlite(const SimSqlite&) = delete;
    SimSqlite& operator=(const SimSqlite&) = delete;

private:
    friend struct SimSqliteCalls;
    struct Open;  // one sqlite3_file
    struct Shared {
        std::vector<Open*> opens;
        std::map<int, std::unique_ptr<unsigned char[]>> memory;
        int shm_shared[8] = {};
        Open* shm_owner[8] = {};
    };
    SimFiles& disk_;
    const std::string folder_;
    std::map<std::string, Shared> files_;
    int last_errno_ = 0;
    sqlite3_vfs* real_;
    sqlite3_vfs* mine_;
};

/// The real history on a simulated disk, without threads: works run at once inside write(), one commit each; every second commit the log
/// is written back, so that this too is interrupted.
class SimStore final : public history::Store {
public:
    /// `path` names a file that exists in a real directory, as its opener wants; what is in it lies on the simulated disk.
    static Result<std::unique_ptr<SimStore>> open(loop::EventLoop& loop, const std::string& path);
    void write(Work work, Done done) override;
    void read(Look look, Done done) override;
    bool alive(milliseconds) const override { return true; }
    void close() override {}
    /// Looks at once.
    Result<void> look(const Look& look);

private:
    SimStore(loop::EventLoop& loop, history::DatabaseFile file) : loop_(loop), file_(std::move(file)) {}
    Result<void> commit(const Work& work);
    loop::EventLoop& loop_;
    history::DatabaseFile file_;
    int commits_ = 0;
};

}  // namespace bkmon::test
