// Against a MariaDB server of its own on loopback.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <spawn.h>
#include <sys/wait.h>

#include <array>
#include <chrono>
#include <csignal>

#include "common/base/text.h"
#include "daemon/platform/mariadb/query.h"
#include "tests/support/temp_tree.h"
#include "tests/unit/daemon/platform/mariadb/fake_server.h"

extern char** environ;  // NOLINT: POSIX declares it nowhere

namespace bkmon::mariadb {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

using Cells = std::vector<std::optional<std::string>>;

pid_t start(const std::vector<std::string>& words, const std::string& log) {
    std::vector<char*> argv;
    for (const auto& w : words) argv.push_back(const_cast<char*>(w.c_str()));
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    pid_t pid = -1;
    EXPECT_EQ(::posix_spawnp(&pid, argv[0], &actions, nullptr, argv.data(), environ), 0) << words[0];
    posix_spawn_file_actions_destroy(&actions);
    return pid;
}

int ended(pid_t pid) {
    int status = -1;
    ::waitpid(pid, &status, 0);
    return status;
}

std::uint16_t free_port() {
    FakeServer any([](Peer&) {});
    return any.port();
}

constexpr const char* kInit = R"(
CREATE DATABASE shops CHARACTER SET latin1;
CREATE TABLE shops.Outlets (OutletCode VARCHAR(20), IPAddress VARCHAR(50), ActiveDepot CHAR(1), Note VARCHAR(100) CHARACTER SET utf8mb4);
INSERT INTO shops.Outlets VALUES ('S1', '10.0.0.1', 'Y', CONVERT(X'C3A920F09F8FAA' USING utf8mb4)), ('S2', '10.0.0.2', 'N', NULL), ("S'3", '', 'Y', '');
CREATE TABLE shops.types (n INT, b BIGINT UNSIGNED, f DOUBLE, d DECIMAL(20,4), t DATETIME(3), raw VARBINARY(10));
INSERT INTO shops.types VALUES (-1, 18446744073709551615, 0.5, 1234567890.1234, '2026-11-22 07:00:00.125', X'00FF0A');
CREATE TABLE shops.hidden (a INT);
CREATE USER bkmon@'%' IDENTIFIED BY 'pass-word "1';
GRANT SELECT ON shops.Outlets TO bkmon@'%';
GRANT SELECT ON shops.types TO bkmon@'%';
CREATE USER nobody@'%' IDENTIFIED BY 'x';
CREATE USER bound@'%' IDENTIFIED BY 'pass-word "1' REQUIRE SSL;
)";

