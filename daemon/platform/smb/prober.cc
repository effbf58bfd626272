#include "daemon/platform/smb/prober.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <deque>
#include <optional>
#include <set>
#include <utility>

#include "common/base/text.h"
#include "common/base/unique_fd.h"
#include "daemon/platform/smb/addresses.h"
#include "daemon/platform/smb/stepwise.h"

namespace bkmon::smb {
namespace {

constexpr std::size_t kAtOnce = 16;                                     // begun or told in one task; the loop serves others in between
constexpr std::size_t kReserve = 256;                                   // descriptors for the rest of the daemon, or a quarter where that is more
constexpr milliseconds kShort{100}, kStarved{std::chrono::seconds(5)};  // pause, and patience, when there is no descriptor

std::size_t descriptors_for_us() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 64;
    const auto all = static_cast<std::size_t>(std::min<rlim_t>(limit.rlim_cur, 1U << 20));
    const auto reserve = std::max(kReserve, all / 4);
    return all > reserve + 16 ? all - reserve : 16;
}

Outcome outcome_of(int error) {
    switch (error) {
        case 0: return Outcome::listed;
        case ECONNREFUSED: return Outcome::refused;
        case ETIMEDOUT: return Outcome::timeout;
        case ECONNRESET: return Outcome::reset;
        case EMFILE:
        case ENFILE:
        case ENOMEM:
        case ENOBUFS: return Outcome::internal;
        default: return Outcome::unreachable;
    }
}

/// Of the addresses of one name, the failure that tells most.
int weight(Outcome outcome) {
    switch (outcome) {
        case Outcome::refused: return 4;
        case Outcome::reset: return 3;
        case Outcome::timeout: return 2;
        case Outcome::unreachable: return 1;
        default: return 0;
    }
}

struct Probe {
    std::string address;
    std::uint16_t port = 0;
    milliseconds deadline{0};
    std::function<void(Probed)> done;  ///< empty: nobody wants to know any more
    Probed verdict;

    std::shared_ptr<std::atomic<bool>> given_up;  ///< of the look-up, for its lane
    bool looking_up = false, looked_up_now = false;

    std::vector<Endpoint> endpoints;
    std::size_t next = 0;  ///< of endpoints
    BootTime began{};      ///< its first connect
    int error = 0;         ///< how the present connect ended
    UniqueFd socket;
    std::unique_ptr<loop::FdWatch> watch;  ///< goes before the socket
    std::unique_ptr<loop::Timer> timer;
};
using ProbePtr = std::shared_ptr<Probe>;

/// Shared with tasks that are on their way; loop thread only.
class Core : public Stepwise<Core> {
public:
    Core(loop::EventLoop& loop, loop::Lane& names) : Stepwise(loop), names_(names), limit_(descriptors_for_us()) {
        retry_ = loop_.make_timer([this] { soon(); });
    }

    void add(const ProbePtr& probe) {
        if (active_.empty()) limit_ = descriptors_for_us();
        if (auto endpoint = numeric(probe->address, probe->port)) {
            probe->endpoints.push_back(std::move(*endpoint));
            waiting_.push_back(probe);
            soon();
        } else {
            look_up(probe);
        }
    }

    void give_up(const ProbePtr& probe) {
        if (!std::exchange(probe->done, nullptr)) return;
        let_go(*probe);
        if (active_.erase(probe) > 0) soon();
    }

    void close() {
        closed_ = true;
        for (const auto& probe : std::exchange(active_, {})) let_go(*probe);
        waiting_.clear();
        over_.clear();
        retry_.reset();
    }

private:
    friend class Stepwise<Core>;
    static void let_go(Probe& probe) {
        if (probe.given_up) *probe.given_up = true;
        probe.looking_up = false;
        probe.watch.reset();
        probe.timer.reset();
        probe.socket.reset();
    }

    void step() {
        bool room = true;
        for (std::size_t i = 0; i < kAtOnce && room && !waiting_.empty() && active_.size() < limit_; ++i) {
            const auto probe = waiting_.front();
            waiting_.pop_front();
            if (probe->done) room = begin(probe);
        }
        for (std::size_t i = 0; i < kAtOnce && !over_.empty() && !closed_; ++i) {
            const auto probe = over_.front();
            over_.pop_front();
            settle(probe);
        }
        if (!closed_ && (!over_.empty() || (room && !waiting_.empty() && active_.size() < limit_))) soon();
    }

