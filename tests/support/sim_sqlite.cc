#include "tests/support/sim_sqlite.h"

#include <sqlite3.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

#include "daemon/history/sqlite_session.h"
#include "daemon/platform/sql/transaction.h"

namespace bkmon::test {

namespace {

SimSqlite* active = nullptr;
constexpr int kRegion = 32768;

std::string base_name(const std::string& path) {
    const auto slash = path.rfind('/');
    return slash == std::string::npos ? path : path.substr(slash + 1);
}

}  // namespace

struct SimSqlite::Open {
    std::string name;
    UniqueFd fd;
    int lock = SQLITE_LOCK_NONE;
    int shm_shared = 0, shm_owned = 0;  ///< bit i: slot i
    bool sync_folder = false;           ///< of a log or journal, new or found: its name is durable with its first sync (os_unix.c, DIRSYNC)
    bool gone_at_close = false;
    Shared* shared = nullptr;
};

struct SimSqliteCalls {
    /// What SQLite allocates for a file: our object lies elsewhere.
    struct Handle {
        sqlite3_file base;
        SimSqlite::Open* open;
    };
    static SimSqlite::Open& of(sqlite3_file* f) { return *reinterpret_cast<Handle*>(f)->open; }
    static SimFiles& disk() { return active->disk_; }

    static int failed(const Error& e, int code) {
        active->last_errno_ = e.sys_errno;
        // As os_unix.c: a full disk is one of its own, and so is a full table of descriptors.
        return e.sys_errno == ENOSPC && (code == SQLITE_IOERR_WRITE || code == SQLITE_IOERR_TRUNCATE) ? SQLITE_FULL : code;
    }
    static Result<UniqueFd> folder() { return disk().open_root(active->folder_); }

