// A line between two network namespaces that is as slow as told:  delay NAMESPACE NAME NAMESPACE NAME MILLISECONDS
// makes a device of that name in each, says "ready", and hands every packet over after so many milliseconds (one way). Ends with its
// standard input.
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <string>
#include <utility>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

void need(bool good, const char* what) {
    if (good) return;
    std::perror(what);
    std::exit(1);
}

int device(const char* space, const char* name) {
    const int ns = ::open(space, O_RDONLY | O_CLOEXEC);
    need(ns >= 0 && ::setns(ns, CLONE_NEWNET) == 0, space);
    ::close(ns);
    const int fd = ::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    need(fd >= 0, "/dev/net/tun");
    ifreq request{};
    request.ifr_flags = IFF_TUN | IFF_NO_PI;
    std::snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
    need(::ioctl(fd, TUNSETIFF, &request) == 0, name);
    return fd;
}

/// One direction.
class Line {
public:
    Line(int from, int to, std::chrono::milliseconds delay) : from_(from), to_(to), delay_(delay) {}

    void take() {
        char packet[65536];
        for (ssize_t n = 0; (n = ::read(from_, packet, sizeof packet)) > 0;)
            under_way_.emplace_back(Clock::now() + delay_, std::vector<char>(packet, packet + n));
    }

    /// Those whose time has come; when the next one is.
    Clock::time_point give() {
        for (const auto now = Clock::now(); !under_way_.empty() && under_way_.front().first <= now; under_way_.pop_front()) {
            const auto& packet = under_way_.front().second;
            if (::write(to_, packet.data(), packet.size()) < 0) ++lost_;
        }
        return under_way_.empty() ? Clock::time_point::max() : under_way_.front().first;
    }
    long lost() const { return lost_; }

private:
    int from_, to_;
    std::chrono::milliseconds delay_;
    std::deque<std::pair<Clock::time_point, std::vector<char>>> under_way_;
    long lost_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc != 6) {
        std::fputs("delay NAMESPACE NAME NAMESPACE NAME MILLISECONDS\n", stderr);
        return 2;
    }
    const int here = device(argv[1], argv[2]), there = device(argv[3], argv[4]);
    const std::chrono::milliseconds delay(std::atoi(argv[5]));
    Line out(here, there, delay), back(there, here, delay);
    std::puts("ready");
    std::fflush(stdout);
    pollfd watched[] = {{here, POLLIN, 0}, {there, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
    while ((watched[2].revents & (POLLIN | POLLHUP)) == 0) {
        const auto next = std::min(out.give(), back.give());
        timespec wait{1, 0};
        if (next != Clock::time_point::max()) {
            const auto left = std::max(Clock::duration::zero(), next - Clock::now());
            wait = {0, std::min<long>(999'999'999, std::chrono::nanoseconds(left).count())};
        }
        need(::ppoll(watched, 3, &wait, nullptr) >= 0, "ppoll");
        out.take();
        back.take();
    }
    if (out.lost() + back.lost() > 0) std::fprintf(stderr, "%ld packets were not taken\n", out.lost() + back.lost());
    return 0;
}
