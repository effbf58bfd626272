#pragma once
#include "daemon/platform/inspect/worker/kind.h"

namespace bkmon::inspect {

/// mysql_dump, pg_dump, pg_dumpall or sqlite_dump when the head is that of one. A first line that switches the client into sandbox mode
/// (MariaDB) or into restricted mode (PostgreSQL) may stand before.
std::optional<Kind> sniff_dump(std::string_view head);

/// A text dump: its completion line, its own idea of database and server, and whether it holds any table or row.
/// `kind` as sniffed; with Kind::text, `content` names the completion line that must be there.
std::unique_ptr<Format> sql_text_format(Kind kind, core::Content content, bool end_mark);

}  // namespace bkmon::inspect
