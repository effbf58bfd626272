#include "daemon/platform/sql/transaction.h"

#include "daemon/platform/sql/statement.h"

namespace bkmon::sql {

namespace {

Result<void> run(Connection& connection, std::string_view sql) {
    auto statement = connection.prepare(sql);
    if (!statement) return fail(statement.error());
    return statement->run();
}

}  // namespace

Result<Transaction> Transaction::begin(Connection& connection, Kind kind) {
    if (auto r = run(connection, kind == Kind::write ? "BEGIN IMMEDIATE" : "BEGIN"); !r) return fail(in("begin", std::move(r.error())));
    return Transaction(connection);
}

Transaction::~Transaction() {
    // When SQLite rolled back by itself there is nothing left to do; an error here has no better answer than the one already given.
    if (connection_ != nullptr && connection_->in_transaction()) static_cast<void>(run(*connection_, "ROLLBACK"));
}

Result<void> Transaction::commit() {
    auto result = run(*connection_, "COMMIT");
    if (!result) {
        if (connection_->in_transaction()) static_cast<void>(run(*connection_, "ROLLBACK"));
        result = fail(in("commit", std::move(result.error())));
    }
    connection_ = nullptr;
    return result;
}

Result<Savepoint> Savepoint::begin(Connection& connection) {
    if (auto r = run(connection, "SAVEPOINT one"); !r) return fail(in("savepoint", std::move(r.error())));
    return Savepoint(connection);
}

Savepoint::~Savepoint() {
    if (connection_ == nullptr || !connection_->in_transaction()) return;
    static_cast<void>(run(*connection_, "ROLLBACK TO one"));
    static_cast<void>(run(*connection_, "RELEASE one"));
}

Result<void> Savepoint::keep() {
    auto result = run(*connection_, "RELEASE one");
    if (result) connection_ = nullptr;
    return result;
}

}  // namespace bkmon::sql
