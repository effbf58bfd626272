// From nothing to READY=1.
#include <fmt/format.h>
#include <malloc.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "common/base/text.h"
#include "daemon/app/state_lock.h"
#include "daemon/app/wiring.h"

namespace bkmon::app {

namespace {

constexpr milliseconds kAgain{std::chrono::seconds(30)};
const TargetId kDeposits = TargetId::of("bkmon", {"deposits"});

core::Verdict not_watched(const Error& error, Time now) {
    return core::plain_verdict(core::Status::unreachable, "deposit_unavailable",
                               "the deposits are not watched: " + printable(error.what) + "; tried again every 30 s", now);
}

/// Why it did not start, for whoever started it: with a journal the entry is there, but somebody at a terminal does not look there.
void tell_terminal(const std::string& text) {
    if (std::getenv("JOURNAL_STREAM") == nullptr && ::access("/run/systemd/journal/socket", F_OK) == 0)
        std::fprintf(stderr, "bkmond: %s\n", text.c_str());
}

void set_process_limits() {
    ::umask(0027);
    ::prctl(PR_SET_DUMPABLE, 0);
    // What the unit allows bkmond to read is not for the programs that it starts: an inspector, a worker, the inventory's command.
    ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    rlimit files{};
    if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &files);
    }
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none);
    ::signal(SIGPIPE, SIG_IGN);
    ::mallopt(M_ARENA_MAX, 2);                 // an arena per thread would keep memory that nobody uses
    ::mallopt(M_MMAP_THRESHOLD, 1024 * 1024);  // and large blocks, which would otherwise move into the heap, leave holes in it
}

}  // namespace

Result<std::string> program_path(const std::string& name) {
    std::error_code error;
    const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
    if (error) return fail(Errc::unavailable, "/proc/self/exe cannot be read: " + error.message());
    for (const auto& folder : {self.parent_path(), std::filesystem::path("/usr/libexec/bkmon")}) {
        const auto file = folder / name;
        const auto type = std::filesystem::status(file, error).type();
        if (type == std::filesystem::file_type::regular) return file.string();
        if (type != std::filesystem::file_type::not_found) return fail(Errc::unavailable, file.string() + " cannot be used: " + error.message());
    }
    return fail(Errc::not_found, name + " is neither beside bkmond nor in /usr/libexec/bkmon: install bkmon again");
}

int run(const Arguments& arguments) {
    set_process_limits();  // first of all: also --check-config reads what nobody else shall
    if (arguments.check_only) {
        const auto loaded = read_configuration(arguments.config);
        std::fputs(loaded.text().c_str(), stdout);
        if (loaded.problems.empty()) std::printf("%s: no problems\n", arguments.config.c_str());
        return loaded.problems.empty() ? 0 : 1;
    }
    return Wiring(arguments).run();
}

int Wiring::run() {
    loaded_ = std::make_unique<config::Loaded>(read_configuration(arguments_.config));
    auto loop = loop::LibeventLoop::create();
    if (!loop) {
        std::fprintf(stderr, "bkmond: %s\n", loop.error().what.c_str());
        return 1;
    }
    loop_ = std::move(*loop);
    // Before any thread: they inherit the blocked signals.
    auto signals = loop::SignalWatch::create(*loop_, {SIGTERM, SIGINT, SIGHUP}, [this](int signal, int sender) { on_signal(signal, sender); });
    notifier_ = service::Notifier::from_environment();
    auto passed = service::take_listen_socket("control");
    journal_ = journal::open_journal();
    if (!loaded_->problems.empty()) {
        for (const auto& p : loaded_->problems)
            journal_->log(journal::Level::error, journal::msg::config_refused,
                          fmt::format("{}{}{}", p.where, p.where.empty() ? "" : ": ", p.message));
        journal_->log(journal::Level::error, journal::msg::config_refused,
                      fmt::format("not started: {} problem(s) in the configuration; check again with bkmond --check-config --config {}",
                                  loaded_->problems.size(), arguments_.config));
        tell_terminal(loaded_->text());
        return 1;
    }
    effective_ = config::EffectiveText(std::exchange(loaded_->effective, {}));
    if (signals) signals_ = std::move(*signals);
    if (!passed) {
        journal_->log(journal::Level::error, journal::msg::note, "not started: the socket passed by systemd cannot be used: " + passed.error().what);
        return 1;
    }
    passed_socket_ = std::move(*passed);
    if (auto assembled = assemble(); !assembled) {
        journal_->log(journal::Level::error, journal::msg::note, "not started: " + assembled.error().what);
        tell_terminal("not started: " + assembled.error().what);
        return 1;
    }
    load_memory();
    loop_->run();
    return exit_code_;
}

