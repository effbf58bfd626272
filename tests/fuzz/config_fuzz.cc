// A configuration with any bytes in it: the loader must answer with settings or with problems that an editor can follow, in bounded time.
// Input: a byte of flags, then the main file, files of conf.d and extra configuration, parted by NUL.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <set>

#include "daemon/config/sources.h"
#include "daemon/config/url.h"
#include "daemon/core/mail_address.h"
#include "daemon/core/schedule.h"
#include "daemon/core/weekly.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace bkmon;

constexpr std::size_t kMostFiles = 6;

/// What parts of bkmond rely on without looking again.
void check_alerts(const core::Settings& s) {
    const auto& mail = s.mail;
    if (mail.configured) {
        MUST(core::parse_mail_address(mail.from) && !mail.to.empty() && mail.user.empty() == (mail.password_file + mail.password_credential).empty());
        for (const auto& to : mail.to) MUST(core::parse_mail_address(to));
        const auto url = config::parse_url(mail.server, "smtp smtps");
        MUST(url && (mail.tls || config::is_loopback(url->host)));
        MUST(!mail.digest || core::Schedule::parse(*mail.digest, s.timezone));
    }
    for (const auto& rule : s.alerts.rules)
        MUST(!rule.origin.empty() && rule.after >= 1 && (mail.configured || !rule.mail || *rule.mail == core::AlertRule::Mail::never));
    for (const auto& silence : s.alerts.silences) {
        MUST(!silence.origin.empty() && !silence.reason.empty() && (silence.until || !silence.windows.empty()));
        const auto zone = core::find_zone(silence.timezone);
        std::vector<core::WeeklyWindow> windows;
        for (const auto& text : silence.windows) windows.push_back(core::parse_window(text).value());
        MUST(zone.has_value());
        const auto next = core::next_change(windows, *zone, s.alerts.silences.front().until.value_or(Time{}));
        MUST(!next || core::inside(windows, *zone, *next) != core::inside(windows, *zone, *next - milliseconds(1)));
    }
}

void check_settings(const core::Settings& s) {
    check_alerts(s);
    MUST(s.state.starts_with('/') && s.history.path.starts_with('/') && s.deposits.root != s.deposits.vault);
    std::vector<config::AdoptJob> adopt;
    for (const auto& job : s.deposits.jobs) {
        MUST(!job.agent.empty() && !job.database.empty() && !job.origin.empty() && job.keep >= 1);
        adopt.push_back({job.agent, job.database});
    }
    // What the daemon writes itself must be YAML.
    const auto again = config::load_sources({{"adopted.yaml", "deposits: {defaults: {path: \"{agent}-{file}\"}}\n", config::Source::Kind::main},
                                             {"jobs.yaml", config::adopt_yaml(adopt), config::Source::Kind::drop_in}});
    for (const auto& p : again.problems) MUST(p.message.find("vault") != std::string::npos);  // names that no path can hold
}

void check_loaded(const config::Loaded& loaded) {
    for (const auto& p : loaded.problems) MUST(!p.message.empty() && fuzz::fit_to_show(p.where) && fuzz::fit_to_show(p.message));
    std::set<std::string> paths;
    for (const auto& e : loaded.effective) MUST(!e.path.empty() && !e.origin.empty() && (paths.insert(e.path).second || !loaded.problems.empty()));
    if (loaded.problems.empty()) check_settings(loaded.settings);
}

/// The same through files, as the service reads them.
config::Loaded from_disk(const std::vector<config::Source>& sources) {
    static char folder_name[] = "/dev/shm/bkmon-fuzz.XXXXXX";
    static const bool made = [] {
        MUST(::mkdtemp(folder_name) != nullptr && ::mkdir((std::string(folder_name) + "/conf.d").c_str(), 0700) == 0);
        return std::atexit([] {
                   const std::string folder = folder_name;
                   for (std::size_t i = 0; i < kMostFiles; ++i) ::unlink((folder + "/conf.d/" + std::to_string(i) + ".yaml").c_str());
                   ::unlink((folder + "/a.yaml").c_str());
                   ::rmdir((folder + "/conf.d").c_str());
                   ::rmdir(folder.c_str());
               }) == 0;
    }();
    MUST(made);
    const std::string folder = folder_name;
    std::optional<config::Extra> extra;
    for (std::size_t i = 0; i < kMostFiles; ++i) {
        const auto path = i == 0 ? folder + "/a.yaml" : folder + "/conf.d/" + std::to_string(i) + ".yaml";
        if (i < sources.size() && sources[i].kind != config::Source::Kind::extra)
            std::ofstream(path, std::ios::binary) << sources[i].bytes;
        else
            ::unlink(path.c_str());
        if (i < sources.size() && sources[i].kind == config::Source::Kind::extra) extra = config::Extra{sources[i].path, sources[i].bytes};
    }
    return config::load(folder + "/a.yaml", extra);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using Kind = config::Source::Kind;
    fuzz::Input input(data, size);
    const auto flags = input.byte();
    std::vector<config::Source> sources{{"a.yaml", std::string(input.part()), Kind::main}};
    while (!input.done() && sources.size() < kMostFiles) {
        const auto bytes = input.part();
        const bool last = input.done() || sources.size() + 1 == kMostFiles;
        sources.push_back({std::to_string(sources.size()) + ".yaml", std::string(bytes), last && (flags & 1U) != 0 ? Kind::extra : Kind::drop_in});
    }
    const auto loaded = config::load_sources(sources);
    check_loaded(loaded);
    if ((flags & 0x0eU) != 0x0e) return 0;  // files are slow: one input of eight
    const auto again = from_disk(sources);
    check_loaded(again);
    MUST(again.problems.size() == loaded.problems.size() && again.settings.deposits.jobs.size() == loaded.settings.deposits.jobs.size());
    return 0;
}
