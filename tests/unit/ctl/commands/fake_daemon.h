#pragma once
#include <atomic>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "common/base/unique_fd.h"

namespace bkmon::test {

/// A scripted bkmond: listens on a socket in a folder of its own and answers each method as told. Every connection has a thread.
class FakeDaemon {
public:
    enum class Then { keep, close, hang };  ///< hang: never answers again, but keeps the connection open
    struct Answer {
        std::vector<std::string> frames;  ///< whole frames, NUL included, or any bytes
        Then then = Then::keep;
    };
    struct Received {
        std::string method, parameters;
        bool more = false;
    };

    FakeDaemon();
    ~FakeDaemon();
    FakeDaemon(const FakeDaemon&) = delete;
    FakeDaemon& operator=(const FakeDaemon&) = delete;

    const std::string& folder() const { return folder_; }
    const std::string& socket() const { return socket_; }
    /// The next answers of a method; the last one is repeated.
    void on(const std::string& method, Answer answer);
    void reply(const std::string& method, const std::string& parameters);
    void pages(const std::string& method, const std::vector<std::string>& parameters, Then then = Then::keep);
    void error(const std::string& method, const std::string& name, const std::string& parameters);
    std::vector<Received> received() const;
    /// The parameters of the last call of the method; empty when there was none.
    std::string parameters(const std::string& method) const;
    int connections() const { return connections_; }

private:
    void listen();
    void serve(UniqueFd fd);
    /// False when the connection shall end.
    bool answer(int fd, const std::string& frame);

    std::string folder_, socket_;
    UniqueFd listening_, stop_reading_, stop_writing_;
    mutable std::mutex mutex_;
    std::map<std::string, std::deque<Answer>> answers_;
    std::vector<Received> received_;
    std::atomic<int> connections_{0};
    std::vector<std::thread> threads_;  // of connections; touched by acceptor_ only until it has ended
    std::thread acceptor_;
};

}  // namespace bkmon::test
