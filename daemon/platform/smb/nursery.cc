#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <list>
#include <utility>

#include "daemon/platform/smb/envelope.h"
#include "daemon/platform/smb/worker_process.h"

namespace bkmon::smb {
namespace {

constexpr std::size_t kMostUnanswered = 16;  // few enough for the buffer of a socket
constexpr milliseconds kPatience{std::chrono::seconds(10)};

/// The library is resolved as a whole before the first fork, or each worker would do it again.
constexpr const char* kResolveAll = "LD_BIND_NOW=1";

loop::ChildResult never_born(std::string why) {
    loop::ChildResult result;
    result.exit_code = 1;
    result.err = std::move(why);
    return result;
}

/// One worker, from the moment it is wanted.
struct Wanted {
    UniqueFd socket;  ///< the worker's; gone when the worker is there
    std::function<void(loop::ChildResult)> ended;
    std::unique_ptr<loop::Child> child;
    bool killed = false;

    void tell(loop::ChildResult result) {
        socket.reset();
        if (const auto tell = std::exchange(ended, nullptr)) tell(std::move(result));
    }
};

class WantedChild final : public loop::Child {
public:
    explicit WantedChild(std::shared_ptr<Wanted> wanted) : wanted_(std::move(wanted)) {}
    WantedChild(const WantedChild&) = delete;
    WantedChild& operator=(const WantedChild&) = delete;
    ~WantedChild() override {
        wanted_->ended = nullptr;
        wanted_->killed = true;
        wanted_->child.reset();
    }
    void kill() override {
        wanted_->killed = true;
        if (wanted_->child) wanted_->child->kill();
    }
    int pid() const override { return wanted_->child ? wanted_->child->pid() : -1; }

private:
    std::shared_ptr<Wanted> wanted_;
};

/// One process that makes workers. Whatever tells somebody does so as its last act.
struct Home {
    std::unique_ptr<loop::Child> child;
    UniqueFd socket;
    std::unique_ptr<loop::FdWatch> watch;  // goes before its descriptor
    std::unique_ptr<loop::Timer> patience;
    std::deque<std::shared_ptr<Wanted>> asked, waiting;
    bool leaving = false;

    /// It ends when nobody can ask it any more.
    void hang_up() {
        watch.reset();
        socket.reset();
        leaving = true;
    }
};

class Nursery final : public WorkerSource {
public:
    Nursery(loop::ChildRunner& runner, loop::EventLoop& loop, std::string executable, std::function<void(const std::string&)> note)
        : runner_(runner), loop_(loop), executable_(std::move(executable)), note_(std::move(note)) {}
    Nursery(const Nursery&) = delete;
    Nursery& operator=(const Nursery&) = delete;

    Result<std::unique_ptr<loop::Child>> start(UniqueFd socket, std::function<void(loop::ChildResult)> ended) override {
        if (refused_) return runner_.spawn(worker_process(executable_, std::move(socket)), std::move(ended));
        if (!home_) {
            if (auto opened = open(); !opened) return fail(std::move(opened.error()));
        }
        auto wanted = std::make_shared<Wanted>();
        wanted->socket = std::move(socket);
        wanted->ended = std::move(ended);
        home_->waiting.push_back(wanted);
        ask(*home_);
        return std::unique_ptr<loop::Child>(std::make_unique<WantedChild>(std::move(wanted)));
    }

    void rest() override { renew(); }

    /// Those that were asked of it are still born of it.
    void renew() override {
        const auto home = std::exchange(home_, nullptr);
        if (!home) return;
        home->leaving = true;
        if (home->asked.empty()) home->hang_up();
    }

private:
    using HomePtr = std::shared_ptr<Home>;

    Result<void> open() {
        std::array<int, 2> fds{};
        if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds.data()) != 0) return sys_fail("socketpair", errno);
        const auto home = std::make_shared<Home>();
        const std::weak_ptr<Home> weak = home;
        home->socket.reset(fds[0]);
        UniqueFd theirs(fds[1]);
        if (::fcntl(fds[0], F_SETFL, O_NONBLOCK) != 0) return sys_fail("socketpair", errno);
        home->watch = loop_.watch(fds[0], true, false, [this, weak](bool, bool) { listen(weak.lock()); });
        if (!home->watch) return fail(Errc::unavailable, "epoll refused the nursery's socket");
        home->patience = loop_.make_timer([weak] {
            if (const auto mine = weak.lock()) mine->child->kill();
        });
        auto spec = worker_process(executable_, std::move(theirs));
        spec.argv.emplace_back("--nursery");
        spec.env.emplace_back(kResolveAll);
        spec.bears = true;
        auto child = runner_.spawn(std::move(spec), [this, weak](const loop::ChildResult& result) { on_ended(weak.lock(), result); });
        if (!child) return fail(std::move(child.error()));
        home->child = std::move(*child);
        homes_.push_back(home);
        home_ = home;
        return {};
    }

