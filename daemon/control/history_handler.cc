#include <algorithm>

#include "common/base/text.h"
#include "daemon/control/moments.h"
#include "daemon/control/pages.h"
#include "daemon/control/rows_json.h"
#include "daemon/control/selection.h"
#include "daemon/control/targets_handlers.h"

namespace bkmon::control {

namespace {

constexpr int kPage = 200;
constexpr int kPagesARead = 10;  // of the history, when a filter leaves little of each
constexpr std::int64_t kDefaultLimit = 100;
constexpr std::int64_t kMost = 1000000;

/// Where one `history` stands. Shared between loop and reader thread, one after the other.
struct Cursor {
    history::VerdictQuery query;  ///< before_id moves on
    Selection selection;
    Caller caller;
    std::int64_t left = 0;
    bool last = false;
    Rows rows;
};

bool wanted(const Cursor& cursor, const history::VerdictRow& row) {
    const auto& id = row.target.str();
    return cursor.selection.picks_id(id) && cursor.selection.picks_status(row.verdict.status) && cursor.caller.may_touch(id);
}

Result<void> read_page(history::Reader& reader, Cursor& cursor) {
    auto query = cursor.query;
    auto left = cursor.left;
    Chunks chunks(kPage);
    bool last = false;
    for (int i = 0; i < kPagesARead && !last && chunks.count() < kPage; ++i) {
        auto rows = reader.verdicts(query);
        if (!rows) return fail(std::move(rows.error()));
        last = static_cast<int>(rows->size()) < query.limit;
        for (const auto& row : *rows) {
            query.before_id = row.id;
            if (!wanted(cursor, row)) continue;
            chunks.add([&](JsonWriter& w) { put_verdict(w, row); });
            if (--left == 0) break;
        }
        last = last || left == 0;
    }
    // Only now: a look may be run again.
    cursor.query = query;
    cursor.left = left;
    cursor.last = last;
    cursor.rows.count = chunks.count();
    cursor.rows.chunks = chunks.take();
    return {};
}

void fetch_page(history::Store& store, const std::shared_ptr<Cursor>& cursor, const std::function<void(Result<Rows>)>& done) {
    store.read([cursor](history::Reader& reader) { return read_page(reader, *cursor); },
               [cursor, done](Result<void> result) {
                   if (!result) return done(fail(result.error()));
                   cursor->rows.last = cursor->last;
                   done(std::move(cursor->rows));
               });
}

Result<void> read_times(ControlParts& parts, Call& call, history::VerdictQuery& query) {
    const Time now = parts.loop.clock().now();
    for (const auto& [name, sense, into] : {std::tuple{"since", Sense::from, &query.since}, std::tuple{"until", Sense::to, &query.until}}) {
        const auto text = call.params().string(name);
        if (!text) return fail(text.error());
        if (!*text || (*text)->empty()) continue;
        auto moment = parse_moment(**text, parts.settings().timezone, now, sense);
        if (!moment) return fail(moment.error());
        *into = *moment;
    }
    return {};
}

Result<void> read_limits(Call& call, Cursor& cursor) {
    const auto limit = call.params().integer("limit");
    if (!limit) return fail(limit.error());
    const auto before = call.params().integer("before");
    if (!before) return fail(before.error());
    cursor.left = limit->value_or(cursor.query.since ? kMost : kDefaultLimit);
    cursor.query.before_id = before->value_or(0);
    if (cursor.left < 1 || cursor.left > kMost) return fail(Errc::invalid, "limit: from 1 to 1000000");
    if (cursor.query.before_id < 0) return fail(Errc::invalid, "before: not negative");
    return {};
}

void start(ControlParts& parts, CallPtr call, std::shared_ptr<Cursor> cursor) {
    LongAnswer answer;
    answer.fetch = [&parts, cursor](const std::function<void(Result<Rows>)>& done) { fetch_page(parts.store, cursor, done); };
    answer.wrap = [](std::string_view rows, bool) {
        JsonWriter w;
        w.begin_object().key("verdicts").begin_array();
        if (!rows.empty()) w.raw(rows);
        return w.end_array().end_object().take();
    };
    send_rows(parts.loop, std::move(call), std::move(answer));
}

}  // namespace

void handle_history(ControlParts& parts, CallPtr call) {
    auto selection = Selection::read(call->params());
    if (!selection) return call->fail(selection.error());
    const auto cursor = std::make_shared<Cursor>();
    cursor->selection = std::move(*selection);
    cursor->caller = call->caller();
    auto& query = cursor->query;
    query.limit = kPage;
    query.kind = lower(cursor->selection.kind);
    if (cursor->selection.statuses.size() == 1) query.status = cursor->selection.statuses.front();
    if (auto r = read_times(parts, *call, query); !r) return call->fail(r.error());
    if (auto r = read_limits(*call, *cursor); !r) return call->fail(r.error());
    const std::string pattern = cursor->selection.patterns.empty() ? "" : cursor->selection.patterns.front();
    if (pattern.find('/') != std::string::npos) query.target_glob = pattern;
    if (pattern.empty() || !is_literal(pattern) || is_known(parts.registry, pattern, call->caller())) return start(parts, std::move(call), cursor);
    // Not watched (any more): it may have a past, else it is a mistake.
    auto probe = std::make_shared<Cursor>(*cursor);
    probe->query.since = probe->query.until = std::nullopt;
    probe->query.before_id = 0;
    probe->left = 1;
    fetch_page(parts.store, probe, [&parts, call, cursor, pattern](Result<Rows> rows) {
        if (!rows) return call->fail(rows.error());
        if (rows->count == 0) return refuse_unknown(parts.registry, pattern, *call);
        start(parts, call, cursor);
    });
}

}  // namespace bkmon::control
