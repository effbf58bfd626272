#include <algorithm>

#include "common/base/json_writer.h"
#include "daemon/control/parts.h"
#include "daemon/control/rows_json.h"

namespace bkmon::control {

namespace {

using CallPtr = std::shared_ptr<Call>;

constexpr std::int64_t kDefaultLimit = 50, kMostRuns = 1000;

/// A run that is not about one target belongs to callers without limits, and to who began it.
bool may_see(const ControlParts& parts, const Caller& caller, const history::RunRow& row) {
    return caller.may_touch(row.what) || (parts.began && parts.began(caller, row.id));
}

std::optional<runs::Progress> active_run(ControlParts& parts, const std::string& id) {
    for (auto& progress : parts.runs.active())
        if (progress.row.id == id) return std::move(progress);
    return std::nullopt;
}

void refuse(Call& call, const std::string& id) {
    call.error("io.bkmon.Runs.NoSuchRun", JsonWriter().begin_object().field("id", id).end_object().take());
}

/// `then` with the run as it is, or as the history has it; NoSuchRun is answered here.
void with_run(ControlParts& parts, const CallPtr& call, const std::string& id, std::function<void(const history::RunRow&)> then) {
    if (const auto active = active_run(parts, id)) return may_see(parts, call->caller(), active->row) ? then(active->row) : refuse(*call, id);
    const auto found = std::make_shared<std::optional<history::RunRow>>();
    parts.store.read(
        [found, id](history::Reader& reader) -> Result<void> {
            auto row = reader.run_of(id);
            if (!row) return fail(std::move(row.error()));
            *found = std::move(*row);
            return {};
        },
        [&parts, call, found, id, then = std::move(then)](Result<void> done) {
            if (!done) return call->fail(done.error());
            if (!*found || !may_see(parts, call->caller(), **found)) return refuse(*call, id);
            then(**found);
        });
}

std::optional<std::string> id_of(Call& call) {
    const auto id = call.params().string("id");
    if (id && *id && !(*id)->empty()) return **id;
    call.invalid("id", "the run's id is needed");
    return std::nullopt;
}

void list(ControlParts& parts, const CallPtr& call) {
    const auto limit = call->params().integer("limit");
    if (!limit || limit->value_or(1) < 1 || limit->value_or(1) > kMostRuns) return call->invalid("limit", "from 1 to 1000");
    const auto most = static_cast<std::size_t>(limit->value_or(kDefaultLimit));
    const auto rows = std::make_shared<std::vector<history::RunRow>>();
    const int depth = static_cast<int>(call->caller().targets.empty() ? most : kMostRuns);
    parts.store.read(
        [rows, depth](history::Reader& reader) -> Result<void> {
            auto got = reader.runs(depth);
            if (!got) return fail(std::move(got.error()));
            *rows = std::move(*got);
            return {};
        },
        [&parts, call, rows, most](Result<void> done) {
            if (!done) return call->fail(done.error());
            // What is under way is newer than what the history has of it.
            std::vector<history::RunRow> all;
            for (auto& progress : parts.runs.active()) all.push_back(std::move(progress.row));
            std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.started_at > b.started_at; });
            const auto active = all.size();
            for (auto& row : *rows)
                if (std::none_of(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(active), [&](const auto& a) { return a.id == row.id; }))
                    all.push_back(std::move(row));
            std::erase_if(all, [&](const auto& row) { return !may_see(parts, call->caller(), row); });
            if (all.size() > most) all.resize(most);
            JsonWriter w;
            w.begin_object().key("runs").begin_array();
            for (const auto& row : all) put_run(w, row);
            call->reply(w.end_array().end_object().take());
        });
}

void show(ControlParts& parts, const CallPtr& call) {
    const auto id = id_of(*call);
    if (!id) return;
    with_run(parts, call, *id, [call](const history::RunRow& row) {
        JsonWriter w;
        w.begin_object().key("run");
        put_run(w, row);
        call->reply(w.end_object().take());
    });
}

void cancel(ControlParts& parts, const CallPtr& call) {
    const auto id = id_of(*call);
    if (!id) return;
    with_run(parts, call, *id, [&parts, call](const history::RunRow& row) {
        const auto done = parts.runs.cancel(row.id);
        if (done) return call->reply("{}");
        if (done.error().code == Errc::busy) return call->fail(done.error());
        JsonWriter w;
        call->error("io.bkmon.Runs.NotRunning", w.begin_object().field("id", row.id).field("state", row.state).end_object().take());
    });
}

std::string progress_reply(const runs::Progress& progress) {
    JsonWriter w;
    w.begin_object().key("run");
    put_run(w, progress.row);
    put_text(w, "text", progress.text).field("seq", progress.seq).field("final", progress.final);
    return w.end_object().take();
}

/// Follows until the run ends or the client leaves. The engine's listener owns it; the token ends that.
struct Following : std::enable_shared_from_this<Following> {
    Following(loop::EventLoop& l, CallPtr c, std::uint64_t after_seq) : loop(l), call(std::move(c)), after(after_seq) {}

    void tell(const runs::Progress& progress) {
        if (over) return;
        if (!progress.final) {
            if (progress.seq > after) call->stream(progress_reply(progress), true);
            return;
        }
        call->reply(progress_reply(progress));
        end();
    }
    /// Not at once: it may be the engine that calls.
    void end() {
        over = true;
        static_cast<void>(loop.post(Task([self = shared_from_this()] { self->token.reset(); })));
    }

    loop::EventLoop& loop;
    const CallPtr call;
    const std::uint64_t after;
    std::shared_ptr<void> token;
    bool over = false;
};

void follow(ControlParts& parts, const CallPtr& call) {
    if (!call->more()) return call->invalid("more", "progress comes as a stream: call with more");
    const auto id = id_of(*call);
    if (!id) return;
    const auto after = call->params().integer("after");
    if (!after || after->value_or(0) < 0) return call->invalid("after", "the number of a change, or nothing");
    with_run(parts, call, *id, [&parts, call, seq = static_cast<std::uint64_t>(after->value_or(0))](const history::RunRow& row) {
        const auto following = std::make_shared<Following>(parts.loop, call, seq);
        auto token = parts.runs.follow(row.id, [following](const runs::Progress& progress) { following->tell(progress); });
        if (!token) return call->reply(progress_reply({row, "", 0, true}));  // over already
        following->token = std::move(*token);
        if (following->over) following->token.reset();
        call->on_hangup([weak = std::weak_ptr(following)] {
            if (const auto f = weak.lock()) f->end();
        });
    });
}

}  // namespace

void bind_runs(Dispatcher& dispatcher, ControlParts& parts) {
    const auto bind = [&](std::string_view method, void (*handler)(ControlParts&, const CallPtr&)) {
        dispatcher.bind(method, [&parts, handler](CallPtr call) { handler(parts, call); });
    };
    bind("io.bkmon.Runs.List", list);
    bind("io.bkmon.Runs.Show", show);
    bind("io.bkmon.Runs.Cancel", cancel);
    bind("io.bkmon.Runs.Follow", follow);
}

}  // namespace bkmon::control
