#include <unistd.h>

#include <algorithm>
#include <set>

#include "common/base/json_writer.h"
#include "common/base/text.h"
#include "daemon/control/parts.h"

namespace bkmon::control {

namespace {

using CallPtr = std::shared_ptr<Call>;

constexpr std::int64_t kDefaultWords = 200, kMostWords = 2000;

void put_words(JsonWriter& w, std::string_view name, const std::vector<std::string>& words) {
    w.key(name).begin_array();
    for (const auto& word : words) w.value(word);
    w.end_array();
}

void put_load(JsonWriter& w, const loop::LoopLoad& load) {
    const auto seconds = [](std::chrono::microseconds t) { return static_cast<double>(t.count()) / 1e6; };
    w.key("loop").begin_object().field("turns", load.turns).field("longest_cpu", seconds(load.longest_cpu));
    w.field("longest_wall", seconds(load.longest_wall)).field("wall_p999", seconds(load.wall_p999)).end_object();
}

void version(ControlParts& parts, const CallPtr& call) {
    const auto& settings = parts.settings();
    const auto up = parts.loop.clock().boot() - parts.started_boot;
    JsonWriter w;
    w.begin_object().field("version", parts.version).field("site", settings.site).field("pid", static_cast<std::int64_t>(::getpid()));
    w.field("started_at", parts.started).field("uptime", static_cast<double>(up.count()) / 1000.0);
    const bool limited = !call->caller().targets.empty();
    put_words(w, "config", limited ? std::vector<std::string>{} : settings.files);
    put_words(w, "degraded", parts.degraded());
    put_load(w, parts.loop.load());
    call->reply(w.end_object().take());
}

void reload(ControlParts& parts, const CallPtr& call) {
    parts.reload([call](const ReloadOutcome& outcome) {
        JsonWriter w;
        w.begin_object().field("changed", outcome.changed).key("problems").begin_array();
        for (const auto& problem : outcome.problems) w.begin_object().field("where", problem.where).field("message", problem.message).end_object();
        call->reply(w.end_array().end_object().take());
    });
}

void settings(ControlParts& parts, const CallPtr& call) {
    JsonWriter w;
    w.begin_object().key("settings").begin_array();
    for (const auto& setting : parts.effective())
        w.begin_object().field("path", setting.path).field("value", setting.value).field("origin", setting.origin).end_object();
    call->reply(w.end_array().end_object().take());
}

// ---- completion

/// Words that begin with the prefix, each once, in order.
class Words {
public:
    Words(CallPtr call, std::string prefix, std::size_t limit) : call_(std::move(call)), prefix_(std::move(prefix)), limit_(limit) {}
    void add(const std::string& word) {
        if (word.size() >= prefix_.size() && equal_ignoring_case(std::string_view(word).substr(0, prefix_.size()), prefix_)) words_.insert(word);
    }
    const Caller& caller() const { return call_->caller(); }
    void fail(const Error& e) const { call_->fail(e); }
    void answer() const {
        JsonWriter w;
        w.begin_object();
        std::vector<std::string> words(words_.begin(), words_.end());
        if (words.size() > limit_) words.resize(limit_);
        put_words(w, "words", words);
        call_->reply(w.end_object().take());
    }

private:
    const CallPtr call_;
    const std::string prefix_;
    const std::size_t limit_;
    std::set<std::string> words_;
};
using WordsPtr = std::shared_ptr<Words>;

/// Ids of targets of a kind, or one part of each.
void complete_targets(ControlParts& parts, const WordsPtr& words, const std::string& kind, std::string (*part)(const std::string& id)) {
    for (const auto* target : parts.registry.match({}, kind))
        if (const auto& id = target->spec.id.str(); words->caller().may_touch(id)) words->add(part(id));
    words->answer();
}

std::string whole(const std::string& id) { return id; }
std::string last_part(const std::string& id) { return id.substr(id.rfind('/') + 1); }
/// An agent, an outlet's code.
std::string first_part(const std::string& id) {
    const auto begin = id.find('/') + 1;
    return id.substr(begin, id.find('/', begin) - begin);
}

/// Words from the history: `look` gathers, off the loop, the pairs of a word and the target it is about.
void complete_from_history(ControlParts& parts, const WordsPtr& words,
                           std::function<Result<void>(history::Reader&, std::vector<std::pair<std::string, std::string>>&)> look) {
    const auto found = std::make_shared<std::vector<std::pair<std::string, std::string>>>();
    parts.store.read(
        [found, look = std::move(look)](history::Reader& reader) {
            found->clear();
            return look(reader, *found);
        },
        [words, found](Result<void> done) {
            if (!done) return words->fail(done.error());
            for (const auto& [word, about] : *found)
                if (words->caller().may_touch(about)) words->add(word);
            words->answer();
        });
}

using Found = std::vector<std::pair<std::string, std::string>>;

Result<void> look_for_runs(history::Reader& reader, Found& found) {
    auto rows = reader.runs(static_cast<int>(kDefaultWords));
    if (!rows) return fail(std::move(rows.error()));
    for (auto& row : *rows) found.emplace_back(std::move(row.id), std::move(row.what));
    return {};
}

Result<void> look_for_held(history::Reader& reader, Found& found) {
    auto rows = reader.held();
    if (!rows) return fail(std::move(rows.error()));
    for (const auto& row : *rows) found.emplace_back(row.target.str(), row.target.str());
    return {};
}

/// Those that are open: who completes wants to acknowledge one.
Result<void> look_for_incidents(history::Reader& reader, Found& found) {
    history::IncidentQuery query;
    query.open_only = true;
    query.limit = kMostWords;
    auto rows = reader.incidents(query);
    if (!rows) return fail(std::move(rows.error()));
    std::set<std::string> threads;
    for (auto row = rows->rbegin(); row != rows->rend(); ++row)  // the smallest number of those that are one incident
        if (row->thread.empty() || threads.insert(row->thread).second) found.emplace_back(std::to_string(row->id), row->target.str());
    return {};
}

/// Silences and mails are about targets that a limited caller may not know: nothing is completed for him.
Result<void> look_for_silences(history::Reader& reader, Found& found, Time now) {
    auto rows = reader.silences();
    if (!rows) return fail(std::move(rows.error()));
    for (const auto& row : *rows)
        if (!row.until || *row.until > now) found.emplace_back(std::to_string(row.id), "");
    return {};
}

Result<void> look_for_mails(history::Reader& reader, Found& found) {
    for (const char* state : {"waiting", "failed"}) {
        history::MailQuery query;
        query.state = state;
        query.limit = static_cast<int>(kDefaultWords);
        auto rows = reader.mails(query);
        if (!rows) return fail(std::move(rows.error()));
        for (const auto& row : *rows) found.emplace_back(std::to_string(row.id), "");
    }
    return {};
}

void complete(ControlParts& parts, const CallPtr& call) {
    const auto what = call->params().string("what");
    const auto prefix = call->params().string("prefix");
    const auto limit = call->params().integer("limit");
    constexpr auto kWhat = "targets, agents, outlets, modes, runs, held, incidents, silences or mails";
    if (!what || !*what) return call->invalid("what", kWhat);
    if (!prefix) return call->invalid("prefix", prefix.error().what);
    if (!limit || limit->value_or(1) < 1 || limit->value_or(1) > kMostWords) return call->invalid("limit", "from 1 to 2000");
    const auto words = std::make_shared<Words>(call, prefix->value_or(""), static_cast<std::size_t>(limit->value_or(kDefaultWords)));
    if (**what == "targets") return complete_targets(parts, words, "", whole);
    if (**what == "agents") return complete_targets(parts, words, "deposit", first_part);
    if (**what == "outlets") return complete_targets(parts, words, "outlet", first_part);
    if (**what == "modes") return complete_targets(parts, words, "outlet", last_part);
    if (**what == "held") return complete_from_history(parts, words, look_for_held);
    if (**what == "incidents") return complete_from_history(parts, words, look_for_incidents);
    if (**what == "silences")
        return complete_from_history(
            parts, words, [now = parts.loop.clock().now()](history::Reader& reader, Found& found) { return look_for_silences(reader, found, now); });
    if (**what == "mails") return complete_from_history(parts, words, look_for_mails);
    if (**what != "runs") return call->invalid("what", kWhat);
    for (const auto& progress : parts.runs.active())
        if (call->caller().may_touch(progress.row.what)) words->add(progress.row.id);
    complete_from_history(parts, words, look_for_runs);
}

}  // namespace

void bind_daemon(Dispatcher& dispatcher, ControlParts& parts) {
    const auto bind = [&](std::string_view method, void (*handler)(ControlParts&, const CallPtr&)) {
        dispatcher.bind(method, [&parts, handler](CallPtr call) { handler(parts, call); });
    };
    bind("io.bkmon.Daemon.Version", version);
    bind("io.bkmon.Daemon.Reload", reload);
    bind("io.bkmon.Daemon.Settings", settings);
    bind("io.bkmon.Daemon.Complete", complete);
}

}  // namespace bkmon::control