Wiring::~Wiring() {
    alive_.reset();
    beat_timer_.reset();
    house_timer_.reset();
    trim_timer_.reset();
    verdict_listener_.reset();
    server_.reset();
    if (runs_) runs_->interrupt_all();  // followers are gone; the history says how far they came
    ping_.reset();
    http_.reset();
    alerts_.reset();
    transport_.reset();
    deposits_.reset();
    stop_outlets();
    space_.reset();
    // Running copies heed their stop token; then the last writes, then the store.
    const auto lanes = {deposit_lane_.get(), vault_lane_.get(),  scrub_lane_.get(), cpu_lane_.get(),
                        config_lane_.get(),  outlet_lane_.get(), name_lane_.get()};
    for (auto* lane : lanes)
        if (lane != nullptr) lane->begin_stop();
    if (store_) store_->close();
    bool hung = false;
    for (auto* lane : lanes)
        if (lane != nullptr) hung = !lane->wait_stopped(std::chrono::seconds(5)) || hung;
    if (!hung) return;
    // A file system that does not answer would hold us for ever; everything that must be durable is.
    journal_->log(journal::Level::warning, journal::msg::note, "a file system does not answer: leaving without it");
    journal_.reset();
    ::_exit(exit_code_);
}

void Wiring::make_lanes() {
    const auto cores = std::max(1U, std::thread::hardware_concurrency());
    deposit_lane_ = std::make_unique<loop::ThreadLane>("deposit", 2);
    vault_lane_ = std::make_unique<loop::ThreadLane>("vault", std::max(2U, cores) + 6);
    // One for the background, one for what somebody asked for.
    scrub_lane_ = std::make_unique<loop::ThreadLane>("scrub", 2, loop::ThreadLane::Priority::idle);
    cpu_lane_ = std::make_unique<loop::ThreadLane>("parse", 1);
    config_lane_ = std::make_unique<loop::ThreadLane>("config", 1);
}

Result<void> Wiring::open_state() {
    const auto& s = loaded_->settings;
    auto lock = lock_state(s.state);
    if (!lock) return fail(lock.error());
    lock_ = std::move(*lock);
    auto store = history::SqliteStore::open(*loop_, s.history.path);
    if (!store) return fail(store.error());
    store_ = std::move(*store);
    return {};
}

Result<void> Wiring::assemble() {
    started_boot_ = loop_->clock().boot();
    started_at_ = loop_->clock().now();
    history_written_ = started_boot_;
    files_ = files::system_files();
    make_lanes();
    if (auto state = open_state(); !state) return state;
    children_ = std::make_unique<loop::ProcessRunner>(*loop_);
    auto inspector = program_path("bkmon-inspect");
    if (!inspector) return fail(std::move(inspector.error()));
    inspector_ = inspect::make_process_inspector(*children_, *loop_, std::move(*inspector));
    registry_ = std::make_unique<targets::Registry>(*loop_, *store_);
    runs_ = std::make_unique<runs::RunEngine>(*loop_, *store_);
    scheduler_ = std::make_unique<runs::Scheduler>(*loop_, *store_);
    loop_->on_slow_turn(milliseconds(50), [this](const loop::Turn& turn) {
        journal_->log(journal::Level::warning, journal::msg::loop_slow,
                      fmt::format("a turn of the loop took {} ms of processor time", turn.cpu.count() / 1000));
    });
    auto clock = loop::ClockWatch::create(*loop_, [this](milliseconds by) {
        if (by != milliseconds(0))
            journal_->log(journal::Level::notice, journal::msg::clock_jumped,
                          fmt::format("the clock was set {} by {}", by < milliseconds(0) ? "back" : "forward",
                                      duration_words(by < milliseconds(0) ? -by : by)));
        scheduler_->clock_changed();
        if (deposits_) deposits_->clock_changed();
        if (outlets_) outlets_->clock_changed();
        if (alerts_) alerts_->clock_changed(by);
    });
    if (clock) clock_watch_ = std::move(*clock);
    roles_ = control::Roles::resolve(loaded_->settings.control, static_cast<std::uint32_t>(::geteuid()));
    for (const auto& warning : roles_.warnings()) journal_->log(journal::Level::warning, journal::msg::note, "control.roles: " + warning);
    bind_methods();
    return {};
}

