#pragma once
#include <memory>
#include <string>

#include "daemon/history/store.h"
#include "daemon/platform/loop/event_loop.h"

namespace bkmon::history {

/// The history in one SQLite file: a writer thread that commits what has queued up meanwhile in one go, and a reader thread with a
/// read-only connection. Works and looks run on those threads; they and their results die on the loop thread.
class SqliteStore final : public Store {
public:
    /// `loop` must outlive the store. Blocks on the disk: at start only. Errors name the file, the cause and what to do.
    static Result<std::unique_ptr<Store>> open(loop::EventLoop& loop, const std::string& path);
    ~SqliteStore() override;

    void write(Work work, Done done) override;
    void read(Look look, Done done) override;
    bool alive(milliseconds within) const override;
    void close() override;

private:
    struct Impl;
    explicit SqliteStore(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace bkmon::history
