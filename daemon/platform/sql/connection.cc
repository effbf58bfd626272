#include "daemon/platform/sql/connection.h"

#include <system_error>

#include "daemon/platform/sql/statement.h"

namespace bkmon::sql {

namespace {

Errc errc_of_primary(int primary) {
    switch (primary) {
        case SQLITE_FULL: return Errc::no_space;
        case SQLITE_BUSY:
        case SQLITE_LOCKED: return Errc::busy;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB: return Errc::corrupt;
        case SQLITE_READONLY:
        case SQLITE_PERM:
        case SQLITE_AUTH: return Errc::denied;
        case SQLITE_IOERR:
        case SQLITE_CANTOPEN:
        case SQLITE_NOMEM:
        case SQLITE_NOLFS: return Errc::unavailable;
        case SQLITE_INTERRUPT: return Errc::cancelled;
        case SQLITE_CONSTRAINT:
        case SQLITE_MISMATCH:
        case SQLITE_TOOBIG: return Errc::invalid;
        default: return Errc::internal;
    }
}

}  // namespace

Errc errc_of_sqlite(int code, int sys_errno) {
    if (code == SQLITE_CONSTRAINT_PRIMARYKEY || code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_ROWID) return Errc::exists;
    const int primary = code & 0xff;
    if (sys_errno != 0 && (primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN)) {
        const Errc by_errno = errc_of(sys_errno);
        if (by_errno == Errc::no_space || by_errno == Errc::denied || (primary == SQLITE_CANTOPEN && by_errno == Errc::not_found)) return by_errno;
    }
    return errc_of_primary(primary);
}

Result<std::unique_ptr<Connection>> Connection::open(const std::string& path, Mode mode, milliseconds patience) {
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    switch (mode) {
        case Mode::create: flags |= SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE; break;
        case Mode::read_write: flags |= SQLITE_OPEN_READWRITE; break;
        case Mode::read_only: flags |= SQLITE_OPEN_READONLY; break;
    }
    sqlite3* db = nullptr;
    const int code = sqlite3_open_v2(path.c_str(), &db, flags, nullptr);
    if (db == nullptr) return fail(Errc::unavailable, "open: out of memory");
    std::unique_ptr<Connection> connection(new Connection(db, patience));
    if (code != SQLITE_OK) return fail(connection->error("open", code));
    sqlite3_busy_timeout(db, static_cast<int>(patience.count()));
    return connection;
}

Connection::~Connection() = default;

Error Connection::error(std::string_view context, int code) const {
    const int sys_errno = sqlite3_system_errno(db_.get());
    const int primary = code & 0xff;
    const bool by_system = primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN;
    // The message kept by the connection is of its last call, which a bind that failed earlier is not.
    const char* text = sqlite3_extended_errcode(db_.get()) == code ? sqlite3_errmsg(db_.get()) : sqlite3_errstr(code);
    Error e{errc_of_sqlite(code, sys_errno), std::string(context) + ": " + text, by_system ? sys_errno : 0};
    if (e.sys_errno != 0) e.what += " (" + std::generic_category().message(e.sys_errno) + ")";
    return e;
}

Result<Statement> Connection::prepare(std::string_view sql) {
    auto found = slots_.find(sql);
    if (found != slots_.end() && !found->second.lent) return Statement(*this, &found->second, nullptr);
    sqlite3_stmt* raw = nullptr;
    const int code = sqlite3_prepare_v3(db_.get(), sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
    StatementPtr statement(raw);
    if (code != SQLITE_OK) return fail(error("prepare", code));
    if (statement == nullptr) return fail(Errc::internal, "prepare: an empty statement");
    if (found != slots_.end()) return Statement(*this, nullptr, std::move(statement));
    auto& slot = slots_[std::string(sql)];
    slot.statement = std::move(statement);
    return Statement(*this, &slot, nullptr);
}

Result<void> Connection::execute(const char* script) {
    const int code = sqlite3_exec(db_.get(), script, nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) return fail(error("execute", code));
    return {};
}

Result<std::int64_t> Connection::number(std::string_view sql) {
    auto statement = prepare(sql);
    if (!statement) return fail(statement.error());
    const auto row = statement->step();
    if (!row) return fail(row.error());
    if (!*row) return fail(Errc::not_found, std::string(sql) + ": no row");
    std::int64_t value = 0;
    statement->read(value);
    return value;
}

Result<std::string> Connection::text(std::string_view sql) {
    auto statement = prepare(sql);
    if (!statement) return fail(statement.error());
    const auto row = statement->step();
    if (!row) return fail(row.error());
    if (!*row) return fail(Errc::not_found, std::string(sql) + ": no row");
    std::string value;
    statement->read(value);
    return value;
}

Result<bool> Connection::checkpoint(milliseconds patience) {
    sqlite3_busy_timeout(db_.get(), static_cast<int>(patience.count()));
    const int code = sqlite3_wal_checkpoint_v2(db_.get(), nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
    sqlite3_busy_timeout(db_.get(), static_cast<int>(patience_.count()));
    if (code == SQLITE_OK) return true;
    if ((code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_LOCKED) return false;
    return fail(error("checkpoint", code));
}

void Connection::write_back_at_close(bool yes) { sqlite3_db_config(db_.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, yes ? 0 : 1, nullptr); }

}  // namespace bkmon::sql
