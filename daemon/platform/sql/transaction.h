#pragma once
#include "daemon/platform/sql/connection.h"

namespace bkmon::sql {

/// Rolls back unless committed. The connection must outlive it.
class Transaction {
public:
    enum class Kind { read, write };  ///< write takes the lock at once, so that no later statement can fail for it

    static Result<Transaction> begin(Connection& connection, Kind kind);
    Transaction(Transaction&& other) noexcept : connection_(std::exchange(other.connection_, nullptr)) {}
    Transaction& operator=(Transaction&&) = delete;
    ~Transaction();

    /// Durable once it returns ok. After an error nothing of it stays.
    Result<void> commit();

private:
    explicit Transaction(Connection& connection) : connection_(&connection) {}
    Connection* connection_;
};

/// A part of a transaction that can be taken back alone: rolled back unless kept.
class Savepoint {
public:
    static Result<Savepoint> begin(Connection& connection);
    Savepoint(Savepoint&& other) noexcept : connection_(std::exchange(other.connection_, nullptr)) {}
    Savepoint& operator=(Savepoint&&) = delete;
    ~Savepoint();

    Result<void> keep();

private:
    explicit Savepoint(Connection& connection) : connection_(&connection) {}
    Connection* connection_;
};

}  // namespace bkmon::sql
