#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/platform/sql/connection.h"

namespace bkmon::sql {

/// A prepared statement, borrowed from its connection: reset and given back when destroyed. Parameters and columns are taken in
/// order; unsigned 64-bit values keep all their bits. A bind that fails is reported by the next step().
class Statement {
public:
    Statement(Statement&& other) noexcept;
    Statement& operator=(Statement&&) = delete;
    ~Statement();

    template <class... T>
    Statement& bind(const T&... values) {
        (bind_next(values), ...);
        return *this;
    }

    /// True: there is a row. False: done.
    Result<bool> step();
    /// Steps to the end, rows or not.
    Result<void> run();
    /// From the first column on, or from where the last read() of this row ended.
    template <class... T>
    void read(T&... values) {
        (read_next(values), ...);
    }

private:
    friend class Connection;
    Statement(Connection& connection, Connection::Slot* slot, Connection::StatementPtr own);

    void bind_next(std::nullptr_t);
    void bind_next(std::int64_t v);
    void bind_next(std::uint64_t v) { bind_next(static_cast<std::int64_t>(v)); }
    void bind_next(std::uint32_t v) { bind_next(static_cast<std::int64_t>(v)); }
    void bind_next(int v) { bind_next(static_cast<std::int64_t>(v)); }
    void bind_next(bool v) { bind_next(static_cast<std::int64_t>(v)); }
    void bind_next(Time v) { bind_next(to_ms(v)); }
    void bind_next(milliseconds v) { bind_next(static_cast<std::int64_t>(v.count())); }
    void bind_next(std::string_view v);
    void bind_next(const std::string& v) { bind_next(std::string_view(v)); }
    void bind_next(const char* v) { bind_next(std::string_view(v)); }
    template <class T>
    void bind_next(const std::optional<T>& v) {
        v ? bind_next(*v) : bind_next(nullptr);
    }

    std::int64_t integer();
    void read_next(std::int64_t& v) { v = integer(); }
    void read_next(std::uint64_t& v) { v = static_cast<std::uint64_t>(integer()); }
    void read_next(std::uint32_t& v) { v = static_cast<std::uint32_t>(integer()); }
    void read_next(int& v) { v = static_cast<int>(integer()); }
    void read_next(bool& v) { v = integer() != 0; }
    void read_next(Time& v) { v = from_ms(integer()); }
    void read_next(milliseconds& v) { v = milliseconds(integer()); }
    void read_next(std::string& v);
    template <class T>
    void read_next(std::optional<T>& v) {
        if (null_here()) {
            ++column_;
            v.reset();
        } else {
            read_next(v.emplace());
        }
    }
    bool null_here() const;

    Connection* connection_;
    Connection::Slot* slot_;  // null: the statement is our own
    Connection::StatementPtr own_;
    sqlite3_stmt* statement_;
    int parameter_ = 0, column_ = 0, bind_error_ = SQLITE_OK;
};

}  // namespace bkmon::sql
