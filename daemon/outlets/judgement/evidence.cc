#include "common/base/json_writer.h"
#include "daemon/outlets/judgement/finding.h"
#include "daemon/outlets/judgement/words.h"

namespace bkmon::outlets {
namespace {

std::int64_t in_seconds(milliseconds d) { return std::chrono::duration_cast<seconds>(d).count(); }

void put_file(JsonWriter& w, std::string_view name, const std::optional<smb::FoundFile>& file) {
    w.key(name);
    if (!file) {
        w.null();
        return;
    }
    w.begin_object().field("name", shown(file->name, 1024)).field("size_bytes", file->size).field("modified", file->modified).end_object();
}

void put_list(JsonWriter& w, std::string_view name, const std::vector<std::string>& list) {
    w.key(name).begin_array();
    for (const auto& item : list) w.value(shown(item));
    w.end_array();
}

template <class T>
void put_answer(JsonWriter& w, std::string_view name, const T& value, mtf::Sure sure) {
    w.key(name).begin_object().field("value", value).field("sure", mtf::word(sure)).end_object();
}

void put_reading(JsonWriter& w, const mtf::Reading& r) {
    w.begin_object().field("form", mtf::word(r.form)).field("why", shown(r.why, 600));
    put_answer(w, "whole", mtf::word(r.whole.value), r.whole.sure);
    put_answer(w, "kind", mtf::word(r.kind.value), r.kind.sure);
    put_answer(w, "database", shown(r.database.value, 600), r.database.sure);
    put_answer(w, "server", shown(r.server.value, 600), r.server.sure);
    w.field("started_at", r.started_at).field("finished_at", r.finished_at).field("times", mtf::word(r.times));
    w.field("sets", r.sets).field("part", r.part).field("parts", r.parts).field("first_bytes", shown(r.first_bytes, 64));
    w.key("claims").begin_array();
    for (const auto& c : r.claims) {
        w.begin_object().field("question", shown(c.question, 120)).field("answer", shown(c.answer, 600));
        w.field("sure", mtf::word(c.sure)).field("rests_on", shown(c.rests_on, 600)).end_object();
    }
    w.end_array().end_object();
}

void put_thresholds(JsonWriter& w, const core::OutletMode& mode) {
    w.key("thresholds").begin_object().key("max_age_s");
    mode.max_age ? w.value(in_seconds(*mode.max_age)) : w.null();
    w.field("min_size", mode.min_size).field("clock_tolerance_s", in_seconds(mode.clock_tolerance));
    w.field("old_copy_s", in_seconds(copy_slack(mode))).end_object();
}

void put_content(JsonWriter& w, const smb::Visit& visit) {
    w.key("content").begin_object().field("looked", smb::word(visit.content)).field("detail", shown(visit.content_detail));
    w.field("bytes_read", visit.bytes_read).key("reading");
    if (visit.reading)
        put_reading(w, *visit.reading);
    else
        w.null();
    w.end_object();
}

}  // namespace

std::string credential_name(const core::SmbCredential& credential) {
    return shown(credential.domain.empty() ? credential.user : credential.domain + "\\" + credential.user);
}

std::string evidence(const core::OutletMode& mode, const core::Outlet& outlet, const smb::Visit& visit, const Occasion& occasion,
                     const std::vector<Finding>& findings) {
    JsonWriter w(visit.reading ? 4096 : 1024);
    w.begin_object().key("rule").begin_array();
    for (const auto& f : findings) w.value(f.code);
    w.end_array();
    w.field("outcome", smb::word(visit.outcome)).field("detail", shown(visit.detail, 600));
    w.field("address", shown(outlet.address)).field("credential", credential_name(mode.credential));
    w.field("share", shown(visit.share)).field("drive", drive_of(visit.share)).field("drive_before", occasion.other_drive);
    put_list(w, "shares", mode.shares);
    w.field("folder", shown(mode.folder, 1024));
    put_list(w, "patterns", mode.patterns);
    w.key("counts").begin_object().field("files", visit.files).field("matching", visit.matching);
    w.field("too_small", visit.too_small).field("in_future", visit.in_future).end_object();
    put_file(w, "newest", visit.newest);
    put_file(w, "future", visit.future);
    put_file(w, "largest_too_small", visit.largest_too_small);
    const Time measured = occasion.back_date.value_or(occasion.now);
    w.field("measured_at", measured).field("back_date", occasion.back_date.has_value()).key("age_s");
    visit.newest ? w.value(in_seconds(measured - visit.newest->modified)) : w.null();
    put_thresholds(w, mode);
    w.key("expected").begin_object().field("database", shown(expected_database(mode.database, outlet)));
    put_list(w, "kinds", mode.kinds);
    w.end_object();
    put_content(w, visit);
    w.field("tries", occasion.tries).field("logins", visit.logins).field("took_ms", static_cast<std::int64_t>(visit.took.count()));
    return w.end_object().take();
}

std::string not_tried_evidence(const core::OutletMode& mode, const core::Outlet& outlet, const std::vector<std::string>& refused_by,
                               std::string_view code) {
    JsonWriter w;
    w.begin_object().key("rule").begin_array().value(code).end_array();
    w.field("outcome", "not_tried").field("address", shown(outlet.address)).field("credential", credential_name(mode.credential));
    put_list(w, "refused_by", refused_by);
    return w.end_object().take();
}

}  // namespace bkmon::outlets
