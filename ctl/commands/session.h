#pragma once
#include <functional>
#include <istream>
#include <map>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/time.h"
#include "common/protocol/params.h"
#include "ctl/commands/client.h"
#include "ctl/render/table.h"
#include "ctl/render/terminal.h"

namespace bkmon::ctl {

/// All that bkmonctl sees of the outside, so that tests can bring their own.
struct World {
    std::ostream& out;
    std::ostream& err;
    std::istream& in;
    Terminal out_terminal;  ///< colour is decided later, from --color
    Terminal err_terminal;
    bool in_tty = false;
    Env env;
    const Clock& clock;
    std::string version;
    std::string program_folder;  ///< where bkmonctl lies; bkmond is looked for there first
};

enum class JsonMode { off, fitting, one_line, indented };  ///< fitting: indented on a terminal, one line elsewhere

/// The options every command has.
struct Globals {
    std::string socket = "/run/bkmon/control.sock";
    JsonMode json = JsonMode::off;
    bool csv = false, pager = true, legend = true, yes = false;
    ColourMode colour = ColourMode::automatic;
    milliseconds timeout{30'000};  ///< longest wait for one answer
    bool timeout_given = false;    ///< else a command that is known to take long may wait longer
};

/// A command's own arguments by name ("target", "--kind").
class Arguments {
public:
    void set(std::string name, std::vector<std::string> values) { values_[std::move(name)] = std::move(values); }
    bool has(std::string_view name) const { return values_.find(name) != values_.end(); }
    std::string one(std::string_view name) const;  ///< empty when it was not given
    std::optional<std::string> maybe(std::string_view name) const;
    std::vector<std::string> all(std::string_view name) const;

private:
    std::map<std::string, std::vector<std::string>, std::less<>> values_;
};

/// One invocation of a command: the connection, and where output goes.
class Session {
public:
    Session(World& world, Globals globals);

    const Globals& globals() const { return globals_; }
    World& world() { return world_; }
    const Terminal& terminal() const { return terminal_; }
    Time now() const { return world_.clock.now(); }
    bool json() const { return globals_.json != JsonMode::off; }
    bool csv() const { return globals_.csv; }

    Outcome<Client> connect() const { return Client::connect(globals_.socket, globals_.timeout); }
    /// Connects and calls.
    Outcome<protocol::Params> call(std::string_view method, std::string_view parameters = {}) const;
    /// Calls with `more` and gives each page to `page`; false stops.
    Outcome<void> pages(std::string_view method, std::string_view parameters, const std::function<bool(const protocol::Params&)>& page) const;

    /// Writes the trouble to stderr, as a sentence or as JSON, and returns its exit code.
    int fail(const Trouble& trouble);
    void note(std::string_view sentence);  ///< to stderr, not with --json

    void print(const std::string& text);                 ///< through the pager when it is longer than the screen
    void print_now(const std::string& text);             ///< at once, never paged
    int print_json(std::string_view json);               ///< in the form asked for; returns kDone
    std::string json_line(std::string_view json) const;  ///< for streams: always one line
    /// As CSV or as a table with `legend` below; `nothing` is said instead of an empty table. Returns kDone.
    int print_table(const Table& table, const std::string& nothing, const std::string& legend = {});
    int print_csv(const std::vector<std::string_view>& members, const std::vector<protocol::Params>& rows);

    /// True when it may be done: --yes, or a "y" on a terminal. Elsewhere a Trouble: --yes is needed (only if `strict`).
    /// `why` it is asked, as the beginning of that sentence.
    Outcome<bool> confirmed(const std::string& question, bool strict, std::string_view why = "this changes what cannot be brought back");

private:
    World& world_;
    Globals globals_;
    Terminal terminal_;
};

// Members of a reply, leniently: what is missing or of another type is empty, so that another version of bkmond can still be read.
std::string text_of(const protocol::Params& object, std::string_view name);
std::int64_t number_of(const protocol::Params& object, std::string_view name);
std::optional<std::int64_t> maybe_number(const protocol::Params& object, std::string_view name);
std::optional<Time> time_of(const protocol::Params& object, std::string_view name);
std::vector<std::string> texts_of(const protocol::Params& object, std::string_view name);
/// {"name":[…]} of objects as they came, and the same merged into one document.
std::string array_json(const std::vector<protocol::Params>& objects);
/// Sizes and times for cells: "-" when there is none.
std::string size_cell(const protocol::Params& object, std::string_view name);
std::string time_cell(const protocol::Params& object, std::string_view name);
std::string age_cell(const protocol::Params& object, std::string_view name, Time now);

}  // namespace bkmon::ctl
