#pragma once
#include <sqlite3.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/c_ptr.h"
#include "common/base/result.h"
#include "common/base/time.h"

namespace bkmon::sql {

class Statement;

/// What an (extended) SQLite result code means for a caller. `sys_errno`: sqlite3_system_errno(), 0 when no system call failed; it turns
/// an I/O error on a full disk into no_space. Codes: https://www.sqlite.org/rescode.html
Errc errc_of_sqlite(int code, int sys_errno);

/// One SQLite connection with its prepared statements. Used by one thread at a time; interrupt() alone may come from any.
class Connection {
public:
    enum class Mode { create, read_write, read_only };

    /// Waits at most `patience` for locks of other connections. Errors do not name the path: callers do.
    static Result<std::unique_ptr<Connection>> open(const std::string& path, Mode mode, milliseconds patience);
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    ~Connection();

    /// Prepared once per text and kept. The statement must die before the connection.
    Result<Statement> prepare(std::string_view sql);
    /// Runs all statements of `script`; rows are thrown away.
    Result<void> execute(const char* script);
    /// The first column of the first row, for pragmas. Errc::not_found when there is no row.
    Result<std::int64_t> number(std::string_view sql);
    Result<std::string> text(std::string_view sql);

    std::int64_t last_insert_id() const { return sqlite3_last_insert_rowid(db_.get()); }
    int changes() const { return sqlite3_changes(db_.get()); }
    /// False also after SQLite itself rolled back, as it does on a full disk.
    bool in_transaction() const { return sqlite3_get_autocommit(db_.get()) == 0; }

    /// Writes the log back and empties it, waiting at most `patience` for readers. False: somebody still reads; try again later.
    Result<bool> checkpoint(milliseconds patience);
    /// Whether closing writes the log back (the default) or leaves it as it is.
    void write_back_at_close(bool yes);
    void interrupt() { sqlite3_interrupt(db_.get()); }

    /// The last error as SQLite worded it, with `context` before it.
    Error error(std::string_view context, int code) const;

private:
    friend class Statement;
    using StatementPtr = CPtr<sqlite3_stmt, &sqlite3_finalize>;
    struct Slot {
        StatementPtr statement;
        bool lent = false;
    };
    Connection(sqlite3* db, milliseconds patience) : db_(db), patience_(patience) {}

    CPtr<sqlite3, &sqlite3_close> db_;
    milliseconds patience_;
    std::map<std::string, Slot, std::less<>> slots_;
};

}  // namespace bkmon::sql
