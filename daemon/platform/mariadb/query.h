#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/base/time.h"

namespace bkmon::mariadb {

struct Server {
    std::string host = "127.0.0.1", user, password, database, ca_file;
    std::uint16_t port = 3306;
    bool tls = false;                                ///< required, certificate and name verified; ca_file empty: the system's
    milliseconds timeout{std::chrono::seconds(30)};  ///< of everything from connecting to the last row; resolving the host's name apart
};

/// Columns by name, in order; a null is nullopt. Text as UTF-8 (utf8mb4), tainted.
struct Table {
    std::vector<std::string> columns;
    std::vector<std::vector<std::optional<std::string>>> rows;
};

/// Connects over TCP, runs one statement with its parameters bound, closes. Blocks: for a lane; any thread. What the server may not: read any
/// file of ours (LOCAL INFILE is off), have the password in the clear without TLS, or fill our memory. Errc: unavailable (no connection, no TLS as
/// wanted, server gone), denied (login, rights), timeout, invalid (statement, or one that gives no table), no_space (more than `max_rows` rows, 64
/// MiB of them, or 16 MiB of one). The message is printable, names server and statement's trouble, never the password.
Result<Table> query(const Server& server, const std::string& statement, const std::vector<std::string>& parameters, std::size_t max_rows);

}  // namespace bkmon::mariadb