    static int close(sqlite3_file* f) {
        auto* open = reinterpret_cast<Handle*>(f)->open;
        unlock_all(*open);
        auto& opens = open->shared->opens;
        opens.erase(std::remove(opens.begin(), opens.end(), open), opens.end());
        if (opens.empty()) active->files_.erase(open->name);
        delete open;
        f->pMethods = nullptr;
        return SQLITE_OK;
    }
    static void unlock_all(SimSqlite::Open& open) {
        for (int i = 0; i < 8; ++i) {
            if ((open.shm_shared >> i & 1) != 0) --open.shared->shm_shared[i];
            if ((open.shm_owned >> i & 1) != 0) open.shared->shm_owner[i] = nullptr;
        }
        open.shm_shared = open.shm_owned = 0;
    }
    static int read(sqlite3_file* f, void* to, int n, sqlite3_int64 at) {
        auto got = disk().read(of(f).fd.get(), {static_cast<unsigned char*>(to), static_cast<std::size_t>(n)}, static_cast<std::uint64_t>(at));
        if (!got) return failed(got.error(), SQLITE_IOERR_READ);
        if (*got == static_cast<std::size_t>(n)) return SQLITE_OK;
        std::memset(static_cast<unsigned char*>(to) + *got, 0, static_cast<std::size_t>(n) - *got);
        return SQLITE_IOERR_SHORT_READ;
    }
    static int write(sqlite3_file* f, const void* from, int n, sqlite3_int64 at) {
        auto done =
            disk().write(of(f).fd.get(), {static_cast<const unsigned char*>(from), static_cast<std::size_t>(n)}, static_cast<std::uint64_t>(at));
        return done ? SQLITE_OK : failed(done.error(), SQLITE_IOERR_WRITE);
    }
    static int truncate(sqlite3_file* f, sqlite3_int64 size) {
        auto done = disk().truncate(of(f).fd.get(), static_cast<std::uint64_t>(size));
        return done ? SQLITE_OK : failed(done.error(), SQLITE_IOERR_TRUNCATE);
    }
    static int sync(sqlite3_file* f, int) {
        auto& open = of(f);
        if (auto done = disk().sync(open.fd.get()); !done) return failed(done.error(), SQLITE_IOERR_FSYNC);
        if (!open.sync_folder) return SQLITE_OK;
        open.sync_folder = false;
        auto dir = folder();
        if (!dir) return SQLITE_OK;  // as os_unix.c: an error of the directory is not told
        static_cast<void>(disk().sync(dir->get()));
        return SQLITE_OK;
    }
    static int size(sqlite3_file* f, sqlite3_int64* out) {
        auto st = disk().stat(of(f).fd.get());
        if (!st) return failed(st.error(), SQLITE_IOERR_FSTAT);
        *out = static_cast<sqlite3_int64>(st->size);
        return SQLITE_OK;
    }
    static int lock(sqlite3_file* f, int level) {
        auto& open = of(f);
        if (open.lock >= level) return SQLITE_OK;
        for (const auto* other : open.shared->opens) {
            if (other == &open) continue;
            if (level == SQLITE_LOCK_SHARED && other->lock >= SQLITE_LOCK_PENDING) return SQLITE_BUSY;
            if (level == SQLITE_LOCK_RESERVED && other->lock >= SQLITE_LOCK_RESERVED) return SQLITE_BUSY;
            if (level == SQLITE_LOCK_EXCLUSIVE && other->lock >= SQLITE_LOCK_SHARED) return SQLITE_BUSY;
        }
        open.lock = level;
        return SQLITE_OK;
    }
    static int unlock(sqlite3_file* f, int level) {
        of(f).lock = std::min(of(f).lock, level);
        return SQLITE_OK;
    }
    static int reserved(sqlite3_file* f, int* out) {
        const auto& opens = of(f).shared->opens;
        *out = std::any_of(opens.begin(), opens.end(), [](const auto* o) { return o->lock >= SQLITE_LOCK_RESERVED; }) ? 1 : 0;
        return SQLITE_OK;
    }
    static int control(sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; }
    static int sector(sqlite3_file*) { return 4096; }
    static int characteristics(sqlite3_file*) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; }
    static int shm_map(sqlite3_file* f, int page, int, int extend, void volatile** to) {
        auto& memory = of(f).shared->memory;
        auto found = memory.find(page);
        if (found == memory.end() && extend != 0) found = memory.emplace(page, new unsigned char[kRegion]()).first;
        *to = found == memory.end() ? nullptr : found->second.get();
        return SQLITE_OK;
    }
    static int shm_lock(sqlite3_file* f, int offset, int n, int flags) {
        auto& open = of(f);
        auto& shared = *open.shared;
        for (int i = offset; i < offset + n; ++i) {
            const bool mine = (open.shm_shared >> i & 1) != 0;
            if ((flags & SQLITE_SHM_LOCK) == 0) continue;
            if ((flags & SQLITE_SHM_SHARED) != 0 && shared.shm_owner[i] != nullptr && shared.shm_owner[i] != &open) return SQLITE_BUSY;
            if ((flags & SQLITE_SHM_EXCLUSIVE) != 0 &&
                ((shared.shm_owner[i] != nullptr && shared.shm_owner[i] != &open) || shared.shm_shared[i] > (mine ? 1 : 0)))
                return SQLITE_BUSY;
        }
        for (int i = offset; i < offset + n; ++i) shm_take(open, i, flags);
        return SQLITE_OK;
    }
    static void shm_take(SimSqlite::Open& open, int i, int flags) {
        auto& shared = *open.shared;
        const int bit = 1 << i;
        const bool locks = (flags & SQLITE_SHM_LOCK) != 0;
        if ((flags & SQLITE_SHM_SHARED) != 0) {
            if (locks && (open.shm_shared & bit) == 0) ++shared.shm_shared[i];
            if (!locks && (open.shm_shared & bit) != 0) --shared.shm_shared[i];
            open.shm_shared = locks ? open.shm_shared | bit : open.shm_shared & ~bit;
        } else {
            shared.shm_owner[i] = locks ? &open : nullptr;
            open.shm_owned = locks ? open.shm_owned | bit : open.shm_owned & ~bit;
        }
    }
    static void shm_barrier(sqlite3_file*) {}
    static int shm_unmap(sqlite3_file* f, int) {
        unlock_all(of(f));
        return SQLITE_OK;
    }

