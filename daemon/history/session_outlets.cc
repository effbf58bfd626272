#include <set>

#include "common/base/text.h"
#include "daemon/history/columns.h"
#include "daemon/history/lists.h"
#include "daemon/history/sqlite_session.h"

namespace bkmon::history {

Result<std::vector<OutletRow>> SqliteSession::outlets() {
    std::vector<OutletRow> rows;
    auto r = query("SELECT code, name, address, active, labels, gone_at FROM outlet ORDER BY key", [&](sql::Statement& s) -> Result<void> {
        auto& row = rows.emplace_back();
        std::string labels;
        s.read(row.code, row.name, row.address, row.active, labels, row.gone_at);
        return read_list(labels, row.labels);
    });
    if (!r) return fail(std::move(r.error()));
    return rows;
}

Result<void> SqliteSession::put_outlets(const std::vector<OutletRow>& rows, Time at) {
    std::set<std::string> named;
    for (const auto& row : rows)
        if (!named.insert(lower(row.code)).second) return fail(Errc::invalid, "two outlets are called '" + row.code + "'");
    for (const auto& row : rows) {
        auto r =
            run("INSERT INTO outlet (key, code, name, address, active, labels, gone_at) VALUES (?, ?, ?, ?, ?, ?, NULL) "
                "ON CONFLICT (key) DO UPDATE SET code = excluded.code, name = excluded.name, address = excluded.address, active = excluded.active, "
                "labels = excluded.labels, gone_at = NULL WHERE (code, name, address, active, labels) <> "
                "(excluded.code, excluded.name, excluded.address, excluded.active, excluded.labels) OR gone_at IS NOT NULL",
                lower(row.code), row.code, row.name, row.address, row.active, list_text(row.labels));
        if (!r) return r;
    }
    std::vector<std::string> gone;
    auto listed = query("SELECT key FROM outlet WHERE gone_at IS NULL", [&](sql::Statement& s) -> Result<void> {
        std::string key;
        s.read(key);
        if (!named.contains(key)) gone.push_back(std::move(key));
        return {};
    });
    if (!listed) return listed;
    for (const auto& key : gone)
        if (auto r = run("UPDATE outlet SET gone_at = ? WHERE key = ?", at, key); !r) return r;
    return {};
}

Result<std::vector<RememberedShareRow>> SqliteSession::remembered_shares() {
    std::vector<RememberedShareRow> rows;
    auto r = query("SELECT t.name, r.share, r.at FROM remembered_share r JOIN target t ON t.id = r.target ORDER BY t.key",
                   [&](sql::Statement& s) -> Result<void> {
                       auto& row = rows.emplace_back();
                       if (auto target = read_target(s, row.target); !target) return target;
                       s.read(row.share, row.at);
                       return {};
                   });
    if (!r) return fail(std::move(r.error()));
    return rows;
}

Result<void> SqliteSession::put_remembered_share(const RememberedShareRow& row) {
    auto target = number_of(row.target);
    if (!target) return fail(std::move(target.error()));
    return run("INSERT OR REPLACE INTO remembered_share (target, share, at) VALUES (?, ?, ?)", *target, row.share, row.at);
}

}  // namespace bkmon::history
