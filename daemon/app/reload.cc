// Signals, and a new configuration in place of the old one: wholly, or not at all.
#include <fcntl.h>
#include <fmt/format.h>
#include <malloc.h>
#include <sys/stat.h>
#include <unistd.h>
#include <csignal>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "common/base/text.h"
#include "daemon/app/wiring.h"

namespace bkmon::app {

namespace {
constexpr milliseconds kTrim{1500};
}

void Wiring::on_signal(int signal, int sender) {
    if (signal == SIGHUP) {
        reload([](const control::ReloadOutcome&) {});
        return;
    }
    journal_->log(journal::Level::info, journal::msg::daemon_stopping,
                  fmt::format("stopping on signal {}{}", signal, sender > 0 ? fmt::format(" from process {}", sender) : ""));
    notifier_->stopping();
    loop_->stop();
}

/// The problems of settings that are valid but cannot change while we run.
std::vector<config::Problem> Wiring::needs_restart(const core::Settings& fresh) const {
    std::vector<config::Problem> problems;
    const auto& now = loaded_->settings;
    const auto keep = [&](bool same, const char* what) {
        if (!same) problems.push_back({"", fmt::format("'{}' changed: that needs a restart (systemctl restart bkmond); nothing was changed", what)});
    };
    keep(fresh.state == now.state, "state");
    keep(fresh.control.socket == now.control.socket, "control.socket");
    keep(fresh.history.path == now.history.path && fresh.history.engine == now.history.engine, "history");
    keep(fresh.site == now.site, "site");
    if (deposits_ && fresh.deposits.configured) {
        keep(fresh.deposits.root == now.deposits.root, "deposits.root");
        keep(fresh.deposits.vault == now.deposits.vault, "deposits.vault");
        keep(fresh.deposits.rescan == now.deposits.rescan, "deposits.rescan");
        keep(fresh.deposits.held_days == now.deposits.held_days, "deposits.held_days");
        keep(fresh.deposits.held_max_bytes == now.deposits.held_max_bytes, "deposits.held_max_bytes");
        keep(fresh.deposits.reserve_bytes == now.deposits.reserve_bytes, "deposits.reserve_bytes");
    }
    return problems;
}

void Wiring::reload(Reloaded done) {
    if (reloading_) return done({false, {{"", "a reload is under way already: try again when it has ended"}}});
    reloading_ = true;
    notifier_->reloading();
    auto finish = [this, done = std::move(done)](control::ReloadOutcome outcome) {
        const auto& [changed, problems] = outcome;
        reloading_ = false;
        notifier_->ready(status_line());
        for (const auto& p : problems)
            journal_->log(journal::Level::error, journal::msg::config_refused,
                          fmt::format("{}{}{}", p.where, p.where.empty() ? "" : ": ", p.message));
        // The old jobs are gone when this turn is over.
        loop_->post(Task([this] { config_lane_->run([](std::stop_token) { ::malloc_trim(0); }); }));
        if (trim_timer_) trim_timer_->arm(kTrim);  // what the parts do with the new settings takes some turns
        if (problems.empty())
            journal_->log(journal::Level::info, journal::msg::config_loaded,
                          changed ? "the new configuration is in force" : "the configuration was read again: nothing changed");
        done(std::move(outcome));
    };
    loop::submit(
        *config_lane_, *loop_, alive_,
        [file = arguments_.config](std::stop_token) { return std::make_shared<config::Loaded>(read_configuration(file)); },
        [this, finish](std::shared_ptr<config::Loaded> fresh) {
            auto problems = fresh->problems;
            if (problems.empty()) problems = needs_restart(fresh->settings);
            if (!problems.empty()) return finish({false, std::move(problems)});
            apply(std::move(fresh), finish);
        });
}

void Wiring::apply(std::shared_ptr<config::Loaded> fresh, Reloaded done) {
    config::EffectiveText effective(std::exchange(fresh->effective, {}));
    const bool same = effective.same_values(effective_);
    effective_ = std::move(effective);
    *loaded_ = std::move(*fresh);
    resolve_roles();
    keep_space();
    auto deposits = take_deposits();
    auto outlets = take_outlets();
    const bool again = again_timer_ != nullptr;
    again_timer_.reset();
    if (again && deposits_failed_) deposits_.reset();  // what could not be started has nothing to reconfigure
    if (again && outlets_failed_) stop_outlets();
    if (!same || again) define_own_targets();
    struct Both {
        int left = 2;
        control::ReloadOutcome outcome;
    };
    auto both = std::make_shared<Both>();
    both->outcome.changed = !same || again;
    const auto one_is_done = [this, both, done = std::move(done)](const Result<void>& applied) {
        if (!applied) both->outcome.problems.push_back({"", applied.error().what});
        if (--both->left > 0) return;
        take_alert_settings();  // when the targets are those of the new configuration
        done(std::move(both->outcome));
    };
    apply_deposits(std::move(deposits), same && !again, one_is_done);
    apply_outlets(std::move(outlets), one_is_done);
}

namespace {

Result<void> as_problem(Result<void> defined) {
    if (defined) return defined;
    return fail(defined.error().code, "the history refused the new targets: " + defined.error().what);
}

}  // namespace

void Wiring::apply_deposits(core::DepositSettings settings, bool same, Done done) {
    if (same) return done({});
    if (!settings.configured) {
        deposits_.reset();
        registry_->define("deposit", {}, [](Result<void>) {});
        return done({});
    }
    if (!deposits_) {
        start_deposits(std::move(settings), [](Result<void>) {});
        return done({});
    }
    auto configured = deposits_->reconfigure(std::move(settings), [done](Result<void> defined) { done(as_problem(std::move(defined))); });
    if (!configured) done(std::move(configured));
}

/// Also where nothing changed: the inventory lies elsewhere, and a reload is how somebody says that it is another one.
void Wiring::apply_outlets(core::OutletSettings settings, Done done) {
    if (!settings.configured) {
        if (!outlets_) return done({});
        stop_outlets();
        registry_->define("outlet", {}, [](Result<void>) {});
        return done({});
    }
    if (!outlets_) return start_outlets(std::move(settings), [done = std::move(done)](Result<void>) { done({}); });
    outlets_->reconfigure(std::move(settings), [done = std::move(done)](Result<void> defined) { done(as_problem(std::move(defined))); });
}

/// Names of users and groups are looked up off the loop: the name service may be slow.
void Wiring::resolve_roles() {
    loop::submit(
        *config_lane_, *loop_, alive_,
        [settings = loaded_->settings.control, own = static_cast<std::uint32_t>(::geteuid())](std::stop_token) {
            return control::Roles::resolve(settings, own);
        },
        [this](control::Roles roles) {
            for (const auto& warning : roles.warnings()) journal_->log(journal::Level::warning, journal::msg::note, "control.roles: " + warning);
            roles_ = std::move(roles);
            if (server_) server_->set_roles(roles_);
        });
}

namespace {

/// A new file in conf.d, complete or not there at all.
Result<std::string> write_conf_d(const std::string& main_file, const std::string& yaml) {
    const auto dir = std::filesystem::path(main_file).parent_path() / "conf.d";
    if (::mkdir(dir.c_str(), 0755) != 0 && errno != EEXIST) return sys_fail(fmt::format("make '{}'", dir.string()), errno);
    for (int i = 1; i < 10000; ++i) {
        const auto path = dir / fmt::format("adopted-{:04}.yaml", i);
        const auto temporary = dir / fmt::format(".adopted-{:04}.tmp", i);
        if (std::filesystem::exists(path)) continue;
        UniqueFd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644));
        if (!fd) return sys_fail(fmt::format("write '{}'", temporary.string()), errno);
        const auto n = ::write(fd.get(), yaml.data(), yaml.size());
        if (n != static_cast<ssize_t>(yaml.size()) || ::fsync(fd.get()) != 0) {
            const int error = errno;
            ::unlink(temporary.c_str());
            return sys_fail(fmt::format("write '{}'", path.string()), error);
        }
        if (::link(temporary.c_str(), path.c_str()) != 0 && errno == EEXIST) {
            ::unlink(temporary.c_str());
            continue;
        }
        ::unlink(temporary.c_str());
        return path.string();
    }
    return fail(Errc::exists, fmt::format("'{}' holds 10,000 adopted files: merge some", dir.string()));
}

}  // namespace

/// `deposits adopt --write`: a file that makes the configuration bad is taken back.
void Wiring::write_jobs(std::string yaml, std::function<void(Result<std::string>)> done) {
    loop::submit(
        *config_lane_, *loop_, alive_, [main = arguments_.config, yaml = std::move(yaml)](std::stop_token) { return write_conf_d(main, yaml); },
        [this, done = std::move(done)](Result<std::string> path) {
            if (!path) return done(std::move(path));
            reload([this, path = *path, done](const control::ReloadOutcome& outcome) {
                if (outcome.problems.empty()) return done(path);
                const std::string why = outcome.problems.front().where + ": " + outcome.problems.front().message;
                loop::submit(
                    *config_lane_, *loop_, alive_, [path](std::stop_token) { return ::unlink(path.c_str()); },
                    [done, why](int) { done(fail(Errc::invalid, "the jobs were not adopted, the configuration would be refused: " + why)); });
            });
        });
}

}  // namespace bkmon::app
