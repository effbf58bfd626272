#include "daemon/platform/sql/statement.h"

#include <utility>

namespace bkmon::sql {

Statement::Statement(Connection& connection, Connection::Slot* slot, Connection::StatementPtr own)
    : connection_(&connection), slot_(slot), own_(std::move(own)), statement_(slot != nullptr ? slot->statement.get() : own_.get()) {
    if (slot_ != nullptr) slot_->lent = true;
}

Statement::Statement(Statement&& other) noexcept
    : connection_(other.connection_),
      slot_(std::exchange(other.slot_, nullptr)),
      own_(std::move(other.own_)),
      statement_(std::exchange(other.statement_, nullptr)),
      parameter_(other.parameter_),
      column_(other.column_),
      bind_error_(other.bind_error_) {}

Statement::~Statement() {
    if (statement_ == nullptr) return;
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
    if (slot_ != nullptr) slot_->lent = false;
}

Result<bool> Statement::step() {
    if (bind_error_ != SQLITE_OK) return fail(connection_->error("bind", bind_error_));
    column_ = 0;
    const int code = sqlite3_step(statement_);
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    Error e = connection_->error("sql", code);
    sqlite3_reset(statement_);
    return fail(std::move(e));
}

Result<void> Statement::run() {
    for (;;) {
        const auto row = step();
        if (!row) return fail(row.error());
        if (!*row) return {};
    }
}

void Statement::bind_next(std::nullptr_t) {
    const int code = sqlite3_bind_null(statement_, ++parameter_);
    if (bind_error_ == SQLITE_OK) bind_error_ = code;
}

void Statement::bind_next(std::int64_t v) {
    const int code = sqlite3_bind_int64(statement_, ++parameter_, v);
    if (bind_error_ == SQLITE_OK) bind_error_ = code;
}

void Statement::bind_next(std::string_view v) {
    // An empty view may have no address, and no address binds NULL.
    const int code = sqlite3_bind_text64(statement_, ++parameter_, v.data() != nullptr ? v.data() : "", v.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
    if (bind_error_ == SQLITE_OK) bind_error_ = code;
}

std::int64_t Statement::integer() { return sqlite3_column_int64(statement_, column_++); }

void Statement::read_next(std::string& v) {
    const int column = column_++;
    const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, column));
    const int size = sqlite3_column_bytes(statement_, column);
    v.assign(bytes != nullptr ? bytes : "", static_cast<std::size_t>(bytes != nullptr ? size : 0));
}

bool Statement::null_here() const { return sqlite3_column_type(statement_, column_) == SQLITE_NULL; }

}  // namespace bkmon::sql
