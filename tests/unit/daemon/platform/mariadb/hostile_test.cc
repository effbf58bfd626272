// Servers that want something else than to answer.
#include <gmock/gmock.h>
#include <sys/resource.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <random>

#include "common/base/text.h"
#include "daemon/platform/mariadb/query.h"
#include "tests/support/temp_tree.h"
#include "tests/unit/daemon/platform/mariadb/fake_server.h"

namespace bkmon::mariadb {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::uint32_t kTls = 0x800;
const std::string kPassword = "hunter2-secret";

Server at(const FakeServer& fake) {
    ::signal(SIGPIPE, SIG_IGN);  // as bkmond does
    Server server;
    server.port = fake.port();
    server.user = "bkmon";
    server.password = kPassword;
    server.database = "shops";
    server.timeout = 5s;
    return server;
}

/// Its error; how long it took lands in `took`.
Error error_of(const Server& server, const std::vector<std::string>& parameters = {}, milliseconds* took = nullptr, std::size_t rows = 1000) {
    const auto begin = std::chrono::steady_clock::now();
    const auto table = query(server, parameters.empty() ? "SELECT code FROM t" : "SELECT code FROM t WHERE code = ?", parameters, rows);
    if (took) *took = std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - begin);
    EXPECT_FALSE(table);
    if (table) return {};
    EXPECT_THAT(table.error().what, Not(HasSubstr(kPassword)));
    EXPECT_THAT(table.error().what, HasSubstr("the database 'shops' on 127.0.0.1:"));
    EXPECT_TRUE(valid_utf8(table.error().what));
    EXPECT_EQ(table.error().what.find_first_of("\n\r\x1b"), std::string::npos) << table.error().what;
    return table.error();
}

/// A file that nobody may have, and what is in it.
class Hostile : public ::testing::Test {
protected:
    Hostile() { tree.put("secret", canary); }
    /// What a client does with such a wish: the file in packets, an empty one, and then it waits for an answer.
    static void take_file(Peer& peer) {
        for (auto part = peer.receive(); part && !part->empty();) part = peer.receive();
        peer.send(static_cast<std::uint8_t>(peer.number + 1), Peer::ok());
        peer.drain();
    }
    std::string wish() const { return "\xFB" + tree.at("secret"); }
    test::TempTree tree;
    const std::string canary = "CANARY-5f3a-of-a-file";
};

TEST_F(Hostile, AFileOfOursIsNotSentForAQuery) {
    FakeServer fake([&](Peer& peer) {
        if (!peer.let_in() || !peer.receive()) return;
        peer.send(1, wish());
        take_file(peer);
    });
    EXPECT_FALSE(query(at(fake), "SELECT code FROM t", {}, 10));
    const auto heard = fake.heard_to_the_end();
    EXPECT_THAT(heard, HasSubstr("SELECT code FROM t"));
    EXPECT_THAT(heard, Not(HasSubstr(canary)));
}

TEST_F(Hostile, AFileOfOursIsNotSentWhenTheStatementSaysSo) {
    FakeServer fake([&](Peer& peer) {
        if (!peer.let_in() || !peer.receive()) return;
        peer.send(1, wish());
        take_file(peer);
    });
    EXPECT_FALSE(query(at(fake), "LOAD DATA LOCAL INFILE '" + tree.at("secret") + "' INTO TABLE t", {}, 10));
    EXPECT_THAT(fake.heard_to_the_end(), Not(HasSubstr(canary)));
}

TEST_F(Hostile, AFileOfOursIsNotSentForAPreparedStatement) {
    bool asked = false;
    FakeServer fake([&](Peer& peer) {
        if (!peer.let_in() || !peer.receive()) return;
        peer.send(1, std::string("\0\x01\0\0\0\0\0\x01\0\0\0\0", 12));
        peer.send(2, Peer::column("?"));
        peer.send(3, Peer::eof());
        const auto execute = peer.receive();
        asked = execute && (*execute)[0] == '\x17';
        peer.send(1, wish());
        take_file(peer);
    });
    EXPECT_FALSE(query(at(fake), "SELECT code FROM t WHERE code = ?", {"x"}, 10));
    EXPECT_THAT(fake.heard_to_the_end(), Not(HasSubstr(canary)));
    EXPECT_TRUE(asked);
}

TEST_F(Hostile, AFileOfOursIsNotSentInsteadOfTheLogin) {
    FakeServer fake([&](Peer& peer) {
        if (!peer.send(0, Peer::greeting()) || !peer.receive()) return;
        peer.send(static_cast<std::uint8_t>(peer.number + 1), wish());
        peer.drain();
    });
    EXPECT_FALSE(query(at(fake), "SELECT 1", {}, 10));
    EXPECT_THAT(fake.heard_to_the_end(), Not(HasSubstr(canary)));
}

