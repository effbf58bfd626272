// `mail:`, and what its settings must be to each other.
#include "daemon/config/url.h"
#include "tests/unit/daemon/config/support.h"

namespace bkmon::config {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kMinimal = "mail:\n  server: smtp://mail.example.org\n  from: bkmon@example.org\n  to: [ops@example.org]\n";

std::string with(const std::string& more) { return kMinimal + more; }

/// A section with this server and what else belongs to it.
std::string served(const std::string& server, const std::string& more = "") {
    return "mail: {from: b@x.org, to: [o@x.org], server: \"" + server + "\"" + more + "}\n";
}

TEST(Mail, AbsentItIsNotConfigured) {
    EXPECT_FALSE(good("").mail.configured);
    EXPECT_FALSE(good("mail:\n").mail.configured);
}

TEST(Mail, WhatIsLeftOutHasItsDefault) {
    const auto mail = good(kMinimal).mail;
    EXPECT_TRUE(mail.configured);
    EXPECT_EQ(mail.server, "smtp://mail.example.org");
    EXPECT_EQ(mail.from, "bkmon@example.org");
    EXPECT_THAT(mail.to, ElementsAre("ops@example.org"));
    EXPECT_TRUE(mail.tls);
    EXPECT_FALSE(mail.token);
    EXPECT_EQ(mail.language, "en");
    EXPECT_EQ(mail.digest, "0 8 * * *");
    EXPECT_EQ(mail.user + mail.password_file + mail.password_credential + mail.ca_file + mail.templates, "");
}

TEST(Mail, EachSettingArrives) {
    const auto mail = good(R"(
mail:
  server: smtps://[2001:db8::1]:465
  user: bkmon
  password_file: /etc/bkmon/smtp.password
  auth: token
  tls: required
  ca_file: /etc/bkmon/ca.pem
  language: fr
  from: "Sauvegardes é <bkmon@example.org>"
  to: [ops@example.org, "Night <night@example.org>"]
  digest: none
)")
                          .mail;
    EXPECT_EQ(mail.server, "smtps://[2001:db8::1]:465");
    EXPECT_EQ(mail.user, "bkmon");
    EXPECT_EQ(mail.password_file, "/etc/bkmon/smtp.password");
    EXPECT_TRUE(mail.token);
    EXPECT_TRUE(mail.tls);
    EXPECT_EQ(mail.ca_file, "/etc/bkmon/ca.pem");
    EXPECT_EQ(mail.language, "fr");
    EXPECT_EQ(mail.from, "Sauvegardes é <bkmon@example.org>");
    EXPECT_THAT(mail.to, ElementsAre("ops@example.org", "Night <night@example.org>"));
    EXPECT_FALSE(mail.digest);
    EXPECT_EQ(good(with("  user: b\n  password_credential: smtp.password\n")).mail.password_credential, "smtp.password");
    EXPECT_FALSE(good(with("  user: b\n  password_credential: s\n  auth: password\n")).mail.token);
}

TEST(Mail, ClearTextStaysOnThisMachine) {
    for (const std::string host : {"localhost", "LOCALHOST:25", "127.0.0.1:2525", "127.255.1.2", "[::1]", "[0:0::1]:25"})
        EXPECT_FALSE(good(served("smtp://" + host, ", tls: none")).mail.tls) << host;
    for (const std::string host : {"mail.example.org", "localhost.example.org", "127.0.0.1.example.org", "10.0.0.1", "[::2]", "[::ffff:8.8.8.8]"})
        EXPECT_THAT(problems(served("smtp://" + host, ", tls: none")), ElementsAre(HasSubstr("tls: none is accepted for a server on this machine")))
            << host;
    EXPECT_THAT(problems(served("smtps://localhost", ", tls: none")), ElementsAre(HasSubstr("tls: smtps:// is TLS from the first byte")));
    EXPECT_THAT(problems(served("smtp://localhost", ", tls: none, ca_file: /ca")), ElementsAre(HasSubstr("no certificate to verify")));
}

TEST(MailProblems, WhatIsMissing) {
    EXPECT_THAT(problems("mail: {}\n"),
                ElementsAre(HasSubstr("1:7: mail: 'server' is missing"), HasSubstr("'from' is missing"), HasSubstr("'to' is missing")));
    expect_each({
        {"mail: {server: \"smtp://a\", from: a@b}\n", "1:7", "mail: 'to' is missing"},
        {"mail: {server: \"smtp://a\", to: [a@b]}\n", "1:7", "mail: 'from' is missing"},
        {"mail: {from: a@b, to: [a@b]}\n", "1:7", "mail: 'server' is missing"},
        {"mail: {server: \"smtp://a\", from: a@b, to: []}\n", "1:43", "to: the list is empty"},
        {"mail: {server: \"smtp://a\", from: a@b, to:}\n", "1:39", "to: the list is empty"},
        {"mail: {server: smtp, from: a@b, to: [a@b]}\n", "1:16", "server: it must begin with smtp:// or smtps://"},
        {"mail: text\n", "1:7", "mail: expected a map"},
    });
}

TEST(MailProblems, LoginNeedsBothHalves) {
    expect_each({
        {with("  user: bkmon\n"), "5:9", "user: needs password_file or password_credential"},
        {with("  password_file: /p\n"), "5:18", "password_file: without a user there is no login"},
        {with("  password_credential: p\n"), "5:24", "password_credential: without a user"},
        {with("  auth: token\n"), "5:9", "auth: without a user"},
        {with("  user: b\n  password_file: /p\n  password_credential: p\n"), "7:24", "either this or password_file, not both"},
        {with("  user: b\n  password_file: /p\n  auth: tokn\n"), "7:9", "'tokn' is none of token, password (did you mean 'token'?)"},
        {with("  password: x\n"), "5:3", "unknown key 'password'"},
        {with("  langage: fr\n"), "5:3", "unknown key 'langage' (did you mean 'language'?)"},
        {with("  language: english\n"), "5:13", "'english' is none of en, es, fr"},
        {with("  templates: mails\n"), "5:14", "'mails' is not an absolute path"},
    });
}

TEST(MailProblems, ServersThatAreNone) {
    for (const auto& [server, why] : std::vector<std::pair<std::string, std::string>>{
             {"http://a", "must begin with smtp:// or smtps://"},
             {"mail.example.org", "must begin with"},
             {"smtp:/a", "must begin with"},
             {"smtp://", "no host"},
             {"smtp://:25", "no host"},
             {"smtp://a:0", "port"},
             {"smtp://a:65536", "port"},
             {"smtp://a:99999999999", "port"},
             {"smtp://a:", "port"},
             {"smtp://a:25x", "port"},
             {"smtp://a:+25", "port"},
             {"smtp://a/path", "nothing may follow"},
             {"smtp://a/", "nothing may follow"},
             {"smtp://a?x", "nothing may follow"},
             {"smtp://a#x", "'#'"},
             {"smtp://a b", "blanks"},
             {"smtp://a\\\\b", "blanks"},
             {"smtp://exämple.org", "outside ASCII"},
             {"smtp://a..b", "cannot be the name"},
             {"smtp://-a.org", "cannot be the name"},
             {"smtp://a_b,c", "cannot be the name"},
             {"smtp://127.1", "cannot be the name"},
             {"smtp://1.2.3.256", "cannot be the name"},
             {"smtp://" + std::string(64, 'a') + ".org", "cannot be the name"},
             {"smtp://[::g]", "no IPv6 address"},
             {"smtp://[::1", "no IPv6 address"},
             {"smtp://[::1]25", "only ':' and a port"},
         })
        EXPECT_THAT(problems(served(server)), ElementsAre(AllOf(HasSubstr("1:46: server: "), HasSubstr(why)))) << server;
}

TEST(MailProblems, ASecretAtTheWrongPlaceIsNotRepeated) {
    for (const std::string& yaml :
         {served("smtp://bkmon:hunter2@mail.example.org"), served("smtp://hunter2\\u0001"), with("  user: b\n  password_file: hunter2\n"),
          with("  user: b\n  password_credential: \"hunter2!\"\n"), with("  password_file: /hunter2/\n"), with("  password hunter2\n")}) {
        const auto loaded = read(yaml);
        EXPECT_NE(loaded.problems.size(), 0U) << yaml;
        EXPECT_THAT(loaded.text(), Not(HasSubstr("hunter2"))) << yaml;
    }
}

TEST(MailProblems, Addresses) {
    expect_each({
        {"mail: {server: \"smtp://a\", from: ops, to: [a@b]}\n", "1:34", "from: 'ops' is no mail address: there is no '@'"},
        {"mail: {server: \"smtp://a\", from: [a@b], to: [a@b]}\n", "1:34", "from: is a list; expected"},
        {"mail: {server: \"smtp://a\", from: a@b, to: a@b}\n", "1:43", "to: expected a list"},
        {"mail: {server: \"smtp://a\", from: a@b, to: [a@b, c@d@e]}\n", "1:49", "to: 'c@d@e' is no mail address"},
        {"mail: {server: \"smtp://a\", from: a@b, to: [\"-oops@b\"]}\n", "1:44", "is no mail address"},
        {"mail: {server: \"smtp://a\", from: a@b, to: [\"a@b\\r\\nRCPT TO:<c@d>\"]}\n", "1:44", "holds control characters"},
        {"mail: {server: \"smtp://a\", from: a@b, to: [\"x <a@b\"]}\n", "1:44", "is no mail address"},
        {jobs("    - {agent: A, database: B, recipients: [ops]}\n"), "3:44", "recipients: 'ops' is no mail address"},
    });
    std::string many = "mail: {server: \"smtp://a\", from: a@b, to: [";
    for (int i = 0; i < 101; ++i) many += "a" + std::to_string(i) + "@b, ";
    EXPECT_THAT(problems(many + "]}\n"), ElementsAre(HasSubstr("to: more than 100 addresses")));
}

TEST(MailProblems, Digests) {
    expect_each({
        {with("  digest: daily\n"), "5:11", "digest: 'daily': "},
        {with("  digest: 0 0 30 2 *\n"), "5:11", "it never comes"},
        {with("  digest: \"*/5 * * * *\"\n"), "5:11", "it comes every 5min; at most one in an hour"},
        {"timezone: Mars/Olympus\n" + with(""), "1:11", "not a time zone"},
    });
    EXPECT_EQ(good(with("  digest: \"0 * * * *\"\n")).mail.digest, "0 * * * *");
}

TEST(Mail, RecipientsOfSeveralFilesAddUp) {
    const auto loaded = load_sources({{"bkmon.yaml", kMinimal}, {"conf.d/a.yaml", "mail: {to: [night@example.org]}\n", Source::Kind::drop_in}});
    EXPECT_EQ(loaded.text(), "");
    EXPECT_THAT(loaded.settings.mail.to, ElementsAre("ops@example.org", "night@example.org"));
    EXPECT_THAT(lines(load_sources({{"bkmon.yaml", kMinimal}, {"conf.d/a.yaml", "mail: {from: x@y}\n", Source::Kind::drop_in}})),
                ElementsAre(HasSubstr("'mail.from' is set twice: also at bkmon.yaml:3:9")));
}

TEST(Urls, PartsAreToldApart) {
    const auto url = parse_url("HTTPS://hc.example.org:8443/ping/a-b?c=d", "https http");
    ASSERT_TRUE(url);
    EXPECT_EQ(url->scheme, "https");
    EXPECT_EQ(url->host, "hc.example.org");
    EXPECT_EQ(url->port, 8443);
    EXPECT_EQ(url->rest, "/ping/a-b?c=d");
    EXPECT_EQ(parse_url("http://[::1]:80?x", "https http")->host, "::1");
    EXPECT_EQ(parse_url("http://a/b@c", "https http")->rest, "/b@c");
}

}  // namespace
}  // namespace bkmon::config
