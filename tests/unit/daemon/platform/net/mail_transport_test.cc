#include <gmock/gmock.h>
#include <malloc.h>

#include <fstream>
#include <optional>
#include <random>

#include "common/base/text.h"
#include "daemon/platform/net/mail_server.h"
#include "peer.h"

namespace bkmon::test {
namespace {

using net::MailServer;
using net::Sent;
using Kind = Sent::Kind;
using testing::HasSubstr;

constexpr char kMail[] = "Subject: one\r\n\r\n.dot\r\nend\r\n";
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

std::string name_of(Kind kind) {
    return std::array{"accepted", "later", "refused", "too_large", "login", "tls", "unreachable"}.at(static_cast<std::size_t>(kind));
}

class Mail : public LoopTest {
protected:
    static MailServer server_of(const Peer& peer) {
        MailServer s;
        s.url = peer.url("smtp");
        s.ca_file = peer.ca_file == "-" ? "" : peer.ca_file;
        s.tls_required = peer.ca_file != "-";
        s.hello = "bkmon.example.org";
        return s;
    }
    static MailServer with_login(MailServer s, const std::string& secret = "secret", bool token = false) {
        s.user = "bkmon";
        s.secret = secret;
        s.token = token;
        return s;
    }
    Sent send(const MailServer& server, milliseconds deadline = 20s, const std::string& to = "b@example.org", const std::string& bytes = kMail) {
        std::optional<Sent> got;
        const auto transfer = transport_->send(server, {"a@example.org", to, bytes}, deadline, [&](const Sent& sent) {
            EXPECT_FALSE(got) << "told twice";
            got = sent;
            loop_->stop();
        });
        EXPECT_FALSE(got) << "done was called from inside send()";
        run_loop();
        return got.value_or(Sent{});
    }
    void run_loop() {
        run();
        longest_ = std::max(longest_, loop_->load().longest_wall);
        cpu_ = std::max(cpu_, loop_->load().longest_cpu);
    }
    /// Waiting for somebody takes three seconds and more; what the machine does to us beside it does not.
    void expect_never_blocked() const {
        EXPECT_LT(longest_, 2s);
        if (!kSanitized) {
            EXPECT_LT(cpu_, 50ms);
        }
    }