    // Names.

    /// Neither is ever locked on the lane: a probe dies on the loop.
    template <class Then>
    static Task on_loop(std::weak_ptr<Core> core, std::weak_ptr<Probe> probe, Then then) {
        return Task([core = std::move(core), probe = std::move(probe), then = std::move(then)]() mutable {
            const auto self = core.lock();
            if (self && !self->closed_) then(*self, probe.lock());
        });
    }

    void look_up(const ProbePtr& probe) {
        probe->looking_up = true;
        probe->given_up = std::make_shared<std::atomic<bool>>(false);
        const std::weak_ptr<Probe> weak = probe;
        // Nobody else holds on to it: it may outlive us.
        probe->timer = loop_.make_timer([core = weak_from_this(), weak] {
            if (const auto self = core.lock(); self && !self->closed_) self->on_no_answer(weak.lock());
        });
        probe->timer->arm(probe->deadline);
        names_.run([&loop = loop_, core = weak_from_this(), weak, name = probe->address, port = probe->port,
                    given_up = probe->given_up](const std::stop_token& stop) {
            if (*given_up || stop.stop_requested()) return;
            static_cast<void>(loop.post(on_loop(core, weak, [](Core&, const ProbePtr& mine) {
                if (!mine || !mine->looking_up) return;
                mine->looked_up_now = true;
                mine->timer->arm(mine->deadline);
            })));
            static_cast<void>(loop.post(on_loop(core, weak, [resolved = resolve(name, port)](Core& self, const ProbePtr& mine) mutable {
                self.on_resolved(mine, std::move(resolved));
            })));
        });
    }

    void on_resolved(const ProbePtr& probe, Resolved resolved) {
        if (resolved.definite) last_answer_ = loop_.clock().boot();
        if (!probe || !probe->looking_up) return;
        let_go(*probe);
        if (!resolved.problem.empty()) return name_failed(probe, resolved.problem);
        probe->endpoints = std::move(resolved.endpoints);
        waiting_.push_back(probe);
        soon();
    }

    void on_no_answer(const ProbePtr& probe) {
        // One that waits its turn goes on waiting while those before it are answered.
        const bool moving = last_answer_ && loop_.clock().boot() - *last_answer_ < probe->deadline;
        if (!probe->looked_up_now && moving) return probe->timer->arm(probe->deadline);
        const auto keep = std::move(probe->timer);
        let_go(*probe);
        name_failed(probe, "the name service did not answer within " + duration_words(probe->deadline));
    }

    void name_failed(const ProbePtr& probe, const std::string& why) {
        probe->verdict.outcome = Outcome::name_unknown;
        probe->verdict.detail = fmt::format("{}: {}", printable(probe->address, 255), why);
        over_.push_back(probe);
        soon();
    }

    // Connects.

