#include "daemon/app/unit_failure.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <map>
#include <utility>

#include "common/base/text.h"

namespace bkmon::app {
namespace {

constexpr std::size_t kLines = 20, kLine = 400;
constexpr milliseconds kPatience{std::chrono::seconds(10)};

std::optional<long long> number(const std::string& text) {
    long long value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size() && !text.empty() ? std::optional(value) : std::nullopt;
}

/// As a shell would, without one. Empty: nowhere.
std::string find_program(const std::string& name) {
    const char* path = std::getenv("PATH");
    for (const auto& folder : split(path != nullptr ? path : "/usr/bin:/bin", ':'))
        if (!folder.empty() && ::access((folder + "/" + name).c_str(), X_OK) == 0) return folder + "/" + name;
    return {};
}

class Look : public std::enable_shared_from_this<Look> {
public:
    Look(loop::ChildRunner& runner, std::string unit, std::function<void(UnitFailure)> done) : runner_(runner), done_(std::move(done)) {
        failure_.unit = std::move(unit);
    }
    void start(loop::EventLoop& loop) {
        soon_ = loop.make_timer([this] { ask_manager(); });
        soon_->arm(milliseconds(0));
    }

private:
    void ask_manager() {
        run({"systemctl", "show", "--no-pager", "--timestamp=unix", "--property=Result,ExecMainCode,ExecMainStatus,StateChangeTimestamp", "--",
             failure_.unit},
            [this](const std::string& out) {
                read_properties(out, failure_);
                ask_journal();
            });
    }
    void ask_journal() {
        run({"journalctl", "--no-pager", "--quiet", "--output=cat", "--lines=" + std::to_string(kLines), "--unit=" + failure_.unit},
            [this](const std::string& out) {
                failure_.journal = journal_lines(out);
                child_.reset();
                const auto done = std::move(done_);
                done(std::move(failure_));
            });
    }
    /// `then` with what it printed; with nothing when it could not be asked.
    void run(std::vector<std::string> argv, std::function<void(const std::string&)> then) {
        loop::ChildSpec spec;
        argv[0] = find_program(argv[0]);
        if (argv[0].empty()) return then({});
        spec.argv = std::move(argv);
        const char* path = std::getenv("PATH");
        spec.env = {std::string("PATH=") + (path != nullptr ? path : "/usr/bin:/bin"), "LC_ALL=C.UTF-8", "SYSTEMD_COLORS=0", "SYSTEMD_PAGER="};
        spec.deadline = kPatience;
        auto child = runner_.spawn(std::move(spec), [then](loop::ChildResult result) { then(result.exit_code == 0 ? result.out : std::string()); });
        if (!child) return then({});
        last_ = std::exchange(child_, std::move(*child));  // the one whose end this is told from goes with the next
    }

    loop::ChildRunner& runner_;
    std::function<void(UnitFailure)> done_;
    UnitFailure failure_;
    std::unique_ptr<loop::Timer> soon_;
    std::unique_ptr<loop::Child> child_, last_;
};

}  // namespace

bool is_unit_name(const std::string& name) {
    return !name.empty() && name.size() <= 255 && name.front() != '-' && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view(":_.\\@-").find(c) != std::string_view::npos;
    });
}

void read_properties(const std::string& shown, UnitFailure& into) {
    std::map<std::string, std::string> values;
    for (const auto& line : split(shown, '\n'))
        if (const auto equals = line.find('='); equals != std::string::npos) values[line.substr(0, equals)] = trim(line.substr(equals + 1));
    into.result = printable(values["Result"], 60);
    if (into.result == "success") into.result.clear();  // of a unit that did not fail, or is not known
    const auto code = number(values["ExecMainCode"]), status = number(values["ExecMainStatus"]);
    // wait(2): CLD_EXITED is 1, CLD_KILLED 2, CLD_DUMPED 3.
    if (code && status && *code == 1 && *status != 0) into.ended = "status " + std::to_string(*status);
    if (code && status && (*code == 2 || *code == 3)) into.ended = "signal " + std::to_string(*status);
    const auto& at = values["StateChangeTimestamp"];
    if (const auto seconds = number(at.substr(at.empty() ? 0 : 1));
        !at.empty() && at.front() == '@' && seconds && *seconds > 0 && *seconds < (1LL << 40))
        into.since = Time(std::chrono::seconds(*seconds));
}

std::vector<std::string> journal_lines(const std::string& text) {
    std::vector<std::string> lines;
    for (const auto& line : split(text, '\n'))
        if (!trim(line).empty()) lines.push_back(printable(line, kLine));
    if (lines.size() > kLines) lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(kLines));
    return lines;
}

std::shared_ptr<void> look_at_unit(loop::ChildRunner& runner, loop::EventLoop& loop, const std::string& unit, std::function<void(UnitFailure)> done) {
    auto look = std::make_shared<Look>(runner, unit, std::move(done));
    look->start(loop);
    return look;
}

}  // namespace bkmon::app
