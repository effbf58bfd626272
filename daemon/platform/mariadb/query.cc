#include "daemon/platform/mariadb/query.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "common/base/text.h"
#include "daemon/platform/mariadb/session.h"

namespace bkmon::mariadb {
namespace {

constexpr unsigned kMostColumns = 4096;
constexpr std::size_t kLongestNumber = 512;  // a double without an exponent

using Row = std::vector<std::optional<std::string>>;

/// The table while it grows, and how much it may.
class Growing {
public:
    Growing(Session& session, std::size_t max_rows) : session_(session), max_rows_(max_rows) {}

    Result<void> header(MYSQL_RES* result) {
        const auto n = ::mysql_num_fields(result);
        if (n > kMostColumns) return session_.too_much(fmt::format("more than {} columns", kMostColumns));
        const auto* fields = ::mysql_fetch_fields(result);
        for (unsigned i = 0; i < n; ++i) table_.columns.emplace_back(fields[i].name, fields[i].name_length);
        session_.rows_begin();
        return {};
    }
    Result<void> add(Row row) {
        for (const auto& value : row) bytes_ += sizeof value + (value ? value->size() : 0);
        if (table_.rows.size() >= max_rows_) return session_.too_much(fmt::format("more than {} rows", max_rows_));
        if (bytes_ > kMostBytes) return session_.too_much(fmt::format("a table of more than {}", size_words(kMostBytes)));
        table_.rows.push_back(std::move(row));
        return {};
    }
    std::size_t columns() const { return table_.columns.size(); }
    Table take() { return std::move(table_); }

private:
    Session& session_;
    std::size_t max_rows_, bytes_ = 0;
    Table table_;
};

/// Frees it without waiting for rows that nobody wants.
void drop(Session& session, MYSQL_RES* result) {
    session.drive([&] { return ::mysql_free_result_start(result); }, [&](int events) { return ::mysql_free_result_cont(result, events); });
}

Result<void> read_text_rows(Session& session, MYSQL_RES* result, Growing& table) {
    if (auto r = table.header(result); !r) return r;
    while (true) {
        MYSQL_ROW row = nullptr;
        session.drive([&] { return ::mysql_fetch_row_start(&row, result); },
                      [&](int events) { return ::mysql_fetch_row_cont(&row, result, events); });
        if (!row) return ::mysql_errno(session.handle()) == 0 ? Result<void>() : Result<void>(session.failure("no answer to the query"));
        const auto* lengths = ::mysql_fetch_lengths(result);
        Row values;
        values.reserve(table.columns());
        for (std::size_t i = 0; i < table.columns(); ++i) values.push_back(row[i] ? std::optional(std::string(row[i], lengths[i])) : std::nullopt);
        if (auto r = table.add(std::move(values)); !r) return r;
        if (!session.goes_on()) return session.failure("no whole answer to the query");
    }
}

Failure no_table() { return fail(Errc::invalid, "the statement gives no table: a SELECT is wanted"); }

Result<Table> run_text(Session& session, const std::string& statement, std::size_t max_rows) {
    auto* const mysql = session.handle();
    int failed = 1;
    session.drive([&] { return ::mysql_real_query_start(&failed, mysql, statement.data(), statement.size()); },
                  [&](int events) { return ::mysql_real_query_cont(&failed, mysql, events); });
    if (failed != 0) return session.failure("no answer to the query");
    auto* const result = ::mysql_use_result(mysql);
    if (!result) return ::mysql_errno(mysql) == 0 ? no_table() : session.failure("no answer to the query");
    Growing table(session, max_rows);
    auto read = read_text_rows(session, result, table);
    if (!read) session.hang_up();
    drop(session, result);
    if (!read) return fail(std::move(read.error()));
    return table.take();
}

/// A prepared statement and what belongs to it.
class Prepared {
public:
    explicit Prepared(Session& session) : session_(session), statement_(::mysql_stmt_init(session.handle())) {}
    // No word to the server: the connection is closed next.
    ~Prepared() {
        if (meta_) ::mysql_free_result(meta_);
        session_.hang_up();
        if (statement_) ::mysql_stmt_close(statement_);
    }
    Prepared(const Prepared&) = delete;
    Prepared& operator=(const Prepared&) = delete;

    Result<Table> run(const std::string& text, const std::vector<std::string>& parameters, std::size_t max_rows) {
        if (!statement_) return fail(Errc::internal, "the database library has no memory");
        if (auto r = execute(text, parameters); !r) return fail(std::move(r.error()));
        meta_ = ::mysql_stmt_result_metadata(statement_);
        if (!meta_) return ::mysql_stmt_errno(statement_) == 0 ? no_table() : failure("no answer to the query");
        Growing table(session_, max_rows);
        if (auto r = table.header(meta_); !r) return fail(std::move(r.error()));
        if (auto r = read_rows(table); !r) return fail(std::move(r.error()));
        return table.take();
    }

private:
    Failure failure(const char* doing) { return session_.failure(doing, ::mysql_stmt_errno(statement_), ::mysql_stmt_error(statement_)); }