void Wiring::bind_methods() {
    dispatcher_ = std::make_unique<control::Dispatcher>();
    dispatcher_->version = BKMON_VERSION;
    control_parts_ = std::make_unique<control::ControlParts>(
        control::ControlParts{*loop_, *store_, *registry_, *runs_, *scheduler_, BKMON_VERSION, started_at_, started_boot_,
                              [this]() -> const core::Settings& { return loaded_->settings; }, [this] { return degraded(); },
                              [this] { return stale(); }, [this] { return effective_.all(); }, [this](Reloaded done) { reload(std::move(done)); }});
    deposits_door_ = std::make_unique<control::DepositsDoor>(control::DepositsDoor{
        [this] { return deposits_.get(); }, *runs_, *registry_,
        [this](std::string yaml, std::function<void(Result<std::string>)> done) { write_jobs(std::move(yaml), std::move(done)); }});
    control::bind_targets(*dispatcher_, *control_parts_);
    control::bind_runs(*dispatcher_, *control_parts_);
    control::bind_schedule(*dispatcher_, *control_parts_);
    control::bind_daemon(*dispatcher_, *control_parts_);
    control::bind_deposits(*dispatcher_, *deposits_door_);
    bind_outlet_methods();
    bind_alert_methods();
    control::record_audit(*dispatcher_, *loop_, *store_, *journal_);
}

/// Last: who connects gets answers about everything.
Result<void> Wiring::open_control() {
    auto server = control::Server::create(*loop_, *dispatcher_, *journal_,
                                          control::ServerOptions{loaded_->settings.control.socket, std::move(passed_socket_), {}});
    if (!server) return fail(server.error());
    server_ = std::move(*server);
    server_->set_roles(roles_);
    return {};
}

/// What an earlier process knew, before anything new is judged.
void Wiring::load_memory() {
    const auto give_up = [this](const char* what, const Error& e) {
        journal_->log(journal::Level::error, journal::msg::history_degraded,
                      fmt::format("not started: {} cannot be read from the history: {}", what, e.what));
        exit_code_ = 1;
        loop_->stop();
    };
    registry_->load([this, give_up](Result<void> targets) {
        if (!targets) return give_up("the verdicts", targets.error());
        runs_->load([this, give_up](Result<void> runs) {
            if (!runs) return give_up("the runs", runs.error());
            scheduler_->load([this, give_up](Result<void> schedules) {
                if (!schedules) return give_up("the schedules", schedules.error());
                watch_verdicts();
                define_own_targets();
                start_parts();
            });
        });
    });
}

void Wiring::define_own_targets() {
    std::vector<targets::TargetSpec> specs;
    std::vector<const char*> names{"history", "space"};
    if (loaded_->settings.deposits.configured) names.insert(names.end(), {"deposits", "unexpected", "vault", "verify"});
    if (loaded_->settings.outlets.configured) names.insert(names.end(), {"inventory", "outlets"});
    if (loaded_->settings.mail.configured) names.push_back("mail");
    for (const char* name : names) {
        targets::TargetSpec spec;
        spec.id = TargetId::of("bkmon", {name});
        spec.timezone = loaded_->settings.timezone;
        spec.initial.reason_code = "first_due";
        spec.initial.reason = "not looked at yet";
        spec.initial.at = loop_->clock().now();
        specs.push_back(std::move(spec));
    }
    // Where this fails, so does the next look at the history, which says so and tries again.
    registry_->define("bkmon", std::move(specs), [](Result<void>) {});
}

/// The settings of the deposits for their part, and the jobs with them: one copy of ten thousand is enough.
core::DepositSettings Wiring::take_deposits() {
    auto& mine = loaded_->settings.deposits;
    auto jobs = std::exchange(mine.jobs, {});
    auto settings = mine;
    settings.jobs = std::move(jobs);
    return settings;
}