/// One for all tests of this program.
class RealServer : public ::testing::Test {
protected:
    static void SetUpTestSuite() {
        ::signal(SIGPIPE, SIG_IGN);  // as bkmond does
        tree_ = new test::TempTree;
        certificate();
        tree_->put("init.sql", kInit);
        const auto data = "--datadir=" + tree_->at("data");
        std::vector<std::string> install{"mariadb-install-db", "--no-defaults", data, "--skip-test-db", "--auth-root-authentication-method=normal"};
        std::vector<std::string> serve{"mariadbd",
                                       "--no-defaults",
                                       data,
                                       "--socket=" + tree_->at("socket"),
                                       "--pid-file=" + tree_->at("pid"),
                                       "--bind-address=127.0.0.1",
                                       "--port=" + std::to_string(port_ = free_port()),
                                       "--skip-name-resolve",
                                       "--init-file=" + tree_->at("init.sql"),
                                       "--innodb-buffer-pool-size=8M",
                                       "--innodb-log-file-size=4M",
                                       "--innodb-use-native-aio=0",
                                       "--performance-schema=OFF",
                                       "--ssl-cert=" + tree_->at("crt"),
                                       "--ssl-key=" + tree_->at("key")};
        if (::geteuid() == 0)
            for (auto* words : {&install, &serve}) words->insert(words->begin() + 2, "--user=root");
        ASSERT_EQ(ended(start(install, tree_->at("log"))), 0) << tree_->get("log");
        pid_ = start(serve, tree_->at("log"));
        std::string why = "it did not even try";
        for (int i = 0; i < 600; ++i) {
            const auto up = query(login(), "SELECT 1", {}, 1);
            if (up) return;
            why = up.error().what;
            std::this_thread::sleep_for(100ms);
        }
        FAIL() << why << "\n" << tree_->get("log");
    }
    static void TearDownTestSuite() {
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            ended(pid_);
        }
        pid_ = -1;
        delete tree_;
        tree_ = nullptr;
    }
    /// For db.example.org and 127.0.0.1; signed by itself.
    static void certificate() {
        const auto made = start({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                                 "-subj", "/CN=db.example.org", "-addext", "subjectAltName=DNS:db.example.org,IP:127.0.0.1", "-keyout",
                                 tree_->at("key"), "-out", tree_->at("crt")},
                                tree_->at("openssl.log"));
        ASSERT_EQ(ended(made), 0) << tree_->get("openssl.log");
    }
    static Server login() {
        Server server;
        server.port = port_;
        server.user = "bkmon";
        server.password = "pass-word \"1";
        server.database = "shops";
        server.timeout = 20s;
        return server;
    }
    static Server safely() {
        auto server = login();
        server.tls = true;
        server.ca_file = tree_->at("crt");
        return server;
    }
    static Error refused(const Server& server, const std::string& statement = "SELECT 1", const std::vector<std::string>& parameters = {},
                         std::size_t rows = 100) {
        const auto table = query(server, statement, parameters, rows);
        EXPECT_FALSE(table) << statement;
        if (table) return {};
        EXPECT_THAT(table.error().what, Not(HasSubstr("pass-word")));
        return table.error();
    }

    static test::TempTree* tree_;
    static pid_t pid_;
    static std::uint16_t port_;
};
test::TempTree* RealServer::tree_ = nullptr;
pid_t RealServer::pid_ = -1;
std::uint16_t RealServer::port_ = 0;