    Result<void> execute(const std::string& text, const std::vector<std::string>& parameters) {
        int failed = 1;
        session_.drive([&] { return ::mysql_stmt_prepare_start(&failed, statement_, text.data(), text.size()); },
                       [&](int events) { return ::mysql_stmt_prepare_cont(&failed, statement_, events); });
        if (failed != 0) return failure("no answer to the query");
        if (::mysql_stmt_param_count(statement_) != parameters.size())
            return fail(Errc::invalid,
                        fmt::format("the statement wants {} parameters, not {}", ::mysql_stmt_param_count(statement_), parameters.size()));
        std::vector<MYSQL_BIND> bound(parameters.size());
        for (std::size_t i = 0; i < parameters.size(); ++i) {
            std::memset(&bound[i], 0, sizeof bound[i]);
            bound[i].buffer_type = MYSQL_TYPE_STRING;
            bound[i].buffer = const_cast<char*>(parameters[i].data());  // read only, whatever its type says
            bound[i].buffer_length = static_cast<unsigned long>(parameters[i].size());
        }
        if (!bound.empty() && ::mysql_stmt_bind_param(statement_, bound.data()) != 0) return failure("parameters");
        failed = 1;
        session_.drive([&] { return ::mysql_stmt_execute_start(&failed, statement_); },
                       [&](int events) { return ::mysql_stmt_execute_cont(&failed, statement_, events); });
        if (failed != 0) return failure("no answer to the query");
        return {};
    }

    Result<void> read_rows(Growing& table) {
        const auto n = table.columns();
        std::vector<MYSQL_BIND> bound(n);
        std::vector<unsigned long> lengths(n);
        const auto nulls = std::make_unique<my_bool[]>(n);
        for (std::size_t i = 0; i < n; ++i) {
            std::memset(&bound[i], 0, sizeof bound[i]);
            bound[i].buffer_type = MYSQL_TYPE_STRING;  // without a buffer: how long it is comes first
            bound[i].length = &lengths[i];
            bound[i].is_null = &nulls[i];
        }
        if (::mysql_stmt_bind_result(statement_, bound.data()) != 0) return failure("columns");
        while (true) {
            int got = 1;
            session_.drive([&] { return ::mysql_stmt_fetch_start(&got, statement_); },
                           [&](int events) { return ::mysql_stmt_fetch_cont(&got, statement_, events); });
            if (got == MYSQL_NO_DATA) return {};
            if (got != 0 && got != MYSQL_DATA_TRUNCATED) return failure("no answer to the query");
            Row row;
            for (unsigned i = 0; i < n; ++i) {
                auto value = nulls[i] ? Result<std::optional<std::string>>(std::nullopt) : column(i, lengths[i]);
                if (!value) return fail(std::move(value.error()));
                row.push_back(std::move(*value));
            }
            if (auto r = table.add(std::move(row)); !r) return r;
            if (!session_.goes_on()) return session_.failure("no whole answer to the query", 0, "");
        }
    }

    /// `length`: of texts. What becomes text only here may get longer than was said without a buffer.
    Result<std::optional<std::string>> column(unsigned i, unsigned long length) {
        if (length > kMostOfRow) return session_.too_much("a value that is too long");
        std::string text(std::max<std::size_t>(length, kLongestNumber), '\0');
        MYSQL_BIND bind;
        std::memset(&bind, 0, sizeof bind);
        bind.buffer_type = MYSQL_TYPE_STRING;
        bind.buffer = text.data();
        bind.buffer_length = static_cast<unsigned long>(text.size());
        bind.length = &length;
        if (::mysql_stmt_fetch_column(statement_, &bind, i, 0) != 0) return failure("columns");
        text.resize(std::min<std::size_t>(length, text.size()));
        return std::optional(std::move(text));
    }

    Session& session_;
    MYSQL_STMT* statement_;
    MYSQL_RES* meta_ = nullptr;
};

}  // namespace

Result<Table> query(const Server& server, const std::string& statement, const std::vector<std::string>& parameters, std::size_t max_rows) {
    Session session(server);
    if (auto connected = session.connect(); !connected) return fail(std::move(connected.error()));
    if (parameters.empty()) return run_text(session, statement, max_rows);
    return Prepared(session).run(statement, parameters, max_rows);
}

}  // namespace bkmon::mariadb