    static int open(sqlite3_vfs*, const char* path, sqlite3_file* file, int flags, int* out) {
        static const sqlite3_io_methods kMethods{2,          &close,    &read,    &write,  &truncate,        &sync,    &size,     &lock,
                                                 &unlock,    &reserved, &control, &sector, &characteristics, &shm_map, &shm_lock, &shm_barrier,
                                                 &shm_unmap, nullptr,   nullptr};
        file->pMethods = nullptr;
        if (path == nullptr) return SQLITE_CANTOPEN;  // nothing of ours needs temporary files
        const std::string name = base_name(path);
        auto dir = folder();
        if (!dir) return failed(dir.error(), SQLITE_CANTOPEN);
        auto fd = disk().open_read(dir->get(), name);
        // bkmond makes the database itself before SQLite sees it.
        const bool may_make = (flags & (SQLITE_OPEN_CREATE | SQLITE_OPEN_MAIN_DB)) != 0;
        if (!fd && fd.error().sys_errno == ENOENT && may_make) {
            fd = disk().create(dir->get(), name);
        }
        if (!fd) return failed(fd.error(), SQLITE_CANTOPEN);
        auto* open = new SimSqlite::Open;
        open->name = name;
        open->fd = std::move(*fd);
        open->sync_folder = (flags & SQLITE_OPEN_CREATE) != 0 && (flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL)) != 0;
        open->shared = &active->files_[name];
        open->shared->opens.push_back(open);
        reinterpret_cast<Handle*>(file)->open = open;
        file->pMethods = &kMethods;
        if (out != nullptr) *out = flags;
        return SQLITE_OK;
    }
    static int remove(sqlite3_vfs*, const char* path, int sync_dir) {
        auto dir = folder();
        if (!dir) return failed(dir.error(), SQLITE_IOERR_DELETE);
        if (auto gone = disk().unlink(dir->get(), base_name(path)); !gone)
            return gone.error().sys_errno == ENOENT ? SQLITE_IOERR_DELETE_NOENT : failed(gone.error(), SQLITE_IOERR_DELETE);
        if (sync_dir == 0) return SQLITE_OK;
        auto synced = disk().sync(dir->get());
        return synced ? SQLITE_OK : failed(synced.error(), SQLITE_IOERR_DIR_FSYNC);
    }
    static int access(sqlite3_vfs*, const char* path, int, int* out) {
        *out = 0;
        auto dir = folder();
        if (!dir) return failed(dir.error(), SQLITE_IOERR_ACCESS);
        auto st = disk().stat_at(dir->get(), base_name(path));
        *out = st ? 1 : 0;
        return SQLITE_OK;
    }
    static int full_path(sqlite3_vfs*, const char* path, int n, char* out) {
        sqlite3_snprintf(n, out, "%s", path);
        return SQLITE_OK;
    }
    static int last_error(sqlite3_vfs*, int, char*) { return active->last_errno_; }
};

SimSqlite::SimSqlite(SimFiles& disk, std::string folder)
    : disk_(disk), folder_(std::move(folder)), real_(sqlite3_vfs_find(nullptr)), mine_(new sqlite3_vfs(*real_)) {
    active = this;
    disk_.make_dirs(folder_);
    mine_->zName = "bkmon-simulated";
    mine_->szOsFile = static_cast<int>(sizeof(SimSqliteCalls::Handle));
    mine_->xOpen = &SimSqliteCalls::open;
    mine_->xDelete = &SimSqliteCalls::remove;
    mine_->xAccess = &SimSqliteCalls::access;
    mine_->xFullPathname = &SimSqliteCalls::full_path;
    mine_->xGetLastError = &SimSqliteCalls::last_error;
    sqlite3_vfs_register(mine_, 1);
}

SimSqlite::~SimSqlite() {
    sqlite3_vfs_unregister(mine_);
    sqlite3_vfs_register(real_, 1);
    delete mine_;
    active = nullptr;
}

Result<std::unique_ptr<SimStore>> SimStore::open(loop::EventLoop& loop, const std::string& path) {
    auto file = history::open_database(path);
    if (!file) return fail(std::move(file.error()));
    return std::unique_ptr<SimStore>(new SimStore(loop, std::move(*file)));
}

Result<void> SimStore::commit(const Work& work) {
    auto transaction = sql::Transaction::begin(*file_.writer, sql::Transaction::Kind::write);
    if (!transaction) return fail(std::move(transaction.error()));
    history::SqliteSession session(*file_.writer);
    if (auto worked = work(session); !worked) return worked;
    if (!file_.writer->in_transaction()) return fail(Errc::no_space, "SQLite rolled back");
    return transaction->commit();
}

void SimStore::write(Work work, Done done) {
    auto result = commit(work);
    if (!done) return;
    loop_.post(Task([done = std::move(done), result = std::move(result), work = std::move(work)]() mutable { done(std::move(result)); }));
    // As the real one does when nothing waits; its errors are the next commit's.
    if (++commits_ % 2 == 0) static_cast<void>(file_.writer->checkpoint(milliseconds(0)));
}

Result<void> SimStore::look(const Look& look) {
    auto transaction = sql::Transaction::begin(*file_.reader, sql::Transaction::Kind::read);
    if (!transaction) return fail(std::move(transaction.error()));
    history::SqliteSession session(*file_.reader);
    return look(session);
}

void SimStore::read(Look look_at, Done done) {
    auto result = look(look_at);
    loop_.post(Task([done = std::move(done), result = std::move(result), look_at = std::move(look_at)]() mutable { done(std::move(result)); }));
}

}  // namespace bkmon::test