    void ask(Home& home) {
        while (home.asked.size() < kMostUnanswered && !home.waiting.empty() && home.socket) {
            const auto& wanted = home.waiting.front();
            const char please = 1;
            if (wanted->ended && send_with(home.socket.get(), &please, sizeof please, wanted->socket.get()) < 0) {
                // Gone, which its end will say; or there is no room just now.
                if (home.asked.empty() && errno != EPIPE && errno != ECONNRESET) home.child->kill();
                return;
            }
            if (wanted->ended) {
                if (home.asked.empty()) home.patience->arm(kPatience);
                home.asked.push_back(wanted);
            }
            home.waiting.pop_front();
        }
    }

    void listen(const HomePtr& home) {
        if (!home || !home->socket) return;
        Birth birth;
        UniqueFd pidfd;
        const auto n = receive_with(home->socket.get(), &birth, sizeof birth, pidfd);
        if (n < 0 && errno == EAGAIN) return;
        if (n != sizeof birth || home->asked.empty()) {  // it hung up, or is none of ours
            home->watch.reset();
            return home->child->kill();
        }
        const auto wanted = home->asked.front();
        home->asked.pop_front();
        if (home->asked.empty())
            home->patience->cancel();
        else
            home->patience->arm(kPatience);
        ask(*home);
        if (home->leaving && home->asked.empty()) home->hang_up();
        if (birth.error == 0) return born(wanted, birth.pid, std::move(pidfd));
        if (birth.error == EPERM || birth.error == ENOSYS || birth.error == EINVAL || birth.error == EACCES) return refused(wanted, birth.error);
        wanted->tell(never_born(fmt::format("no process can be made: {}", strerror(birth.error))));
    }

    void born(const std::shared_ptr<Wanted>& wanted, int pid, UniqueFd pidfd) {
        settle(wanted, runner_.adopt(pid, std::move(pidfd), told_by(wanted)));
    }

    /// From now on each is started by itself, as this one is.
    void refused(const std::shared_ptr<Wanted>& wanted, int error) {
        if (!std::exchange(refused_, true) && note_)
            note_(fmt::format("workers for the outlets cannot be forked here ({}): each is started by itself, which takes more time and memory",
                              strerror(error)));
        renew();
        if (wanted->ended) settle(wanted, runner_.spawn(worker_process(executable_, std::move(wanted->socket)), told_by(wanted)));
    }

    static std::function<void(loop::ChildResult)> told_by(const std::shared_ptr<Wanted>& wanted) {
        return [weak = std::weak_ptr<Wanted>(wanted)](loop::ChildResult result) {
            if (const auto mine = weak.lock()) mine->tell(std::move(result));
        };
    }

    static void settle(const std::shared_ptr<Wanted>& wanted, Result<std::unique_ptr<loop::Child>> child) {
        wanted->socket.reset();
        if (!child) return wanted->tell(never_born(child.error().what));
        wanted->child = std::move(*child);  // and gone with it, when nobody wants it any more
        if (wanted->killed) wanted->child->kill();
    }

    void on_ended(const HomePtr& home, const loop::ChildResult& result) {
        const std::weak_ptr<int> here = here_;
        std::size_t before = home->asked.size() + 1;
        while (!here.expired() && home->watch && home->asked.size() < before) {  // what it had said
            before = home->asked.size();
            listen(home);
        }
        if (here.expired()) return;
        home->hang_up();
        home->patience->cancel();
        homes_.remove(home);
        if (home_ == home) home_.reset();
        auto lost = std::exchange(home->asked, {});
        lost.insert(lost.end(), home->waiting.begin(), home->waiting.end());
        home->waiting.clear();
        for (const auto& wanted : lost) wanted->tell(result);
    }

    loop::ChildRunner& runner_;
    loop::EventLoop& loop_;
    std::string executable_;
    std::function<void(const std::string&)> note_;
    std::list<HomePtr> homes_;  // that are not reaped
    HomePtr home_;              // that is asked
    bool refused_ = false;
    std::shared_ptr<int> here_ = std::make_shared<int>();  // whoever is told may take this away
};

}  // namespace

std::unique_ptr<WorkerSource> make_nursery(loop::ChildRunner& runner, loop::EventLoop& loop, std::string executable,
                                           std::function<void(const std::string&)> note) {
    return std::make_unique<Nursery>(runner, loop, std::move(executable), std::move(note));
}

}  // namespace bkmon::smb
