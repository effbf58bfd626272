#pragma once
#include <atomic>
#include <cstdint>

struct sqlite3_vfs;

namespace bkmon::test {

/// Stands between SQLite and the file system for as long as it lives: counts what reaches the disk and makes it fail on demand. One at
/// a time, made before the first connection that it is to see and destroyed after the last. Counters and switches: any thread.
class FaultVfs {
public:
    FaultVfs();
    ~FaultVfs();
    FaultVfs(const FaultVfs&) = delete;
    FaultVfs& operator=(const FaultVfs&) = delete;

    std::int64_t log_syncs() const { return log_syncs_; }  ///< fsync of the write-ahead log, asked for
    std::int64_t reads() const { return reads_; }          ///< pages and headers read from the database and the log

    /// SQLite result codes for every write or sync from now on; 0 heals.
    void fail_writes(int code) { write_error_ = code; }
    void fail_syncs(int code) { sync_error_ = code; }

private:
    friend struct FaultVfsCalls;
    std::atomic<std::int64_t> log_syncs_{0}, reads_{0};
    std::atomic<int> write_error_{0}, sync_error_{0};
    sqlite3_vfs* real_;
    sqlite3_vfs* mine_;
};

}  // namespace bkmon::test