std::unique_ptr<deposits::Part> Wiring::make_deposits(core::DepositSettings settings) {
    deposits::Part::Options options;
    options.settings = std::move(settings);
    options.state_dir = loaded_->settings.state;
    options.parallel = static_cast<int>(std::max(2U, std::thread::hardware_concurrency()));
    options.hold_off = [this] { return hold_off(); };
    options.adopt = [this](std::vector<std::pair<std::string, std::string>> names) {
        std::vector<config::AdoptJob> jobs;
        for (auto& [agent, database] : names) jobs.push_back({agent, database});
        write_jobs(config::adopt_yaml(jobs), [this](Result<std::string> file) {
            journal_->log(file ? journal::Level::notice : journal::Level::error, journal::msg::note,
                          file ? "adopted by auto_adopt: " + *file : "auto_adopt failed: " + file.error().what);
        });
    };
    deposits::Part::Rooms rooms{*loop_,  *deposit_lane_, *vault_lane_, *cpu_lane_,  *scrub_lane_, *files_,
                                *store_, *registry_,     *runs_,       *scheduler_, *inspector_,  *journal_};
    return std::make_unique<deposits::Part>(rooms, std::move(options));
}

/// Why nothing may begin whose result must be recorded.
std::string Wiring::hold_off() const {
    return space_ && space_->on_reserve() ? std::string("the disk of bkmond's own records is full") : std::string();
}

void Wiring::start_parts() {
    auto deposits = take_deposits();
    auto outlets = take_outlets();
    if (!deposits.configured && !outlets.configured)
        journal_->log(
            journal::Level::notice, journal::msg::note,
            fmt::format("nothing is configured yet: describe what to watch in {} (see bkmon.yaml(5)), then: bkmonctl reload", arguments_.config));
    auto left = std::make_shared<int>(2);
    const auto one_is_there = [this, left](const Result<void>&) {
        if (--*left == 0) ready();
    };
    deposits.configured ? start_deposits(std::move(deposits), one_is_there) : one_is_there({});
    outlets.configured ? start_outlets(std::move(outlets), one_is_there) : one_is_there({});
}

/// Half a part would look like a whole one: what a disk that failed once, or is full, has kept from starting begins anew.
void Wiring::start_deposits(core::DepositSettings settings, Done done) {
    deposits_ = make_deposits(std::move(settings));
    deposits_->start([this, done = std::move(done)](Result<void> started) {
        deposits_failed_ = !started;
        if (!started) {
            journal_->log(journal::Level::error, journal::msg::note,
                          fmt::format("the deposits are not watched: {}; tried again in 30 s", started.error().what));
            start_again();
        }
        registry_->overrule(kDeposits, started ? std::nullopt : std::optional(not_watched(started.error(), loop_->clock().now())));
        done(std::move(started));
    });
}

void Wiring::start_again() {
    again_timer_ = loop_->make_timer([this] {
        // Its jobs were moved into it: they are read again.
        reload([this](const control::ReloadOutcome& outcome) {
            if (!outcome.problems.empty() && again_timer_) again_timer_->arm(kAgain);
        });
    });
    again_timer_->arm(kAgain);
}

void Wiring::ready() {
    if (ready_) return;
    beat_timer_ = loop_->make_timer([this] { beat(); });
    house_timer_ = loop_->make_timer([this] { keep_house(); });
    trim_timer_ = loop_->make_timer([this] { config_lane_->run([](std::stop_token) { ::malloc_trim(0); }); });
    keep_space();
    judge_history();
    ready_ = true;
    start_alerts();
    if (auto control = open_control(); !control) {
        journal_->log(journal::Level::error, journal::msg::note, "not started: " + control.error().what);
        tell_terminal("not started: " + control.error().what);
        exit_code_ = 1;
        return loop_->stop();
    }
    notifier_->ready(status_line());
    beat_timer_->arm(milliseconds(0));
    house_timer_->arm(std::chrono::minutes(1));
    config_lane_->run([](std::stop_token) { ::malloc_trim(0); });  // what the start needed once
    journal_->log(journal::Level::info, journal::msg::daemon_started, fmt::format("bkmond {} watches {} targets", BKMON_VERSION, registry_->size()));
}

}  // namespace bkmon::app
