#include "daemon/platform/loop/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <map>
#include <optional>
#include <utility>

namespace bkmon::loop {
namespace {

constexpr std::size_t kMostErr = 4096;
constexpr int kReadsPerTurn = 16;

/// Kills the child and its process group. Only while it is not reaped: until then its pid and group id belong to nobody else.
void kill_group(int pid) {
    ::kill(-pid, SIGKILL);
    ::kill(pid, SIGKILL);
}

/// By number: glibc 2.36 declares pidfd_open() without C linkage.
UniqueFd open_pidfd(int pid) { return UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))); }

/// Empty while the child runs.
std::optional<siginfo_t> reap(int pidfd) {
    siginfo_t info{};
    if (::waitid(P_PIDFD, static_cast<id_t>(pidfd), &info, WEXITED | WNOHANG) != 0 || info.si_pid == 0) return {};
    return info;
}

/// False when it is nobody's, another's, or reaped.
bool is_our_child(idtype_t what, int id) {
    siginfo_t info{};
    return ::waitid(what, static_cast<id_t>(id), &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

/// Moves a descriptor off 0, 1 and 2, which would be overwritten on the way into the child.
UniqueFd above_standard(UniqueFd fd) {
    if (fd.get() < 0 || fd.get() > STDERR_FILENO) return fd;
    return UniqueFd(::fcntl(fd.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
}

struct Pipe {
    UniqueFd read, write;
};

/// Ours does not block, the child's does.
Result<Pipe> make_pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return sys_fail("pipe", errno);
    Pipe pipe{UniqueFd(ends[0]), above_standard(UniqueFd(ends[1]))};
    if (!pipe.write || ::fcntl(pipe.read.get(), F_SETFL, O_NONBLOCK) != 0) return sys_fail("pipe", errno);
    return pipe;
}

std::vector<char*> c_strings(std::vector<std::string>& strings) {
    std::vector<char*> pointers;
    pointers.reserve(strings.size() + 1);
    for (auto& s : strings) pointers.push_back(s.data());
    pointers.push_back(nullptr);
    return pointers;
}

/// What posix_spawn is told: session, signals, descriptors.
class SpawnPlan {
public:
    SpawnPlan() {
        posix_spawnattr_init(&attributes_);
        posix_spawn_file_actions_init(&actions_);
    }
    ~SpawnPlan() {
        posix_spawn_file_actions_destroy(&actions_);
        posix_spawnattr_destroy(&attributes_);
    }
    SpawnPlan(const SpawnPlan&) = delete;
    SpawnPlan& operator=(const SpawnPlan&) = delete;

    /// 0 or an errno.
    int spawn(pid_t& pid, ChildSpec& spec, int in, int out, int err) {
        sigset_t none, all;
        sigemptyset(&none);
        sigfillset(&all);
        int rc = posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
        if (rc == 0) rc = posix_spawnattr_setsigmask(&attributes_, &none);
        if (rc == 0) rc = posix_spawnattr_setsigdefault(&attributes_, &all);
        if (rc == 0) rc = posix_spawn_file_actions_adddup2(&actions_, in, STDIN_FILENO);
        if (rc == 0) rc = posix_spawn_file_actions_adddup2(&actions_, out, STDOUT_FILENO);
        if (rc == 0) rc = posix_spawn_file_actions_adddup2(&actions_, err, STDERR_FILENO);
        if (rc == 0) rc = posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);
        const auto argv = c_strings(spec.argv), env = c_strings(spec.env);
        if (rc == 0) rc = ::posix_spawn(&pid, argv[0], &actions_, &attributes_, argv.data(), env.data());
        return rc;
    }

private:
    posix_spawnattr_t attributes_{};
    posix_spawn_file_actions_t actions_{};
};

}  // namespace

/// Killed children whose owners are gone, until the kernel has buried them; and which children are adopted.
class ProcessRunner::Graveyard : public std::enable_shared_from_this<Graveyard> {
public:
    explicit Graveyard(EventLoop& loop) : loop_(loop) {}

    void bury(int pid, UniqueFd pidfd, bool bears) {
        if (!bears && reap(pidfd.get())) return;
        auto& grave = graves_[pid];
        grave.pidfd = std::move(pidfd);
        grave.ended = loop_.watch(grave.pidfd.get(), true, false, [weak = weak_from_this(), pid, bears](bool, bool) {
            const auto self = weak.lock();
            if (!self) return;
            const auto found = self->graves_.find(pid);
            if (found != self->graves_.end() && (bears ? self->reap_family(pid) : reap(found->second.pidfd.get()))) self->graves_.erase(pid);
        });
    }
    std::size_t size() const { return graves_.size(); }

    /// `early` is where to put how it ended when it is reaped with its family.
    void adopted(int pid, std::optional<siginfo_t>& early) { adopted_[pid] = &early; }
    void gone(int pid) { adopted_.erase(pid); }

    /// Reaps the dead leader of this group and the children of ours in it, which are killed: it may have made one and died before it could say so.
    /// Waits for them, for as long as a killed process takes to die. Before its end is known its number is nobody else's.
    std::optional<siginfo_t> reap_family(int leader) {
        std::optional<siginfo_t> of_leader;
        kill_group(leader);
        for (;;) {
            siginfo_t info{};
            if (::waitid(P_PGID, static_cast<id_t>(leader), &info, WEXITED) != 0) {
                if (errno == EINTR) continue;
                return of_leader;
            }
            if (info.si_pid == leader)
                of_leader = info;
            else if (const auto found = adopted_.find(info.si_pid); found != adopted_.end())
                *found->second = info;
            else
                graves_.erase(info.si_pid);
        }
    }

private:
    struct Grave {
        UniqueFd pidfd;
        std::unique_ptr<FdWatch> ended;
    };
    EventLoop& loop_;
    std::map<int, Grave> graves_;
    std::map<int, std::optional<siginfo_t>*> adopted_;
};

class ProcessRunner::Process final : public Child {
public:
    Process(EventLoop& loop, std::shared_ptr<Graveyard> graveyard, std::function<void(ChildResult)> done)
        : loop_(loop), graveyard_(std::move(graveyard)), done_(std::move(done)) {}
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;
    ~Process() override {
        if (!pidfd_) return;
        kill();
        ended_.reset();  // a watch goes before its descriptor
        if (adopted_) graveyard_->gone(pid_);
        if (!early_) graveyard_->bury(pid_, std::move(pidfd_), bears_);
    }

    void kill() override {
        if (!pidfd_) return;
        if (adopted_)  // whose group it is in is not known
            ::syscall(SYS_pidfd_send_signal, pidfd_.get(), SIGKILL, nullptr, 0);
        else
            kill_group(pid_);
    }
    int pid() const override { return pid_; }

    Result<void> adopt(int pid, UniqueFd pidfd) {
        if (!pidfd && pid > 0 && is_our_child(P_PID, pid)) {
            ::kill(pid, SIGKILL);
            ::waitpid(pid, nullptr, 0);
            return fail(Errc::unavailable, "adopt a child: there is no descriptor left for it");
        }
        if (!pidfd || !is_our_child(P_PIDFD, pidfd.get())) return fail(Errc::invalid, "adopt a child: it is none of ours");
        began_ = loop_.clock().boot();
        pid_ = pid;
        pidfd_ = std::move(pidfd);
        adopted_ = true;
        graveyard_->adopted(pid_, early_);
        ended_ = loop_.watch(pidfd_.get(), true, false, [this](bool, bool) { on_end(); });
        if (!ended_) return fail(Errc::unavailable, "adopt a child: epoll refused its descriptor");
        return {};
    }

    Result<void> start(ChildSpec spec) {
        if (spec.argv.empty()) return fail(Errc::invalid, "start a child: no program is named");
        const auto doing = fmt::format("start {}", spec.argv.front());
        auto out = make_pipe(), err = make_pipe();
        if (!out) return fail(in(doing, std::move(out.error())));
        if (!err) return fail(in(doing, std::move(err.error())));
        if (!spec.stdin_fd) spec.stdin_fd.reset(::open("/dev/null", O_RDONLY | O_CLOEXEC));
        const auto input = above_standard(std::move(spec.stdin_fd));
        if (!input) return sys_fail(doing, errno);

        began_ = loop_.clock().boot();
        SpawnPlan plan;
        if (const int rc = plan.spawn(pid_, spec, input.get(), out->write.get(), err->write.get()); rc != 0) return sys_fail(doing, rc);
        // Nobody else can reap it, so the pid is still its own here. The two ends closed now make room for the pidfd.
        out->write.reset();
        err->write.reset();
        pidfd_ = open_pidfd(pid_);
        if (!pidfd_) {
            const int error = errno;
            kill_group(pid_);
            ::waitpid(pid_, nullptr, 0);
            return sys_fail(doing + ": pidfd", error);
        }
        out_fd_ = std::move(out->read);
        err_fd_ = std::move(err->read);
        max_output_ = spec.max_output;
        last_err_ = spec.last_err;
        bears_ = spec.bears;
        ended_ = loop_.watch(pidfd_.get(), true, false, [this](bool, bool) { on_end(); });
        out_watch_ = loop_.watch(out_fd_.get(), true, false, [this](bool, bool) { read_out(); });
        err_watch_ = loop_.watch(err_fd_.get(), true, false, [this](bool, bool) { read_err(); });
        if (!ended_ || !out_watch_ || !err_watch_) return fail(Errc::unavailable, doing + ": epoll refused its descriptors");
        if (!spec.deadline) return {};
        deadline_ = loop_.make_timer([this] {
            result_.timed_out = true;
            kill_group(pid_);
        });
        deadline_->arm(*spec.deadline);
        return {};
    }

private:
    void read_out() {
        const bool open = read_some(out_fd_, [this](std::string_view bytes) {
            const auto room = max_output_ - result_.out.size();
            result_.out.append(bytes.substr(0, room));
            if (bytes.size() <= room) return;
            result_.output_too_long = true;
            kill_group(pid_);
        });
        if (!open || result_.output_too_long) out_watch_.reset();
    }

    void read_err() {
        const bool open = read_some(err_fd_, [this](std::string_view bytes) {
            result_.err.append(last_err_ ? bytes : bytes.substr(0, kMostErr - result_.err.size()));
            if (result_.err.size() > kMostErr) result_.err.erase(0, result_.err.size() - kMostErr);
        });
        if (!open) err_watch_.reset();
    }

    /// What is there now, at most a pipe's worth, so that neither a chatterer nor a grandchild keeps the loop. False at the end.
    template <class Take>
    bool read_some(const UniqueFd& fd, Take take) {
        std::array<char, 4096> buffer;
        for (int i = 0; i < kReadsPerTurn; ++i) {
            const auto n = ::read(fd.get(), buffer.data(), buffer.size());
            if (n == 0) return false;
            if (n < 0) return errno == EAGAIN || errno == EINTR;
            take(std::string_view(buffer.data(), static_cast<std::size_t>(n)));
            if (result_.output_too_long) return true;
        }
        return true;
    }

    void on_end() {
        // What it had written is in the pipes already. Kept open by somebody it left behind, they would never end: his group dies with it.
        kill();
        const auto info = early_ ? early_ : bears_ ? graveyard_->reap_family(pid_) : reap(pidfd_.get());
        if (!info) return;
        if (adopted_) graveyard_->gone(pid_);
        if (out_watch_) read_all_out();
        if (err_watch_) read_err();
        if (info->si_code == CLD_EXITED)
            result_.exit_code = info->si_status;
        else
            result_.signal = info->si_status;
        result_.elapsed = loop_.clock().boot() - began_;
        deadline_.reset();
        out_watch_.reset();
        err_watch_.reset();
        ended_.reset();
        out_fd_.reset();
        err_fd_.reset();
        pidfd_.reset();
        // The last act: done may destroy this child.
        const auto done = std::move(done_);
        done(std::move(result_));
    }

    void read_all_out() {
        // A pipe may have been enlarged by the child: read until it is empty, which max_output_ bounds.
        std::size_t before = 0;
        do {
            before = result_.out.size();
            read_out();
        } while (out_watch_ && result_.out.size() != before);
    }

    EventLoop& loop_;
    std::shared_ptr<Graveyard> graveyard_;
    std::function<void(ChildResult)> done_;
    ChildResult result_;
    std::size_t max_output_ = 0;
    bool last_err_ = false, bears_ = false, adopted_ = false;
    std::optional<siginfo_t> early_;  // how it ended, when it is reaped already
    BootTime began_{};
    pid_t pid_ = -1;
    UniqueFd pidfd_;  // open while the child is not reaped
    UniqueFd out_fd_, err_fd_;
    std::unique_ptr<FdWatch> ended_, out_watch_, err_watch_;
    std::unique_ptr<Timer> deadline_;
};

ProcessRunner::ProcessRunner(EventLoop& loop) : loop_(loop), graveyard_(std::make_shared<Graveyard>(loop)) {}
ProcessRunner::~ProcessRunner() = default;

Result<std::unique_ptr<Child>> ProcessRunner::spawn(ChildSpec spec, std::function<void(ChildResult)> done) {
    auto process = std::make_unique<Process>(loop_, graveyard_, std::move(done));
    if (auto started = process->start(std::move(spec)); !started) return fail(std::move(started.error()));
    return process;
}

Result<std::unique_ptr<Child>> ProcessRunner::adopt(int pid, UniqueFd pidfd, std::function<void(ChildResult)> done) {
    auto process = std::make_unique<Process>(loop_, graveyard_, std::move(done));
    if (auto adopted = process->adopt(pid, std::move(pidfd)); !adopted) return fail(std::move(adopted.error()));
    return process;
}

std::size_t ProcessRunner::unreaped() const { return graveyard_->size(); }

}  // namespace bkmon::loop
