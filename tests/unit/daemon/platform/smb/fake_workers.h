#pragma once
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/platform/loop/child.h"
#include "daemon/platform/smb/visit.h"

namespace bkmon::test {

/// Children that are only a socket: the test reads what they are asked, answers for them and lets them die.
class FakeWorkers final : public loop::ChildRunner {
public:
    struct Process {
        UniqueFd socket;
        std::vector<std::string> env;
        std::function<void(loop::ChildResult)> done;
        bool killed = false, destroyed = false;
        std::optional<smb::Order> order;  ///< the last one read
        UniqueFd connection;              ///< that came with it

        /// The order that lies there, if any.
        bool asked() {
            std::array<char, smb::kMaxMessage> buffer;
            iovec text{buffer.data(), buffer.size()};
            alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
            msghdr envelope{};
            envelope.msg_iov = &text;
            envelope.msg_iovlen = 1;
            envelope.msg_control = control.data();
            envelope.msg_controllen = control.size();
            const auto n = socket ? ::recvmsg(socket.get(), &envelope, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) : -1;
            if (n <= 0) return false;
            connection.reset();
            if (const auto* const enclosed = CMSG_FIRSTHDR(&envelope)) {
                EXPECT_EQ(enclosed->cmsg_len, CMSG_LEN(sizeof(int))) << "one, and no more";
                int fd = -1;
                std::memcpy(&fd, CMSG_DATA(enclosed), sizeof fd);
                connection.reset(fd);
            }
            auto parsed = smb::order_from_json(std::string_view(buffer.data(), static_cast<std::size_t>(n)));
            EXPECT_TRUE(parsed);
            if (parsed) order = std::move(*parsed);
            return true;
        }
        void say(const std::string& text) const { EXPECT_GE(::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL), 0); }
        void answer(smb::Outcome outcome = smb::Outcome::listed) const {
            smb::Visit v;
            v.outcome = outcome;
            v.share = order ? order->folder : "";
            say(smb::to_json(v));
        }
        /// Dies of `signal`, or ends with `code`; is reaped at once.
        void die(int signal, int code = -1, std::string err = "") {
            socket.reset();
            loop::ChildResult r;
            r.signal = signal;
            r.exit_code = code;
            r.err = std::move(err);
            const auto tell = std::exchange(done, nullptr);
            if (tell) tell(r);
        }
    };

    Result<std::unique_ptr<loop::Child>> spawn(loop::ChildSpec spec, std::function<void(loop::ChildResult)> done) override {
        ++tried;
        if (refuse) return fail(*refuse, "no such thing");
        EXPECT_FALSE(spec.deadline);
        auto p = std::make_shared<Process>();
        p->socket = std::move(spec.stdin_fd);
        p->env = spec.env;
        p->done = std::move(done);
        all.push_back(p);
        return std::unique_ptr<loop::Child>(std::make_unique<Handle>(p));
    }
    /// Those that are neither dead nor killed.
    std::vector<std::shared_ptr<Process>> alive() const {
        std::vector<std::shared_ptr<Process>> list;
        for (const auto& p : all)
            if (p->done && !p->killed && !p->destroyed) list.push_back(p);
        return list;
    }
    /// The kernel has buried those that were killed.
    std::size_t bury() {
        std::size_t n = 0;
        for (const auto& p : std::vector(all))
            if (p->killed && p->done && !p->destroyed) {
                p->die(9);
                ++n;
            }
        return n;
    }

    std::vector<std::shared_ptr<Process>> all;
    std::optional<Errc> refuse;
    int tried = 0;

private:
    struct Handle final : loop::Child {
        explicit Handle(std::shared_ptr<Process> p) : process(std::move(p)) {}
        Handle(const Handle&) = delete;
        Handle& operator=(const Handle&) = delete;
        ~Handle() override { process->destroyed = true; }
        void kill() override { process->killed = true; }
        int pid() const override { return 1; }
        std::shared_ptr<Process> process;
    };
};

}  // namespace bkmon::test
