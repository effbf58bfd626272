#pragma once
#include <string>
#include <string_view>

#include "daemon/platform/inspect/worker/format.h"

namespace bkmon::inspect {

/// What the first bytes say.
enum class Kind {
    gzip,
    zstd,
    xz,
    zip,  // looked through
    bzip2,
    lz4,
    seven_zip,
    rar,  // known, not looked into
    encrypted,
    tar,
    sqlite_file,
    pg_custom,
    mtf,
    mssql_packed,
    mysql_dump,
    pg_dump,
    pg_dumpall,
    sqlite_dump,
    text,
    zeros,
    binary,
};

/// "gzip", "mysqldump", "SQLite database", … for people.
std::string_view words(Kind kind);

Kind sniff(Bytes head);

/// What a file name's extension says about the bytes, and the name of what is inside ("x.sql" for "x.sql.gz", "x.tar" for "x.tgz").
struct Promise {
    std::optional<Kind> kind;  ///< Kind::text for .sql
    std::string inner;
};
Promise promise_of(std::string_view name);

/// True for names that say that the bytes are encrypted: .gpg, .age, …
bool encrypted_name(std::string_view name);

/// Compares what was found with what name and `content:` promise. `inside`: below a compression that `content: archive` is satisfied with.
Outcome breach(const Inquiry& inquiry, std::string_view name, Kind found, Bytes head, bool inside);

/// Shannon entropy, bits per byte.
double entropy(Bytes bytes);

}  // namespace bkmon::inspect