TEST_F(RealServer, AnswersAndErrors) {
    const auto usual = query(login(), "SELECT OutletCode AS code, IPAddress AS address, ActiveDepot AS active FROM Outlets ORDER BY 1", {}, 10);
    ASSERT_TRUE(usual) << usual.error().what;
    EXPECT_THAT(usual->columns, ElementsAre("code", "address", "active"));
    EXPECT_THAT(usual->rows, ElementsAre(Cells{"S'3", "", "Y"}, Cells{"S1", "10.0.0.1", "Y"}, Cells{"S2", "10.0.0.2", "N"}));
    const auto notes = query(login(), "SELECT Note FROM Outlets ORDER BY OutletCode", {}, 10);
    ASSERT_TRUE(notes);
    EXPECT_THAT(notes->rows, ElementsAre(Cells{""}, Cells{"\xC3\xA9 \xF0\x9F\x8F\xAA"}, Cells{std::nullopt}))
        << "utf8mb4, whatever the database's is";

    // As text and as a prepared statement: the same words for the same values.
    const Cells types{"-1", "18446744073709551615", "0.5", "1234567890.1234", "2026-11-22 07:00:00.125", std::string("\0\xFF\n", 3)};
    for (const auto& parameters : {std::vector<std::string>{}, std::vector<std::string>{"-1"}}) {
        const auto all = query(login(), parameters.empty() ? "SELECT * FROM types" : "SELECT * FROM types WHERE n = ?", parameters, 10);
        ASSERT_TRUE(all) << all.error().what;
        EXPECT_THAT(all->rows, ElementsAre(types)) << parameters.size();
    }
    const auto bound =
        query(login(), "SELECT OutletCode, Note FROM Outlets WHERE OutletCode = ? OR IPAddress = ? ORDER BY 1", {"S'3", "10.0.0.2"}, 10);
    ASSERT_TRUE(bound) << bound.error().what;
    EXPECT_THAT(bound->rows, ElementsAre(Cells{"S'3", ""}, Cells{"S2", std::nullopt}));
    EXPECT_TRUE(query(login(), "SELECT OutletCode FROM Outlets WHERE OutletCode = ?", {"' OR 1=1 -- "}, 10)->rows.empty());
    EXPECT_TRUE(query(login(), "SELECT * FROM Outlets WHERE 1=0", {}, 0)->rows.empty());

    EXPECT_EQ(refused(login(), "SELECT * FROM Outlets", {}, 2).code, Errc::no_space);
    EXPECT_EQ(refused(login(), "SELECT * FROM Outlets WHERE '' = ? OR 1", {"x"}, 2).code, Errc::no_space);
    const auto large = refused(login(), "SELECT REPEAT('x', 1000000) FROM Outlets a, Outlets b, Outlets c, Outlets d, Outlets e", {}, 1000);
    EXPECT_THAT(large.what, HasSubstr("64.0 MiB")) << large.what;
    for (const auto& wrong : {"SELEKT", "SELECT nothing FROM Outlets", "SELECT * FROM nowhere.t WHERE 1; DROP TABLE x", "SET @a = 1"}) {
        const auto error = refused(login(), wrong);
        EXPECT_TRUE(error.code == Errc::invalid || error.code == Errc::denied) << wrong << ": " << error.what;
    }
    EXPECT_THAT(refused(login(), "SELECT 1 FROM Outlets WHERE 1 = ?", {"a", "b"}).what, HasSubstr("wants 1 parameters, not 2"));
    EXPECT_EQ(refused(login(), "SELECT * FROM hidden").code, Errc::denied);
    EXPECT_EQ(refused(login(), "SELECT 1; SELECT 2").code, Errc::invalid) << "one statement";

    auto stranger = login();
    stranger.password = "pass-wordx";
    const auto denied = refused(stranger);
    EXPECT_EQ(denied.code, Errc::denied);
    EXPECT_THAT(denied.what, HasSubstr("Access denied"));
    auto elsewhere = login();
    elsewhere.user = "nobody";
    elsewhere.password = "x";
    EXPECT_EQ(refused(elsewhere).code, Errc::denied);

    auto slow = login();
    slow.timeout = 300ms;
    const auto begin = std::chrono::steady_clock::now();
    const auto late = refused(slow, "SELECT SLEEP(30)");
    EXPECT_EQ(late.code, Errc::timeout);
    EXPECT_THAT(late.what, HasSubstr("within 300ms"));
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 10s);
}

TEST_F(RealServer, TlsIsVerified) {
    const auto cipher = query(safely(), "SHOW STATUS LIKE 'Ssl_version'", {}, 1);
    ASSERT_TRUE(cipher) << cipher.error().what;
    EXPECT_EQ(cipher->rows.at(0).at(1), "TLSv1.3");
    auto bound = safely();
    bound.user = "bound";
    bound.database.clear();
    const auto let_in = query(bound, "SELECT ?", {"1"}, 1);
    EXPECT_TRUE(let_in) << let_in.error().what;
    bound.tls = false;
    EXPECT_EQ(refused(bound).code, Errc::denied);

    auto unknown = safely();
    unknown.ca_file.clear();
    EXPECT_EQ(refused(unknown).code, Errc::unavailable) << "nobody whom the system trusts signed it";
    auto named = safely();
    named.host = "localhost";
    EXPECT_EQ(refused(named).code, Errc::unavailable) << "the certificate is not for that name";
    auto gone = safely();
    gone.ca_file = "/nonexistent";
    EXPECT_EQ(refused(gone).code, Errc::unavailable);

    auto slow = safely();
    slow.timeout = 400ms;
    EXPECT_EQ(refused(slow, "SELECT SLEEP(30)").code, Errc::timeout);
}

}  // namespace
}  // namespace bkmon::mariadb
