#include "daemon/history/database_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "common/base/unique_fd.h"
#include "daemon/history/migrations.h"
#include "daemon/platform/sql/statement.h"

namespace bkmon::history {

namespace {

constexpr milliseconds kPatience{10000};  ///< for somebody's sqlite3 shell that holds the lock

std::string_view advice(Errc code) {
    switch (code) {
        case Errc::no_space: return "free space on its disk";
        case Errc::denied: return "the directory and the file must be writable for the user that bkmond runs as";
        case Errc::not_found: return "its directory must exist";
        case Errc::busy: return "another program has it locked: close that one";
        case Errc::corrupt:
            return "stop bkmond and move this file and those beside it with -wal and -shm after its name away (keep them: `sqlite3 FILE .recover` "
                   "may save "
                   "most of it); bkmond then starts an empty history, and the vault stays as it is";
        case Errc::unavailable: return "check its disk (journalctl -k)";
        default: return "";
    }
}

/// Makes the file with our mode before SQLite would with the umask's; the -wal and -shm files take theirs from it.
Result<void> prepare_file(const std::string& path) {
    const UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640));
    if (!fd) return sys_fail("open", errno);
    struct stat st {};
    if (::fstat(fd.get(), &st) != 0) return sys_fail("fstat", errno);
    if (!S_ISREG(st.st_mode)) return fail(Errc::invalid, "is not a plain file");
    if ((st.st_mode & 07777) != 0640 && st.st_uid == ::geteuid() && ::fchmod(fd.get(), 0640) != 0) return sys_fail("fchmod", errno);
    return {};
}

Result<void> configure(sql::Connection& connection) {
    const auto mode = connection.text("PRAGMA journal_mode = WAL");
    if (!mode) return fail(mode.error());
    if (*mode != "wal") return fail(Errc::unavailable, "its file system cannot keep a write-ahead log; choose a local disk in history.path");
    return connection.execute(
        "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; "
        "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -4096; PRAGMA wal_autocheckpoint = 1000; PRAGMA journal_size_limit = 67108864;");
}

Result<void> read_through(sql::Connection& connection, std::string_view query) {
    auto statement = connection.prepare(query);
    if (!statement) return fail(statement.error());
    return statement->run();
}

/// What an unclean end may have left damaged is what was written last.
Result<void> check(sql::Connection& connection) {
    static constexpr std::array kWhole{"target", "current", "pause",  "schedule_state", "deposit_state",
                                       "held",   "setting", "notice", "silence",        "expectation"};
    static constexpr std::array kNewest{
        "SELECT * FROM verdict ORDER BY id DESC LIMIT 1000",
        "SELECT * FROM verdict INDEXED BY verdict_at ORDER BY at DESC LIMIT 1000",
        "SELECT * FROM daily ORDER BY date DESC, target DESC LIMIT 1000",
        "SELECT * FROM event ORDER BY seq DESC LIMIT 1000",
        "SELECT * FROM run ORDER BY seq DESC LIMIT 1000",
        "SELECT * FROM healthy ORDER BY id DESC LIMIT 1000",
        "SELECT * FROM judged ORDER BY id DESC LIMIT 1000",
        "SELECT * FROM incident ORDER BY id DESC LIMIT 1000",
        "SELECT * FROM mail ORDER BY id DESC LIMIT 200",
    };
    for (const auto* table : kWhole) {
        const auto verdict = connection.text(fmt::format("PRAGMA quick_check('{}')", table));
        if (!verdict) return fail(in(fmt::format("check of table {}", table), verdict.error()));
        if (*verdict != "ok") return fail(Errc::corrupt, fmt::format("check of table {}: {}", table, *verdict));
    }
    for (const auto* query : kNewest)
        if (auto r = read_through(connection, query); !r) return fail(in("check of the newest rows", std::move(r.error())));
    return {};
}

/// A process that died may have left commits in the log that are valid and were never synced: whoever acts on them now (a file gets its
/// final name, and that is durable) must not lose them to a power cut. The log is synced before the first page is written back, so a full
/// disk, or somebody who reads meanwhile, does not matter.
Result<void> make_durable(sql::Connection& connection) {
    // Should the log not be synced now, nobody may ask again, not even the close: the kernel would say yes to what it has lost.
    connection.write_back_at_close(false);
    auto emptied = connection.checkpoint(kPatience);
    if (emptied) connection.write_back_at_close(true);
    if (!emptied && emptied.error().code != Errc::no_space) return fail(in("write the log back", std::move(emptied.error())));
    return {};
}

Result<DatabaseFile> open_checked(const std::string& path) {
    // A clean close removes the log; who finds one follows a crash.
    const bool unclean = ::access((path + "-wal").c_str(), F_OK) == 0;
    if (auto r = prepare_file(path); !r) return fail(std::move(r.error()));
    DatabaseFile file;
    auto writer = sql::Connection::open(path, sql::Connection::Mode::read_write, kPatience);
    if (!writer) return fail(std::move(writer.error()));
    file.writer = std::move(*writer);
    if (auto r = schema_version(*file.writer, migrations().back().version); !r) return fail(std::move(r.error()));  // before the first change
    if (auto r = configure(*file.writer); !r) return fail(std::move(r.error()));
    if (auto r = migrate(*file.writer, migrations()); !r) return fail(std::move(r.error()));
    if (unclean) {
        if (auto r = check(*file.writer); !r) return fail(std::move(r.error()));
        if (auto r = make_durable(*file.writer); !r) return fail(std::move(r.error()));
    }
    auto reader = sql::Connection::open(path, sql::Connection::Mode::read_only, kPatience);
    if (!reader) return fail(std::move(reader.error()));
    file.reader = std::move(*reader);
    if (auto r = file.reader->execute("PRAGMA query_only = ON; PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -1024;");
        !r)
        return fail(std::move(r.error()));
    return file;
}

}  // namespace

Error explained(const std::string& path, Error cause) {
    const auto what_to_do = advice(cause.code);
    cause.what = fmt::format("history '{}': {}{}{}", path, cause.what, what_to_do.empty() ? "" : "; ", what_to_do);
    return cause;
}

Result<DatabaseFile> open_database(const std::string& path) {
    auto file = open_checked(path);
    if (!file) return fail(explained(path, std::move(file.error())));
    return file;
}

}  // namespace bkmon::history
