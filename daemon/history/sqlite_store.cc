#include "daemon/history/sqlite_store.h"

#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>

#include <thread>

#include "daemon/history/database_file.h"
#include "daemon/history/sqlite_session.h"
#include "daemon/history/work_queue.h"
#include "daemon/platform/sql/transaction.h"

namespace bkmon::history {

namespace {

constexpr std::size_t kGroup = 256;          ///< works that share one commit at most
constexpr int kCommitsPerCheckpoint = 1000;  ///< then the log is emptied as soon as nothing waits
constexpr milliseconds kIdle{60000};
constexpr milliseconds kCheckpointPatience{100};  ///< a long read must not hold up the writes

struct WriteJob {
    Store::Work work;
    Store::Done done;
    Result<void> result;
    bool over = false;  ///< failed for good: not part of the commit
};

struct ReadJob {
    Store::Look look;
    Store::Done done;
    Result<void> result;
};

/// The jobs die on the loop thread, after their `done`: what they captured may belong to it.
template <class Job>
void answer(loop::EventLoop& loop, std::vector<Job> jobs) {
    static_cast<void>(loop.post(Task([jobs = std::move(jobs)]() mutable {
        for (auto& job : jobs)
            if (job.done) job.done(std::move(job.result));
    })));
}

template <class F, class Subject>
Result<void> guarded(const F& f, Subject& subject) {
    try {
        return f(subject);
    } catch (const std::exception& e) {
        return fail(Errc::internal, fmt::format("history: {}", e.what()));
    }
}

/// Signals are for the loop thread.
template <class F>
std::thread quiet_thread(const char* name, F f) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    std::thread thread(std::move(f));
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    pthread_setname_np(thread.native_handle(), name);
    return thread;
}

}  // namespace

struct SqliteStore::Impl {
    Impl(loop::EventLoop& l, std::string p, DatabaseFile f) : loop(l), path(std::move(p)), file(std::move(f)) {
        writer = quiet_thread("bkmon-history", [this] { write_until_closed(); });
        reader = quiet_thread("bkmon-reader", [this] { read_until_closed(); });
    }

    void write_until_closed();
    void run_group(std::vector<WriteJob>& jobs);
    /// False when SQLite rolled the whole transaction back by itself.
    bool run_one(WriteJob& job);
    Result<void> commit_group(std::vector<WriteJob>& jobs, bool& again);
    void empty_log(bool idle);
    void read_until_closed();
    void run_read(ReadJob& job);
    void close();

    loop::EventLoop& loop;
    const std::string path;
    DatabaseFile file;  // writer: writer thread; reader: reader thread
    int commits_since_checkpoint = 0;
    WorkQueue<WriteJob> writes;
    WorkQueue<ReadJob> reads;
    std::thread writer, reader;
};

bool SqliteStore::Impl::run_one(WriteJob& job) {
    {
        auto savepoint = sql::Savepoint::begin(*file.writer);
        if (!savepoint) {
            job.result = fail(std::move(savepoint.error()));
        } else {
            SqliteSession session(*file.writer);
            job.result = guarded(job.work, session);
            if (job.result) job.result = savepoint->keep();
        }
    }
    // Only now: taking the savepoint back may itself have ended the transaction.
    if (!job.result) job.over = true;
    writes.progress();
    return file.writer->in_transaction();
}

/// `again`: one work made SQLite roll back everything; the others are to run once more.
Result<void> SqliteStore::Impl::commit_group(std::vector<WriteJob>& jobs, bool& again) {
    auto transaction = sql::Transaction::begin(*file.writer, sql::Transaction::Kind::write);
    if (!transaction) return fail(std::move(transaction.error()));
    for (auto& job : jobs) {
        if (job.over || run_one(job)) continue;
        again = true;
        return {};
    }
    ++commits_since_checkpoint;
    return transaction->commit();
}

void SqliteStore::Impl::run_group(std::vector<WriteJob>& jobs) {
    for (bool again = true; again;) {
        again = false;
        const auto committed = commit_group(jobs, again);
        if (committed) continue;
        for (auto& job : jobs)
            if (!job.over) job.result = fail(explained(path, committed.error()));
    }
}

void SqliteStore::Impl::empty_log(bool idle) {
    if (commits_since_checkpoint == 0 || (!idle && commits_since_checkpoint < kCommitsPerCheckpoint)) return;
    // A reader in the way, or a disk error that the next commit will report: the log stays, nothing is lost.
    const auto emptied = file.writer->checkpoint(kCheckpointPatience);
    if (!emptied || *emptied || !idle) commits_since_checkpoint = 0;
}

void SqliteStore::Impl::write_until_closed() {
    while (auto jobs = writes.take(kGroup, kIdle)) {
        const bool idle = jobs->empty();
        if (!idle) {
            run_group(*jobs);
            answer(loop, std::move(*jobs));
        }
        empty_log(idle);
        writes.progress();
    }
    static_cast<void>(file.writer->checkpoint(milliseconds(1000)));
}

void SqliteStore::Impl::run_read(ReadJob& job) {
    auto transaction = sql::Transaction::begin(*file.reader, sql::Transaction::Kind::read);
    if (!transaction) {
        job.result = fail(explained(path, std::move(transaction.error())));
        return;
    }
    SqliteSession session(*file.reader);
    job.result = guarded(job.look, static_cast<Reader&>(session));
}

void SqliteStore::Impl::read_until_closed() {
    while (auto jobs = reads.take(1, kIdle)) {
        for (auto& job : *jobs) run_read(job);
        if (!jobs->empty()) answer(loop, std::move(*jobs));
    }
}

void SqliteStore::Impl::close() {
    if (!writer.joinable()) return;
    reads.close();
    std::vector<ReadJob> undone;
    for (auto& job : reads.drain()) {
        job.result = fail(Errc::cancelled, "the history is closed");
        undone.push_back(std::move(job));
    }
    if (!undone.empty()) answer(loop, std::move(undone));
    file.reader->interrupt();
    reader.join();
    file.reader.reset();
    writes.close();
    writer.join();
    file.writer.reset();
}

Result<std::unique_ptr<Store>> SqliteStore::open(loop::EventLoop& loop, const std::string& path) {
    auto file = open_database(path);
    if (!file) return fail(std::move(file.error()));
    return std::unique_ptr<Store>(new SqliteStore(std::make_unique<Impl>(loop, path, std::move(*file))));
}

SqliteStore::SqliteStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

SqliteStore::~SqliteStore() { close(); }

void SqliteStore::write(Work work, Done done) {
    WriteJob job{std::move(work), std::move(done), {}, false};
    if (impl_->writes.push(job)) return;
    job.result = fail(Errc::cancelled, "the history is closed");
    std::vector<WriteJob> refused;
    refused.push_back(std::move(job));
    answer(impl_->loop, std::move(refused));
}

void SqliteStore::read(Look look, Done done) {
    ReadJob job{std::move(look), std::move(done), {}};
    if (impl_->reads.push(job)) return;
    job.result = fail(Errc::cancelled, "the history is closed");
    std::vector<ReadJob> refused;
    refused.push_back(std::move(job));
    answer(impl_->loop, std::move(refused));
}

bool SqliteStore::alive(milliseconds within) const { return impl_->writes.alive(within); }

void SqliteStore::close() { impl_->close(); }

}  // namespace bkmon::history
