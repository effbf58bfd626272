#include "daemon/platform/net/http_get.h"

#include <gmock/gmock.h>

#include <optional>

#include "peer.h"

namespace bkmon::test {
namespace {

using net::HttpAnswer;
using net::HttpGet;
using testing::ElementsAre;
using testing::HasSubstr;

class Http : public LoopTest {
protected:
    HttpAnswer get(const std::string& url, milliseconds timeout = 5s, const std::string& ca_file = {}) {
        std::optional<HttpAnswer> got;
        const auto request = client_->get(HttpGet{url, timeout, ca_file}, [&](HttpAnswer answer) {
            EXPECT_FALSE(got) << "told twice";
            got = std::move(answer);
            loop_->stop();
        });
        EXPECT_FALSE(got) << "done was called from inside get()";
        run();
        EXPECT_LT(loop_->load().longest_wall, 2s);
        return got.value_or(HttpAnswer{-1, "none"});
    }
    /// The requests that the peer saw, without the client's port.
    static std::vector<std::string> asked(Peer& peer) {
        std::vector<std::string> all;
        for (const auto& line : peer.heard()) all.push_back(line.substr(0, line.rfind(' ')));
        return all;
    }
    std::unique_ptr<net::HttpClient> client_ = net::make_http_client(*loop_);
};

TEST_F(Http, TellsTheStatus) {
    Peer peer("http_peer.py", "{}");
    const auto answer = get(peer.url("http") + "/ping/abc?x=1");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.error, "");
    EXPECT_THAT(asked(peer), ElementsAre("GET /ping/abc?x=1"));
}

TEST_F(Http, AnErrorOfTheServersIsAStatus) {
    Peer peer("http_peer.py", R"({"status": 503})");
    EXPECT_EQ(get(peer.url("http") + "/x").status, 503);
}

TEST_F(Http, FollowsNoRedirect) {
    Peer peer("http_peer.py", R"({"status": 302, "headers": {"Location": "/elsewhere"}})");
    EXPECT_EQ(get(peer.url("http") + "/x").status, 302);
    EXPECT_THAT(asked(peer), ElementsAre("GET /x"));
}

TEST_F(Http, OverVerifiedTls) {
    Peer peer("http_peer.py", R"({"tls": true})");
    EXPECT_EQ(get(peer.url("https") + "/x", 5s, peer.ca_file).status, 200);
}

TEST_F(Http, NotWithoutTheRightCertificate) {
    Peer peer("http_peer.py", R"({"tls": true, "certificate": "expired"})");
    const auto answer = get(peer.url("https") + "/secret-token", 5s, peer.ca_file);
    EXPECT_EQ(answer.status, 0);
    EXPECT_THAT(answer.error, HasSubstr("expired"));
    EXPECT_THAT(answer.error, testing::Not(HasSubstr("secret-token")));
    EXPECT_THAT(asked(peer), ElementsAre());
}

TEST_F(Http, NotWithTheSystemsCertificatesAlone) {
    Peer peer("http_peer.py", R"({"tls": true})");
    EXPECT_EQ(get(peer.url("https") + "/x").status, 0);
}

TEST_F(Http, OnlyHttp) {
    for (const char* url : {"file:///etc/passwd", "ftp://127.0.0.1/x", "smtp://127.0.0.1:9", "gopher://127.0.0.1/", "", "http://"}) {
        auto loop = std::exchange(loop_, loop::LibeventLoop::create().value());
        client_ = net::make_http_client(*loop_);
        const auto answer = get(url);
        EXPECT_EQ(answer.status, 0) << url;
        EXPECT_NE(answer.error, "") << url;
        client_.reset();
    }
}

TEST_F(Http, WaitsNoLongerThanItMay) {
    Peer peer("http_peer.py", R"({"wait": 3})");
    const auto before = std::chrono::steady_clock::now();
    const auto answer = get(peer.url("http") + "/x", 300ms);
    EXPECT_EQ(answer.status, 0);
    EXPECT_THAT(answer.error, HasSubstr("timed out"));
    EXPECT_LT(std::chrono::steady_clock::now() - before, 2500ms);
}

TEST_F(Http, ANameThatTakesLongHoldsNobodyUp) {
    const auto before = std::chrono::steady_clock::now();
    const auto answer = get("http://slow.test/x", 300ms);
    EXPECT_EQ(answer.status, 0);
    EXPECT_LT(std::chrono::steady_clock::now() - before, 2500ms);
}

TEST_F(Http, ALongBodyIsNotRead) {
    Peer peer("http_peer.py", R"({"body": 50000000})");
    EXPECT_EQ(get(peer.url("http") + "/x").status, 200);
}

TEST_F(Http, NoProxyOfTheEnvironment) {
    Peer proxy("http_peer.py", "{}"), peer("http_peer.py", R"({"status": 204, "body": ""})");
    for (const char* name : {"http_proxy", "ALL_PROXY"}) ::setenv(name, proxy.url("http").c_str(), 1);
    EXPECT_EQ(get(peer.url("http") + "/x").status, 204);
    for (const char* name : {"http_proxy", "ALL_PROXY"}) ::unsetenv(name);
    EXPECT_THAT(asked(proxy), ElementsAre());
}

TEST_F(Http, NobodyListens) {
    const auto answer = get("http://127.0.0.1:9/secret-token");
    EXPECT_EQ(answer.status, 0);
    EXPECT_THAT(answer.error, testing::Not(HasSubstr("secret-token")));
}

TEST_F(Http, OneThatEndsTakesTheOthersAndTheClientAway) {
    int told = 0;
    std::array<std::unique_ptr<net::HttpClient::Request>, 8> all;
    for (auto& request : all)
        request = client_->get(HttpGet{"http://127.0.0.1:9/x", 5s, ""}, [&](const HttpAnswer&) {
            ++told;
            client_.reset();
            for (auto& r : all) r.reset();
        });
    stop_after(500ms);
    run();
    EXPECT_EQ(told, 1);
}

TEST_F(Http, HundredsLeaveNothing) {
    Peer peer("http_peer.py", "{}");
    int left = 300;
    std::ptrdiff_t before = 0;
    std::unique_ptr<net::HttpClient::Request> request;
    std::unique_ptr<loop::Timer> again;
    const auto next = [&] {
        request = client_->get(HttpGet{peer.url("http") + "/x", 5s, ""}, [&](const HttpAnswer& answer) {
            EXPECT_EQ(answer.status, 200);
            if (left == 290) before = open_descriptors();
            if (--left == 0) return loop_->stop();
            again->arm(0ms);
        });
    };
    again = loop_->make_timer(next);
    next();
    run();
    EXPECT_LE(open_descriptors(), before);
    EXPECT_LT(loop_->load().longest_cpu, 50ms);
}

}  // namespace
}  // namespace bkmon::test