    /// False when there is no descriptor for it: it goes on waiting.
    bool begin(const ProbePtr& probe) {
        const auto& to = probe->endpoints[probe->next];
        const auto now = loop_.clock().boot();
        UniqueFd fd(::socket(to.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
        if (!fd && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)) return starved(probe, errno);
        starved_since_.reset();
        active_.insert(probe);
        if (probe->next == 0) probe->began = now;
        if (!fd) return ended(probe, errno), true;
        // Closed by a reset: there is nothing to say, and nothing is left behind on either side.
        const linger at_once{1, 0};
        ::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        probe->socket = std::move(fd);
        if (::connect(probe->socket.get(), reinterpret_cast<const sockaddr*>(&to.address), to.length) == 0) return ended(probe, 0), true;
        if (errno != EINPROGRESS && errno != EINTR) return ended(probe, errno), true;
        const std::weak_ptr<Probe> weak = probe;
        probe->watch = loop_.watch(probe->socket.get(), false, true, [this, weak](bool, bool) { on_ready(weak.lock()); });
        if (!probe->watch) return ended(probe, ENOMEM), true;
        probe->timer = loop_.make_timer([this, weak] { ended(weak.lock(), ETIMEDOUT); });
        probe->timer->arm(probe->deadline);
        return true;
    }

    bool starved(const ProbePtr& probe, int error) {
        const auto now = loop_.clock().boot();
        if (!active_.empty()) {  // as many as there are, then; each that ends makes room
            limit_ = active_.size();
        } else if (!starved_since_) {
            starved_since_ = now;
        } else if (now - *starved_since_ > kStarved) {
            active_.insert(probe);
            ended(probe, error);
            return true;
        }
        waiting_.push_front(probe);
        if (active_.empty()) retry_->arm(kShort);
        return false;
    }

    void on_ready(const ProbePtr& probe) {
        int error = 0;
        socklen_t size = sizeof error;
        if (::getsockopt(probe->socket.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
        ended(probe, error);
    }

    /// Hundreds may end in one turn of the loop: what follows is a matter of step().
    void ended(const ProbePtr& probe, int error) {
        probe->watch.reset();
        probe->timer.reset();
        probe->error = error;
        over_.push_back(probe);
        soon();
    }

    void settle(const ProbePtr& probe) {
        if (!probe->done) return;
        if (active_.erase(probe) == 0) return tell(probe);  // its name is unknown
        auto socket = std::move(probe->socket);
        const auto outcome = outcome_of(probe->error);
        const auto& to = probe->endpoints[probe->next];
        auto& verdict = probe->verdict;
        verdict.took = loop_.clock().boot() - probe->began;
        if (outcome == Outcome::listed) {
            verdict.outcome = outcome;
            verdict.address = to.text;
            verdict.detail.clear();
            verdict.connection = {std::move(socket), loop_.clock().boot()};
            return tell(probe);
        }
        if (probe->next == 0 || weight(outcome) > weight(verdict.outcome)) {
            verdict.outcome = outcome;
            verdict.address = to.text;
        }
        const auto why =
            outcome == Outcome::timeout ? "no answer within " + duration_words(probe->deadline) : std::string(std::strerror(probe->error));
        if (!verdict.detail.empty()) verdict.detail += "; ";
        verdict.detail += probe->endpoints.size() > 1 ? to.text + ": " + why : why;
        socket.reset();
        if (++probe->next == probe->endpoints.size()) return tell(probe);
        waiting_.push_front(probe);
    }

    /// The prober may be gone after it.
    static void tell(const ProbePtr& probe) {
        const auto done = std::exchange(probe->done, nullptr);
        if (done) done(std::move(probe->verdict));
    }

    loop::Lane& names_;
    std::size_t limit_;
    std::deque<ProbePtr> waiting_, over_;
    std::set<ProbePtr> active_;            ///< from their connect until they are settled
    std::optional<BootTime> last_answer_;  ///< of the name service
    std::optional<BootTime> starved_since_;
    std::unique_ptr<loop::Timer> retry_;
};

class ProbeTicket final : public Prober::Ticket {
public:
    ProbeTicket(std::weak_ptr<Core> core, ProbePtr probe) : core_(std::move(core)), probe_(std::move(probe)) {}
    ProbeTicket(const ProbeTicket&) = delete;
    ProbeTicket& operator=(const ProbeTicket&) = delete;
    ~ProbeTicket() override {
        if (const auto core = core_.lock()) core->give_up(probe_);
    }

private:
    std::weak_ptr<Core> core_;
    ProbePtr probe_;
};

class LoopProber final : public Prober {
public:
    LoopProber(loop::EventLoop& loop, loop::Lane& names) : core_(std::make_shared<Core>(loop, names)) {}
    LoopProber(const LoopProber&) = delete;
    LoopProber& operator=(const LoopProber&) = delete;
    ~LoopProber() override { core_->close(); }

    std::unique_ptr<Ticket> probe(const std::string& address, std::uint16_t port, milliseconds deadline, std::function<void(Probed)> done) override {
        auto probe = std::make_shared<Probe>();
        probe->address = address;
        probe->port = port;
        probe->deadline = deadline;
        probe->done = std::move(done);
        core_->add(probe);
        return std::make_unique<ProbeTicket>(core_, std::move(probe));
    }

private:
    std::shared_ptr<Core> core_;
};

}  // namespace

std::unique_ptr<Prober> make_prober(loop::EventLoop& loop, loop::Lane& names) { return std::make_unique<LoopProber>(loop, names); }

}  // namespace bkmon::smb