TEST_F(Hostile, WithoutTlsNothingIsSaidWhereItIsRequired) {
    FakeServer fake([](Peer& peer) {
        peer.send(0, Peer::greeting());
        peer.drain();
    });
    auto server = at(fake);
    server.tls = true;
    const auto error = error_of(server);
    EXPECT_EQ(error.code, Errc::unavailable) << error.what;
    const auto heard = fake.heard_to_the_end();
    EXPECT_THAT(heard, Not(HasSubstr("bkmon")));
    EXPECT_THAT(heard, Not(HasSubstr("shops")));
}

TEST_F(Hostile, ThePasswordIsNotSentInTheClear) {
    for (const std::string plugin : {"mysql_clear_password", "dialog", "mysql_old_password", "sha256_password", "../../../../tmp/x"}) {
        FakeServer fake([&](Peer& peer) {
            if (!peer.send(0, Peer::greeting()) || !peer.receive()) return;
            peer.send(static_cast<std::uint8_t>(peer.number + 1),
                      "\xFE" + plugin + std::string(1, '\0') + "12345678901234567890" + std::string(1, '\0'));
            peer.receive();
            peer.drain();
        });
        const auto error = error_of(at(fake));
        EXPECT_EQ(error.code, Errc::denied) << plugin << ": " << error.what;
        EXPECT_THAT(fake.heard_to_the_end(), Not(HasSubstr(kPassword))) << plugin;
    }
}

TEST_F(Hostile, AServerThatSaysNothingCostsItsTimeOut) {
    FakeServer fake([](Peer& peer) { peer.drain(); });
    auto server = at(fake);
    server.timeout = 300ms;
    milliseconds took{};
    EXPECT_EQ(error_of(server, {}, &took).code, Errc::timeout);
    EXPECT_GE(took, 250ms);
    EXPECT_LT(took, 5s);
}

TEST_F(Hostile, AServerThatSaysABitNowAndThenCostsItsTimeOut) {
    FakeServer fake([](Peer& peer) {
        for (const char c : Peer::packet(0, Peer::greeting())) {
            if (!peer.raw({&c, 1})) return;
            std::this_thread::sleep_for(30ms);
        }
    });
    auto server = at(fake);
    server.timeout = 400ms;
    milliseconds took{};
    EXPECT_EQ(error_of(server, {}, &took).code, Errc::timeout);
    EXPECT_LT(took, 5s);
}

TEST_F(Hostile, ATlsHandshakeThatDoesNotEndCostsItsTimeOut) {
    FakeServer fake([](Peer& peer) {
        if (!peer.send(0, Peer::greeting(kTls)) || !peer.receive()) return;
        // The head of a ServerHello of 16 KiB, and then a byte now and then.
        peer.raw(std::string("\x16\x03\x03\x3f\xff\x02\0\x3f\xfb", 9));
        while (peer.raw("x")) std::this_thread::sleep_for(50ms);
    });
    auto server = at(fake);
    server.tls = true;
    server.timeout = 500ms;
    milliseconds took{};
    EXPECT_EQ(error_of(server, {}, &took).code, Errc::timeout);
    EXPECT_LT(took, 5s);
}

/// One column, and then rows as long as the client listens.
void endless_rows(Peer& peer, milliseconds pause) {
    if (!peer.let_in() || !peer.receive()) return;
    peer.send(1, "\x01");
    peer.send(2, Peer::column("code"));
    peer.send(3, Peer::eof());
    std::uint8_t n = 4;
    while (peer.send(n++,
                     "\x03"
                     "abc"))
        if (pause > 0ms) std::this_thread::sleep_for(pause);
}

TEST_F(Hostile, RowsWithoutAnEndCostTheTimeOut) {
    FakeServer fake([](Peer& peer) { endless_rows(peer, 20ms); });
    auto server = at(fake);
    server.timeout = 400ms;
    milliseconds took{};
    EXPECT_EQ(error_of(server, {}, &took).code, Errc::timeout);
    EXPECT_LT(took, 5s);
}

