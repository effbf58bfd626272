#include "tests/unit/daemon/history/rows_text.h"

#include <gtest/gtest.h>

#include <sstream>

namespace bkmon::test {

namespace {

class Line {
public:
    template <class T>
    Line& add(const T& v) {
        out_ << v << '|';
        return *this;
    }
    Line& add(Time v) { return add(to_ms(v)); }
    Line& add(milliseconds v) { return add(v.count()); }
    Line& add(const TargetId& v) { return add(v.str()); }
    template <class T>
    Line& add(const std::optional<T>& v) {
        return v ? add(*v) : add("null");
    }
    template <class T>
    Line& add(const std::vector<T>& v) {
        for (const auto& one : v) add(one);
        return add("end");
    }
    Line& add(const core::Labels& v) {
        for (const auto& [name, value] : v) add(name).add(value);
        return add("end");
    }
    template <class... T>
    Line& all(const T&... v) {
        (add(v), ...);
        return *this;
    }
    Line& verdict(const core::Verdict& v) {
        return all(name_of(v.status), name_of(v.severity), v.reason_code, v.reason, v.at, v.due, v.backup_at, v.file, v.size_bytes, v.sha256, v.run,
                   v.duration, v.place, v.evidence);
    }
    std::string str() const { return out_.str(); }

private:
    std::ostringstream out_;
};

}  // namespace

std::string text(const history::VerdictRow& r) { return Line().all(r.id, r.target).verdict(r.verdict).str(); }
std::string text(const history::CurrentRow& r) {
    return Line().all(r.target, r.since, r.last_ok_at, r.last_proof_at, r.first_known).verdict(r.verdict).str();
}
std::string text(const history::EventRow& r) { return Line().all(r.seq, r.at, r.type, r.target, r.run, r.body).str(); }
std::string text(const history::DailyRow& r) { return Line().all(r.target, r.date).verdict(r.verdict).str(); }
std::string text(const history::RunRow& r) {
    return Line().all(r.id, r.kind, r.what, r.state, r.started_at, r.ended_at, r.done, r.total, r.error).str();
}
std::string text(const history::ScheduleStateRow& r) { return Line().all(r.id, r.last_at, r.last_result, r.last_evaluated).str(); }
std::string text(const history::PauseRow& r) { return Line().all(r.target, r.by, r.reason, r.since, r.until).str(); }
std::string text(const history::AuditRow& r) { return Line().all(r.at, r.uid, r.pid, r.user, r.method, r.parameters, r.outcome).str(); }
std::string text(const history::HealthyRow& r) {
    return Line()
        .all(r.id, r.target, r.sha256, r.size_bytes, r.content_bytes, r.backup_at, r.promoted_at, r.vault_path, r.was_empty, r.current, r.replaced_at,
             r.replaced_uptime, r.verified_at, r.damaged_at, r.damage, r.damaged_ino)
        .str();
}
std::string text(const history::DepositStateRow& r) {
    return Line()
        .all(r.tx, r.phase, r.target, r.agent, r.source_file, r.source_dev, r.source_ino, r.source_size, r.source_mtime_ns, r.source_ctime_ns,
             r.claimed_sha256, r.report_file, r.report_sha256, r.temp_name, r.final_path, r.old_path, r.temp_ino, r.old_ino, r.old_sha256,
             r.verdict_json)
        .str();
}
std::string text(const history::JudgedRow& r) {
    return Line().all(r.target, r.agent, r.report_sha256, r.file_sha256, r.status, r.reason_code, r.at, r.report_end, r.file_identity).str();
}
std::string text(const history::HeldRow& r) {
    return Line()
        .all(r.target, r.sha256, r.size_bytes, r.path, r.final_path, r.held_at, r.backup_at, r.reason_code, r.reason, r.verdict_json, r.verified_at,
             r.damaged_at, r.damage)
        .str();
}
std::string text(const core::Incident& r) {
    const auto said = r.said ? std::optional(name_of(*r.said)) : std::nullopt;
    return Line()
        .all(r.id, r.target, name_of(r.status), name_of(r.severity), r.reason_code, r.reason, r.problem_at, r.opened_at, r.closed_at, r.bad_in_row,
             said, r.said_at, r.at_once, r.reminders, r.told, r.cause, r.thread, r.acked_by, r.note, r.acked_at, r.turns, r.flapping, r.changed_at,
             r.next_at)
        .str();
}
std::string text(const history::NoticeRow& r) {
    return Line()
        .all(r.id, r.incident, r.target, r.recipient, name_of(r.word), r.at_once, name_of(r.from), name_of(r.to), name_of(r.severity), r.at, r.text,
             r.facts)
        .str();
}
std::string text(const history::MailRow& r) {
    return Line()
        .all(r.id, r.kind, r.message_id, r.recipient, r.subject, r.bytes, r.state, r.attempts, r.created_at, r.next_at, r.give_up_at, r.lease_until,
             r.lease_by, r.ended_at, r.code, r.last_error, r.incidents)
        .str();
}
std::string text(const core::Silence& r) {
    return Line().all(r.id, r.targets, r.kinds, r.labels, r.from, r.until, r.windows, r.timezone, r.reason, r.by, r.at, r.origin).str();
}
std::string text(const history::ExpectationRow& r) { return Line().all(r.target, r.size_bytes, r.at, r.by, r.note).str(); }
std::string text(const history::OutletRow& r) { return Line().all(r.code, r.name, r.address, r.active, r.labels, r.gone_at).str(); }
std::string text(const history::RememberedShareRow& r) { return Line().all(r.target, r.share, r.at).str(); }

TEST(RowsText, TellsRowsApart) {
    history::RunRow a, b;
    b.total = 1;
    EXPECT_NE(text(a), text(b));
    EXPECT_EQ(text(a), text(history::RunRow{}));
}

}  // namespace bkmon::test
