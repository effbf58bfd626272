#include "ctl/commands/session.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/json_writer.h"
#include "common/base/text.h"
#include "ctl/render/csv.h"
#include "ctl/render/json.h"
#include "ctl/render/pager.h"
#include "ctl/render/words.h"

namespace bkmon::ctl {

std::string Arguments::one(std::string_view name) const { return maybe(name).value_or(""); }

std::optional<std::string> Arguments::maybe(std::string_view name) const {
    const auto found = values_.find(name);
    if (found == values_.end() || found->second.empty()) return std::nullopt;
    return found->second.front();
}

std::vector<std::string> Arguments::all(std::string_view name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? std::vector<std::string>() : found->second;
}

Session::Session(World& world, Globals globals) : world_(world), globals_(std::move(globals)), terminal_(world.out_terminal) {
    terminal_.colour = wants_colour(globals_.colour, terminal_.tty, world.env);
}

Outcome<protocol::Params> Session::call(std::string_view method, std::string_view parameters) const {
    auto client = connect();
    if (!client) return Refusal(client.error());
    return client->call(method, parameters, globals_.timeout);
}

Outcome<void> Session::pages(std::string_view method, std::string_view parameters, const std::function<bool(const protocol::Params&)>& page) const {
    auto client = connect();
    if (!client) return Refusal(client.error());
    const auto end =
        client->stream(method, parameters, {globals_.timeout, globals_.timeout}, [&](const protocol::Params& reply, bool) { return page(reply); });
    if (!end) return Refusal(end.error());
    return {};
}

int Session::fail(const Trouble& trouble) {
    world_.out.flush();
    if (json()) {
        JsonWriter writer;
        writer.begin_object().key("error").begin_object().field("code", trouble.code).field("message", trouble.message).end_object().end_object();
        world_.err << json_text(writer.str(), false) << '\n';
    } else {
        world_.err << "bkmonctl: " << shown(trouble.message) << '\n';
    }
    world_.err.flush();
    return trouble.exit;
}

void Session::note(std::string_view sentence) {
    if (!json()) world_.err << shown(sentence) << '\n' << std::flush;
}

void Session::print(const std::string& text) {
    const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
    if (terminal_.tty && globals_.pager && terminal_.height > 0 && lines >= terminal_.height) {
        const std::string command = pager_command(world_.env);
        world_.out.flush();
        if (!command.empty() && page(command, text)) return;
    }
    print_now(text);
}

void Session::print_now(const std::string& text) { world_.out << text << std::flush; }

int Session::print_json(std::string_view json) {
    const bool pretty = globals_.json == JsonMode::indented || (globals_.json == JsonMode::fitting && terminal_.tty);
    print(json_text(json, pretty) + "\n");
    return kDone;
}

std::string Session::json_line(std::string_view json) const { return json_text(json, false) + "\n"; }

int Session::print_table(const Table& table, const std::string& nothing, const std::string& legend) {
    if (table.empty()) {
        if (globals_.legend) print(nothing + "\n");
        return kDone;
    }
    std::string text = table.text(terminal_, globals_.legend);
    if (globals_.legend && !legend.empty()) text += "\n" + legend + "\n";
    print(text);
    return kDone;
}

int Session::print_csv(const std::vector<std::string_view>& members, const std::vector<protocol::Params>& rows) {
    print(csv_text(members, rows, globals_.legend, terminal_.tty));
    return kDone;
}

Outcome<bool> Session::confirmed(const std::string& question, bool strict, std::string_view why) {
    if (globals_.yes) return true;
    if (!world_.in_tty || !world_.err_terminal.tty) {
        if (!strict) return true;
        return refuse(kUsage, "needs_yes", std::string(why) + ": outside a terminal it needs --yes");
    }
    world_.err << shown(question) << " [y/N] " << std::flush;
    std::string answer;
    std::getline(world_.in, answer);
    answer = lower(trim(answer));
    return answer == "y" || answer == "yes";
}

std::string text_of(const protocol::Params& object, std::string_view name) {
    const auto value = object.string(name);
    return value && *value ? **value : std::string();
}

std::optional<std::int64_t> maybe_number(const protocol::Params& object, std::string_view name) {
    const auto value = object.integer(name);
    return value ? *value : std::nullopt;
}

std::int64_t number_of(const protocol::Params& object, std::string_view name) { return maybe_number(object, name).value_or(0); }

std::optional<Time> time_of(const protocol::Params& object, std::string_view name) { return read_time(text_of(object, name)); }

std::vector<std::string> texts_of(const protocol::Params& object, std::string_view name) {
    auto value = object.strings(name);
    return value && *value ? std::move(**value) : std::vector<std::string>();
}

std::string array_json(const std::vector<protocol::Params>& objects) {
    JsonWriter writer;
    writer.begin_array();
    for (const protocol::Params& object : objects) writer.raw(object.dump());
    return writer.end_array().take();
}

std::string size_cell(const protocol::Params& object, std::string_view name) {
    const auto n = maybe_number(object, name);
    return n && *n >= 0 ? size_words(static_cast<std::uint64_t>(*n)) : "-";
}

std::string time_cell(const protocol::Params& object, std::string_view name) {
    const auto t = time_of(object, name);
    return t ? local_minute(*t) : "-";
}

std::string age_cell(const protocol::Params& object, std::string_view name, Time now) {
    const auto t = time_of(object, name);
    return t ? age(*t, now) : "-";
}

}  // namespace bkmon::ctl
