#include "tests/support/fault_vfs.h"

#include <sqlite3.h>

#include <cstddef>
#include <new>

namespace bkmon::test {

namespace {

FaultVfs* active = nullptr;

/// Our part of an open file; the real one lies behind it in the memory that SQLite gives.
struct alignas(8) File {  // as SQLite aligns what it gives
    sqlite3_file base;
    bool log = false;
    sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

File& mine(sqlite3_file* file) { return *reinterpret_cast<File*>(file); }
sqlite3_file* real(sqlite3_file* file) { return mine(file).real(); }
const sqlite3_io_methods& methods(sqlite3_file* file) { return *real(file)->pMethods; }

}  // namespace

struct FaultVfsCalls {
    static int read(sqlite3_file* f, void* to, int n, sqlite3_int64 at) {
        ++active->reads_;
        return methods(f).xRead(real(f), to, n, at);
    }
    static int write(sqlite3_file* f, const void* from, int n, sqlite3_int64 at) {
        if (const int code = active->write_error_; code != 0) return code;
        return methods(f).xWrite(real(f), from, n, at);
    }
    static int sync(sqlite3_file* f, int flags) {
        if (mine(f).log) ++active->log_syncs_;
        if (const int code = active->sync_error_; code != 0) return code;
        return methods(f).xSync(real(f), flags);
    }
    static int open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out) {
        static const sqlite3_io_methods kMethods{
            2,  // no memory mapping: every read is seen
            [](sqlite3_file* f) { return methods(f).xClose(real(f)); },
            &read,
            &write,
            [](sqlite3_file* f, sqlite3_int64 size) { return methods(f).xTruncate(real(f), size); },
            &sync,
            [](sqlite3_file* f, sqlite3_int64* size) { return methods(f).xFileSize(real(f), size); },
            [](sqlite3_file* f, int lock) { return methods(f).xLock(real(f), lock); },
            [](sqlite3_file* f, int lock) { return methods(f).xUnlock(real(f), lock); },
            [](sqlite3_file* f, int* reserved) { return methods(f).xCheckReservedLock(real(f), reserved); },
            [](sqlite3_file* f, int op, void* arg) { return methods(f).xFileControl(real(f), op, arg); },
            [](sqlite3_file* f) { return methods(f).xSectorSize(real(f)); },
            [](sqlite3_file* f) { return methods(f).xDeviceCharacteristics(real(f)); },
            [](sqlite3_file* f, int page, int size, int extend, void volatile** to) { return methods(f).xShmMap(real(f), page, size, extend, to); },
            [](sqlite3_file* f, int offset, int n, int lock) { return methods(f).xShmLock(real(f), offset, n, lock); },
            [](sqlite3_file* f) { methods(f).xShmBarrier(real(f)); },
            [](sqlite3_file* f, int remove) { return methods(f).xShmUnmap(real(f), remove); },
            nullptr,
            nullptr,
        };
        auto* mine = new (file) File{};
        mine->log = (flags & SQLITE_OPEN_WAL) != 0;
        const int code = active->real_->xOpen(active->real_, name, mine->real(), flags, out);
        mine->base.pMethods = mine->real()->pMethods != nullptr ? &kMethods : nullptr;
        return code;
    }
};

FaultVfs::FaultVfs() : real_(sqlite3_vfs_find(nullptr)), mine_(new sqlite3_vfs(*real_)) {
    active = this;
    mine_->zName = "bkmon-fault";
    mine_->szOsFile = static_cast<int>(sizeof(File)) + real_->szOsFile;
    mine_->xOpen = &FaultVfsCalls::open;
    sqlite3_vfs_register(mine_, 1);
}

FaultVfs::~FaultVfs() {
    sqlite3_vfs_unregister(mine_);
    sqlite3_vfs_register(real_, 1);
    delete mine_;
    active = nullptr;
}

}  // namespace bkmon::test
