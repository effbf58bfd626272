#include "daemon/history/columns.h"

namespace bkmon::history {

namespace {

/// BKMON_VERDICT_FIELDS.
sql::Statement& bind_fields(sql::Statement& statement, const core::Verdict& v) {
    return statement.bind(v.at, name_of(v.status), name_of(v.severity), v.reason_code, v.reason, v.due, v.backup_at, v.file, v.size_bytes, v.sha256,
                          v.run, v.duration, v.place);
}

}  // namespace

void bind_verdict(sql::Statement& statement, const core::Verdict& v) { bind_fields(statement, v).bind(v.evidence); }

void bind_told(sql::Statement& statement, const core::Verdict& v, std::int64_t told_by) {
    if (told_by == 0)
        bind_fields(statement, v).bind(v.evidence, nullptr);
    else
        bind_fields(statement, v).bind("", told_by);
}

Result<void> read_verdict(sql::Statement& statement, core::Verdict& v) {
    std::string status, severity;
    statement.read(v.at, status, severity, v.reason_code, v.reason, v.due, v.backup_at, v.file, v.size_bytes, v.sha256, v.run, v.duration, v.place,
                   v.evidence);
    const auto known_status = core::status_of(status);
    const auto known_severity = core::severity_of(severity);
    if (!known_status || !known_severity)
        return fail(Errc::corrupt, "history: a row holds the status '" + status + "' with the severity '" + severity + "'");
    v.status = *known_status;
    v.severity = *known_severity;
    return {};
}

Result<void> read_target(sql::Statement& statement, TargetId& target) {
    std::optional<std::string> name;
    statement.read(name);
    if (!name) {
        target = {};
        return {};
    }
    auto id = TargetId::parse(*name);
    if (!id) return fail(in("history: a row names a target", Error{Errc::corrupt, id.error().what}));
    target = std::move(*id);
    return {};
}

}  // namespace bkmon::history