    std::chrono::microseconds longest_{0}, cpu_{0};
    std::unique_ptr<net::MailTransport> transport_ = net::make_mail_transport(*loop_);
};

TEST_F(Mail, GoesOverVerifiedTlsWithItsLogin) {
    Peer peer("smtp_peer.py", R"({"login": {"bkmon": "secret"}})");
    const auto sent = send(with_login(server_of(peer)));
    EXPECT_EQ(name_of(sent.kind), "accepted") << sent.detail;
    EXPECT_EQ(sent.code, 250);
    EXPECT_EQ(sent.detail, "250 2.0.0 taken");
    EXPECT_THAT(peer.heard(), testing::Contains("message a@example.org b@example.org 27 TLSv1.3 bkmon 1"));
    expect_never_blocked();
}

/// What a server does, and what is made of it.
struct Case {
    const char* name;
    const char* options;
    Kind kind;
    long code;
    const char* detail;
    bool login = false;
};

class Ends : public Mail, public testing::WithParamInterface<Case> {};

TEST_P(Ends, AsTheServerSaid) {
    const auto& c = GetParam();
    Peer peer("smtp_peer.py", c.options);
    const auto sent = send(c.login ? with_login(server_of(peer)) : server_of(peer), 3s);
    EXPECT_EQ(name_of(sent.kind), name_of(c.kind)) << sent.detail;
    EXPECT_EQ(sent.code, c.code) << sent.detail;
    EXPECT_THAT(sent.detail, HasSubstr(c.detail));
    if (c.login) {
        EXPECT_LE(peer.count("AUTH"), 1U) << "one more wrong password";
    }
    expect_never_blocked();
}

// Many of them never answer QUIT, which must not hold the loop.
INSTANTIATE_TEST_SUITE_P(
    Mail, Ends,
    testing::Values(
        Case{"greylisted", R"({"answers": {"RCPT": "451 4.7.1 later", "QUIT": "silence"}})", Kind::later, 451, "451 4.7.1 later"},
        Case{"goingDown", R"({"answers": {"MAIL": "421 4.3.2 going down"}})", Kind::later, 421, "421 4.3.2"},
        Case{"noSuchRecipient", R"({"answers": {"RCPT": "550 5.1.1 nobody", "QUIT": "silence"}})", Kind::refused, 550, "550 5.1.1 nobody"},
        Case{"senderRefused", R"({"answers": {"MAIL": "553 5.7.1 not you", "QUIT": "silence"}})", Kind::refused, 553, "553 5.7.1"},
        Case{"spam", R"({"answers": {"DOT": "554 5.7.1 spam", "QUIT": "silence"}})", Kind::refused, 554, "554 5.7.1 spam"},
        Case{"fullForNow", R"({"answers": {"DOT": "452 4.3.1 full", "QUIT": "silence"}})", Kind::later, 452, "452 4.3.1 full"},
        Case{"tooLargeBySize", R"({"size": 20})", Kind::too_large, 552, "552 "},
        Case{"tooLargeAfterData", R"({"answers": {"DOT": "552 5.3.4 too big", "QUIT": "silence"}})", Kind::too_large, 552, "552 5.3.4"},
        Case{"wrongPassword", R"({"login": {"bkmon": "other"}, "answers": {"QUIT": "silence"}})", Kind::login, 535, "535 5.7.8", true},
        Case{"wrongPasswordByLogin", R"({"login": {"bkmon": "other"}, "mechanisms": ["LOGIN"]})", Kind::login, 535, "535 5.7.8", true},
        Case{"loginWanted", R"({"login": {"bkmon": "other"}})", Kind::login, 530, "530 5.7.0"},
        Case{"loginLater", R"({"login": {"bkmon": "secret"}, "answers": {"AUTH": "454 4.7.0 busy"}})", Kind::later, 454, "454 4.7.0", true},
        Case{"noLoginThatWeKnow", R"({"tokens": {"x": "y"}, "mechanisms": []})", Kind::login, 250, "no login by password", true},
        Case{"notInTheMood", R"({"answers": {"CONNECT": "554 no service"}})", Kind::unreachable, 554, "554 no service"},
        Case{"tooManyOfUs", R"({"answers": {"CONNECT": "421 too many"}})", Kind::later, 421, "421 too many"},
        Case{"cutAtOnce", R"({"answers": {"CONNECT": "cut"}})", Kind::later, 0, ""},
        Case{"cutBeforeData", R"({"answers": {"DATA": "cut"}})", Kind::later, 250, ""},
        Case{"cutInTheMessage", R"({"answers": {"BODY": "cut"}})", Kind::later, 354, ""},
        Case{"cutAfterTheDot", R"({"answers": {"DOT": "cut"}})", Kind::later, 354, ""},
        Case{"silentFromTheFirst", R"({"answers": {"CONNECT": "silence"}})", Kind::later, 0, "timed out"},
        Case{"silentAfterTheDot", R"({"answers": {"DOT": "silence"}})", Kind::later, 354, "timeout"},
        Case{"slow", R"({"pace": 0.2})", Kind::later, 0, "timed out"},
        Case{"garbage", R"({"answers": {"EHLO": "what do you want"}})", Kind::later, 0, "timed out"},
        Case{"expired", R"({"certificate": "expired"})", Kind::tls, 220, "expired"},
        Case{"otherName", R"({"certificate": "wrong_name"})", Kind::tls, 220, "no alternative certificate subject name"},
        Case{"unknownSigner", R"({"certificate": "stranger"})", Kind::tls, 220, "certificate"},
        Case{"neverHangsUp", R"({"tls": "stubborn", "certificate": "expired"})", Kind::tls, 220, "expired"},
        Case{"tlsRefused", R"({"answers": {"STARTTLS": "454 4.7.0 not now", "QUIT": "silence"}})", Kind::tls, 454, "454"}),
    [](const auto& p) { return std::string(p.param.name); });

TEST_F(Mail, StarttlsTakenAwayIsNoMail) {
    Peer peer("smtp_peer.py", R"({"tls": "none", "login": {"bkmon": "secret"}, "answers": {"QUIT": "silence"}})");
    auto server = with_login(server_of(peer));
    server.tls_required = true;
    const auto sent = send(server);
    EXPECT_EQ(name_of(sent.kind), "tls") << sent.detail;
    EXPECT_EQ(peer.count("AUTH") + peer.count("MAIL"), 0U);
    expect_never_blocked();
}

TEST_F(Mail, TlsFromTheFirstByte) {
    Peer good("smtp_peer.py", R"({"tls": "smtps", "login": {"bkmon": "secret"}})");
    auto server = with_login(server_of(good));
    server.url = good.url("smtps");
    EXPECT_EQ(name_of(send(server).kind), "accepted");
    EXPECT_THAT(good.heard(), testing::Contains("message a@example.org b@example.org 27 TLSv1.3 bkmon 1"));
}

TEST_F(Mail, TlsFromTheFirstByteIsVerifiedToo) {
    Peer bad("smtp_peer.py", R"({"tls": "smtps", "certificate": "wrong_name"})");
    auto server = server_of(bad);
    server.url = bad.url("smtps");
    EXPECT_EQ(name_of(send(server).kind), "tls");
}

TEST_F(Mail, WithoutACaFileOnlyTheSystemsAreTrusted) {
    Peer peer("smtp_peer.py", "{}");
    auto server = server_of(peer);
    server.ca_file.clear();
    EXPECT_EQ(name_of(send(server).kind), "tls");
    expect_never_blocked();
}

TEST_F(Mail, ACaFileThatIsNotThereIsSaid) {
    Peer peer("smtp_peer.py", "{}");
    auto server = server_of(peer);
    server.ca_file = "/nonexistent/ca.pem";
    const auto sent = send(server);
    EXPECT_EQ(name_of(sent.kind), "tls");
    EXPECT_THAT(sent.detail, HasSubstr("/nonexistent/ca.pem"));
}

TEST_F(Mail, ATokenIsShownAsXoauth2) {
    Peer peer("smtp_peer.py", R"({"tokens": {"bkmon": "ya29.token"}})");
    const auto sent = send(with_login(server_of(peer), "ya29.token", true));
    EXPECT_EQ(name_of(sent.kind), "accepted") << sent.detail;
    EXPECT_EQ(peer.count("login XOAUTH2 good"), 1U);
}

class WrongToken : public Mail, public testing::WithParamInterface<const char*> {};

TEST_P(WrongToken, IsTriedOnce) {
    Peer peer("smtp_peer.py", GetParam());
    const auto sent = send(with_login(server_of(peer), "ya29.old", true), 5s);
    EXPECT_EQ(name_of(sent.kind), "login") << sent.detail;
    EXPECT_EQ(peer.count("AUTH"), 1U);
    expect_never_blocked();
}
INSTANTIATE_TEST_SUITE_P(Mail, WrongToken,
                         testing::Values(R"({"tokens": {"bkmon": "ya29.token"}})", R"({"tokens": {"bkmon": "ya29.token"}, "polite_token": true})"));

TEST_F(Mail, NobodyListens) {
    MailServer server;
    server.url = "smtp://127.0.0.1:9";
    const auto sent = send(server);
    EXPECT_EQ(name_of(sent.kind), "unreachable");
    EXPECT_EQ(sent.code, 0);
}

TEST_F(Mail, ThereIsNoSuchName) {
    MailServer server;
    server.url = "smtp://never.test:25";
    const auto sent = send(server);
    EXPECT_EQ(name_of(sent.kind), "unreachable");
    EXPECT_THAT(sent.detail, HasSubstr("never.test"));
}

TEST_F(Mail, ANameThatTakesLongHoldsNobodyUp) {
    MailServer server;
    server.url = "smtp://slow.test:25";
    const auto before = std::chrono::steady_clock::now();
    const auto sent = send(server, 500ms);
    EXPECT_EQ(name_of(sent.kind), "later") << sent.detail;
    EXPECT_LT(std::chrono::steady_clock::now() - before, 2500ms);
    expect_never_blocked();
}

TEST_F(Mail, ATransferThatIsGivenUpAmidALookUpHoldsNobodyUp) {
    MailServer server;
    server.url = "smtp://slow.test:25";
    auto transfer = transport_->send(server, {"a@example.org", "b@example.org", kMail}, 20s, [](const Sent&) { ADD_FAILURE(); });
    const auto end = loop_->make_timer([&] { transfer.reset(); });
    end->arm(200ms);
    stop_after(400ms);
    run_loop();
    expect_never_blocked();
}

TEST_F(Mail, AddressesThatWouldBeSyntaxNeverReachTheServer) {
    Peer peer("smtp_peer.py", "{}");
    const auto server = server_of(peer);
    const std::vector<std::string> hostile{"b@example.org\r\nRCPT TO:<c@example.org>",
                                           "b@example.org\nDATA",
                                           "b@example.org\rX",
                                           std::string("b@example.org\0x", 15),
                                           "-b@example.org",
                                           "b@-example.org",
                                           "<b@example.org>",
                                           "b@example.org> SIZE=1 <",
                                           "b b@example.org",
                                           "B <b@example.org>",
                                           "b",
                                           ""};
    std::size_t told = 0;
    std::vector<std::unique_ptr<net::MailTransport::Transfer>> transfers;
    const auto count = [&](const Sent& sent) {
        EXPECT_EQ(name_of(sent.kind), "refused");
        EXPECT_THAT(sent.detail, HasSubstr("is no mail address"));
        EXPECT_EQ(sent.detail.find_first_of("\r\n"), std::string::npos);
        if (++told == 2 * hostile.size()) loop_->stop();
    };
    for (const auto& address : hostile) {
        transfers.push_back(transport_->send(server, {"a@example.org", address, kMail}, 5s, count));
        transfers.push_back(transport_->send(server, {address, "b@example.org", kMail}, 5s, count));
    }
    EXPECT_EQ(told, 0U);
    run_loop();
    EXPECT_EQ(peer.count("connection"), 0U);
}

TEST_F(Mail, ALoginThatWouldBeSyntaxNeverReachesTheServer) {
    Peer peer("smtp_peer.py", "{}");
    EXPECT_EQ(name_of(send(with_login(server_of(peer), "secret\r\nMAIL")).kind), "login");
    EXPECT_EQ(peer.count("connection"), 0U);
}

TEST_F(Mail, WhatAServerSaysIsPrintable) {
    Peer peer("smtp_peer.py", R"({"answers": {"RCPT": "550 \u001b[2Jgone\u0007"}})");
    const auto sent = send(server_of(peer));
    EXPECT_EQ(sent.detail, printable("550 \x1b[2Jgone\x07"));
    EXPECT_EQ(sent.detail.find('\x1b'), std::string::npos);
}

TEST_F(Mail, TwoThatEndTogetherAndTheFirstTakesTheSecondAway) {
    MailServer server;
    server.url = "smtp://127.0.0.1:9";
    int told = 0;
    std::array<std::unique_ptr<net::MailTransport::Transfer>, 8> all;
    for (auto& transfer : all)
        transfer = transport_->send(server, {"a@example.org", "b@example.org", kMail}, 5s, [&](const Sent&) {
            ++told;
            transport_.reset();
            for (auto& t : all) t.reset();
        });
    stop_after(500ms);
    run_loop();
    EXPECT_EQ(told, 1);
}

TEST_F(Mail, GivenUpAtAnyMomentItTellsNobodyAndKeepsNothing) {
    Peer peer("smtp_peer.py", R"({"login": {"bkmon": "secret"}})");
    const auto server = with_login(server_of(peer));
    const auto before = open_descriptors();
    std::mt19937 random(20261122);
    int left = 60;
    std::unique_ptr<net::MailTransport::Transfer> transfer;
    std::unique_ptr<loop::Timer> end;
    const std::function<void()> next = [&] {
        transfer.reset();
        if (left-- == 0) return loop_->stop();
        transfer =
            transport_->send(server, {"a@example.org", "b@example.org", kMail}, 5s, [&](const Sent& s) { EXPECT_EQ(name_of(s.kind), "accepted"); });
        end->arm(milliseconds(random() % 25));
    };
    end = loop_->make_timer(next);
    end->arm(0ms);
    run_loop();
    end.reset();
    transport_.reset();
    EXPECT_LE(open_descriptors(), before);
    expect_never_blocked();
}

std::size_t resident() {
    std::ifstream statm("/proc/self/statm");
    std::size_t size = 0, pages = 0;
    statm >> size >> pages;
    return pages * 4096;
}

TEST_F(Mail, AThousandShareAConnectionAndLeaveNothing) {
    Peer peer("smtp_peer.py", R"({"login": {"bkmon": "secret"}, "say": "connection"})");
    const auto server = with_login(server_of(peer));
    std::size_t started = 0, done = 0, at_first = 0;
    std::ptrdiff_t descriptors = 0;
    std::array<std::unique_ptr<net::MailTransport::Transfer>, 4> places;
    std::function<void(std::size_t)> next;
    std::vector<std::unique_ptr<loop::Timer>> timers;
    for (std::size_t i = 0; i < places.size(); ++i) timers.push_back(loop_->make_timer([&, i] { next(i); }));
    next = [&](std::size_t place) {
        if (started == 1000) {
            places[place].reset();
            if (done == 1000) loop_->stop();
            return;
        }
        ++started;
        places[place] = transport_->send(server, {"a@example.org", "b@example.org", kMail}, 20s, [&, place](const Sent& sent) {
            EXPECT_EQ(name_of(sent.kind), "accepted") << sent.detail;
            if (++done == 200) {
                ::malloc_trim(0);
                at_first = resident();
                descriptors = open_descriptors();
            }
            timers[place]->arm(0ms);
        });
    };
    for (auto& timer : timers) timer->arm(0ms);
    run_loop();
    ::malloc_trim(0);
    EXPECT_EQ(done, 1000U);
    EXPECT_LE(peer.count("connection"), 4U) << "they share the same four";
    EXPECT_LE(open_descriptors(), descriptors);
    if (!kSanitized) {
        EXPECT_LT(resident(), at_first + 512U * 1024);
    }
    expect_never_blocked();
    transport_.reset();
}

TEST_F(Mail, WhatIsKeptIsClosedByAServerThatNeverSaysGoodbye) {
    Peer peer("smtp_peer.py", R"({"answers": {"QUIT": "silence"}})");
    EXPECT_EQ(name_of(send(server_of(peer)).kind), "accepted");
    const auto before = std::chrono::steady_clock::now();
    transport_.reset();
    EXPECT_LT(std::chrono::steady_clock::now() - before, 5s);
}

TEST_F(Mail, WhatIsOnItsWayEndsWithTheTransport) {
    Peer peer("smtp_peer.py", R"({"answers": {"DOT": "silence"}})");
    std::array<std::unique_ptr<net::MailTransport::Transfer>, 6> all;  // two of them have not begun
    for (auto& transfer : all)
        transfer = transport_->send(server_of(peer), {"a@example.org", "b@example.org", kMail}, 30s, [](const Sent&) { ADD_FAILURE(); });
    stop_after(700ms);
    run_loop();
    const auto before = std::chrono::steady_clock::now();
    for (auto& transfer : all) transfer.reset();
    EXPECT_LT(std::chrono::steady_clock::now() - before, 1s);
    transport_.reset();
    EXPECT_LT(std::chrono::steady_clock::now() - before, 8s);
    EXPECT_EQ(peer.count("MAIL"), 4U);
}

TEST_F(Mail, OneThatIsTakenAwayMakesRoom) {
    Peer peer("smtp_peer.py", R"({"answers": {"DOT": ["silence", "silence", "silence", "silence"]}})");
    std::vector<std::unique_ptr<net::MailTransport::Transfer>> held;
    for (int i = 0; i < 4; ++i)
        held.push_back(transport_->send(server_of(peer), {"a@example.org", "b@example.org", kMail}, 30s, [](const Sent&) { ADD_FAILURE(); }));
    const auto let_go = loop_->make_timer([&] { held.clear(); });
    let_go->arm(700ms);
    const auto before = std::chrono::steady_clock::now();
    EXPECT_EQ(name_of(send(server_of(peer)).kind), "accepted");
    EXPECT_LT(std::chrono::steady_clock::now() - before, 10s);
}

/// The server hangs up between two mails: the second is no failure.
TEST_F(Mail, AConnectionThatDiedMeanwhileIsNotUsedAgain) {
    Peer peer("smtp_peer.py", R"({"idle": 0.2})");
    const auto server = server_of(peer);
    std::vector<Kind> kinds;
    std::vector<std::unique_ptr<net::MailTransport::Transfer>> transfers;
    std::unique_ptr<loop::Timer> second;
    const auto one = [&] {
        transfers.push_back(transport_->send(server, {"a@example.org", "b@example.org", kMail}, 5s, [&](const Sent& sent) {
            kinds.push_back(sent.kind);
            if (kinds.size() == 2) loop_->stop();
            second->arm(600ms);
        }));
    };
    second = loop_->make_timer(one);
    one();
    run_loop();
    EXPECT_THAT(kinds, testing::ElementsAre(Kind::accepted, Kind::accepted));
    EXPECT_EQ(peer.count("connection"), 2U);
}

TEST_F(Mail, AnotherLoginIsAnotherConnection) {
    Peer peer("smtp_peer.py", R"({"login": {"bkmon": "secret", "other": "word"}})");
    auto server = with_login(server_of(peer));
    std::vector<std::unique_ptr<net::MailTransport::Transfer>> transfers;
    int done = 0;
    std::unique_ptr<loop::Timer> second;
    const auto one = [&] {
        transfers.push_back(transport_->send(server, {"a@example.org", "b@example.org", kMail}, 5s, [&](const Sent& sent) {
            EXPECT_EQ(name_of(sent.kind), done == 2 ? "login" : "accepted");
            if (++done == 3) return loop_->stop();
            server.user = done == 1 ? "other" : "bkmon";
            server.secret = "word";
            second->arm(0ms);
        }));
    };
    second = loop_->make_timer(one);
    one();
    run_loop();
    EXPECT_EQ(peer.count("login"), 3U);
}

}  // namespace
}  // namespace bkmon::test