TEST_F(Hostile, MoreRowsThanAllowedAreNotWaitedFor) {
    FakeServer fake([](Peer& peer) { endless_rows(peer, 0ms); });
    milliseconds took{};
    const auto error = error_of(at(fake), {}, &took, 500);
    EXPECT_EQ(error.code, Errc::no_space);
    EXPECT_THAT(error.what, HasSubstr("more than 500 rows"));
    EXPECT_LT(took, 4s);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr long kMostGrown = 1600 * 1024;  // they keep several bytes for each of ours
#else
constexpr long kMostGrown = 200 * 1024;
#endif

long resident_kib() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

TEST_F(Hostile, AFloodIsCutOff) {
    // Neither rows nor columns of its answer ever end; or one value is larger than all that may come.
    const auto columns = [](Peer& peer) {
        if (!peer.let_in() || !peer.receive()) return;
        peer.send(1, "\x01");
        std::string block;
        for (int i = 0; i < 100; ++i) block += Peer::packet(static_cast<std::uint8_t>(2 + i), Peer::column("c"));
        while (peer.raw(block)) continue;
    };
    const auto values = [](Peer& peer) {
        if (!peer.let_in() || !peer.receive()) return;
        peer.send(1, "\x01");
        peer.send(2, Peer::column("code"));
        peer.send(3, Peer::eof());
        std::uint8_t n = 4;
        const std::string part = std::string("\xff\xff\xff", 3), body(0xFFFFFF, 'x');
        while (peer.raw(part + std::string(1, static_cast<char>(n++)) + body)) continue;
    };
    const auto before = resident_kib();
    for (const auto& flood : {std::function<void(Peer&)>(columns), std::function<void(Peer&)>(values)}) {
        FakeServer fake(flood);
        auto server = at(fake);
        server.timeout = 60s;
        milliseconds took{};
        const auto error = error_of(server, {}, &took);
        // The library hangs up by itself where one row is too large.
        EXPECT_TRUE(error.code == Errc::no_space || error.code == Errc::unavailable) << error.what;
        EXPECT_LT(took, 50s);
    }
    EXPECT_LT(resident_kib() - before, kMostGrown);
}

TEST_F(Hostile, WhatAServerSaysIsMadeFitToBeRead) {
    FakeServer fake([](Peer& peer) {
        if (!peer.let_in() || !peer.receive()) return;
        const auto evil = "#HY000\x1b[2J" + kPassword + "\nrm -rf / \xFF \xE2\x80\xAE";
        peer.send(1, std::string("\xff\x28\x04", 3) + evil);
        peer.drain();
    });
    const auto error = error_of(at(fake));
    EXPECT_EQ(error.code, Errc::invalid);
    EXPECT_THAT(error.what, HasSubstr("\\x1b[2J***"));
}

TEST_F(Hostile, NamesAndValuesAreGivenAsTheyAre) {
    FakeServer fake([](Peer& peer) {
        if (!peer.let_in() || !peer.receive()) return;
        peer.send(1, "\x02");
        peer.send(2, Peer::column("a\x1b`"));
        peer.send(3, Peer::column("b"));
        peer.send(4, Peer::eof());
        peer.send(5, std::string("\x03"
                                 "\0\xff\n"
                                 "\xfb",
                                 5));
        peer.send(6, Peer::eof());
        peer.drain();
    });
    const auto table = query(at(fake), "SELECT 1", {}, 10);
    ASSERT_TRUE(table) << table.error().what;
    EXPECT_THAT(table->columns, ::testing::ElementsAre("a\x1b`", "b"));
    ASSERT_EQ(table->rows.size(), 1u);
    EXPECT_EQ(table->rows[0][0], std::string("\0\xff\n", 3));
    EXPECT_EQ(table->rows[0][1], std::nullopt);
}

TEST_F(Hostile, NoiseIsAnError) {
    const auto seed = std::getenv("BKMON_SEED") ? std::strtoul(std::getenv("BKMON_SEED"), nullptr, 10) : 20261122UL;
    std::mt19937_64 random(seed);
    for (int i = 0; i < 150; ++i) {
        std::string noise(1 + random() % 300, '\0');
        for (auto& c : noise) c = static_cast<char>(random());
        const auto stage = random() % 3;
        FakeServer fake([&](Peer& peer) {
            if (stage > 0 && !peer.let_in()) return;
            if (stage > 0 && !peer.receive()) return;
            if (stage == 2)
                peer.send(1, noise);
            else
                peer.raw(noise);
        });
        auto server = at(fake);
        server.timeout = 1s;
        const auto table = query(server, "SELECT 1", {}, 10);
        if (!table) {
            EXPECT_THAT(table.error().what, HasSubstr("the database 'shops'")) << "seed " << seed << ", round " << i << ": " << table.error().what;
        }
    }
}

TEST_F(Hostile, NobodyThereIsUnavailable) {
    Server server;
    {
        FakeServer fake([](Peer&) {});
        server = at(fake);
    }
    const auto error = error_of(server);
    EXPECT_EQ(error.code, Errc::unavailable);
    EXPECT_THAT(error.what, HasSubstr("no connection"));
}

}  // namespace
}  // namespace bkmon::mariadb
