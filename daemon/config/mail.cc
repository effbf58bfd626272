#include "daemon/config/mail.h"

#include <fmt/format.h>

#include <array>

#include "common/base/text.h"
#include "daemon/config/url.h"
#include "daemon/core/schedule.h"

namespace bkmon::config {
namespace {

using core::MailSettings;

constexpr std::string_view kSchemes = "smtp smtps";
constexpr std::size_t kMostRecipients = 100;
constexpr milliseconds kShortestDigest{std::chrono::hours(1)};

const std::array<Setting<MailSettings>, 12> kMail{{
    {{"server", Kind::url, "smtp://host[:port], smtps://host[:port]",
      "the server that takes the mails; smtp:// begins in the clear and must offer STARTTLS, smtps:// is TLS from the first byte", 0, 0, kSchemes},
     [](MailSettings& m) -> Slot { return &m.server; }},
    {{"user", Kind::text, "text", "for the login; default: none"}, [](MailSettings& m) -> Slot { return &m.user; }},
    {{"password_file", Kind::path, "absolute path", "holds the password (or token) and nothing else; read anew for each login"},
     [](MailSettings& m) -> Slot { return &m.password_file; }},
    {{"password_credential", Kind::name, "name", "the systemd credential that holds it, instead of a file (LoadCredential=)"},
     [](MailSettings& m) -> Slot { return &m.password_credential; }},
    {{"auth", Kind::choice, "password, token", "what that is: a password (PLAIN, LOGIN), or an OAuth 2 token (XOAUTH2)", 0, 0, "token password"},
     [](MailSettings& m) -> Slot { return &m.token; }},
    {{"tls", Kind::choice, "required, none", "none is accepted for a server on this machine alone (localhost, 127.0.0.0/8, ::1)", 0, 0,
      "required none"},
     [](MailSettings& m) -> Slot { return &m.tls; }},
    {{"ca_file", Kind::path, "absolute path", "certificates that are trusted instead of the system's"},
     [](MailSettings& m) -> Slot { return &m.ca_file; }},
    {{"language", Kind::choice, "en, es, fr", "of the mails", 0, 0, "en es fr"}, [](MailSettings& m) -> Slot { return &m.language; }},
    {{"from", Kind::address, "mail address", "the sender: \"bkmon <bkmon@example.org>\""}, [](MailSettings& m) -> Slot { return &m.from; }},
    {{"to", Kind::addresses, "list of mail addresses", "who is told where neither a rule nor the target says another"},
     [](MailSettings& m) -> Slot { return &m.to; }},
    {{"digest", Kind::schedule, "schedule, none", "when the daily mail goes out, which is the sign of life too; in the global timezone"},
     [](MailSettings& m) -> Slot { return &m.digest; }},
    {{"templates", Kind::path, "absolute path", "a folder with texts that replace the built-in ones: default.subject, default.txt, default.html"},
     [](MailSettings& m) -> Slot { return &m.templates; }},
}};

class Checks {
public:
    Checks(Context& context, const Node& node, const KeyMarks& keys, const MailSettings& mail)
        : context_(context), node_(node), keys_(keys), mail_(mail) {}

    void all(const std::string& timezone) {
        needed("server", "the address of the mail server");
        needed("from", "the sender's address");
        needed("to", "who gets the mails");
        if (given("to") && mail_.to.empty()) at("to", "to: the list is empty: nobody would be told");
        if (mail_.to.size() > kMostRecipients) at("to", fmt::format("to: more than {} addresses: use a mailing list", kMostRecipients));
        login();
        transport();
        digest(timezone);
    }

private:
    bool given(std::string_view key) const { return keys_.find(key) != keys_.end(); }
    void at(std::string_view key, std::string what) { context_.problem(keys_.find(key)->second, std::move(what)); }

    /// What is there but wrong was named by its reader.
    void needed(std::string_view key, std::string_view what) {
        if (!node_.find(key)) context_.problem(node_.mark, fmt::format("mail: '{}' is missing ({})", key, what));
    }
    void login() {
        if (given("password_file") && given("password_credential"))
            at("password_credential", "password_credential: either this or password_file, not both");
        const bool secret = node_.find("password_file") || node_.find("password_credential");
        if (given("user") && !secret) at("user", "user: needs password_file or password_credential");
        if (node_.find("user")) return;
        for (const std::string_view key : {"password_file", "password_credential", "auth"})
            if (given(key)) at(key, fmt::format("{}: without a user there is no login", key));
    }
    void transport() {
        const auto url = parse_url(mail_.server, kSchemes);
        if (!given("tls") || mail_.tls || !url) return;
        if (url->scheme == "smtps")
            at("tls", "tls: smtps:// is TLS from the first byte: write smtp://, or leave 'tls: none' out");
        else if (!is_loopback(url->host))
            at("tls", fmt::format("tls: none is accepted for a server on this machine alone, and '{}' is not: mails and the password would pass in "
                                  "the clear",
                                  printable(url->host, 260)));
        else if (given("ca_file"))
            at("ca_file", "ca_file: with 'tls: none' there is no certificate to verify");
    }
    void digest(const std::string& timezone) {
        if (!given("digest") || !mail_.digest) return;
        const auto bad = [&](std::string_view what) { at("digest", fmt::format("digest: '{}': {}", printable(*mail_.digest, 120), what)); };
        const auto schedule = core::Schedule::parse(*mail_.digest, timezone);
        if (!schedule) return bad(printable(schedule.error().what, 300));
        const auto now = system_clock().now();
        if (!schedule->next_after(now) && !schedule->last_at_or_before(now)) return bad("it never comes");
        const auto shortest = schedule->shortest_period(now);
        if (shortest && *shortest < kShortestDigest) bad(fmt::format("it comes every {}; at most one in an hour", duration_text(*shortest)));
    }

    Context& context_;
    const Node& node_;
    const KeyMarks& keys_;
    const MailSettings& mail_;
};

}  // namespace

KeyMarks read_mail(Context& context, const Node& node, const std::string& timezone, MailSettings& into) {
    into.configured = node.kind == Node::Kind::map;
    auto keys = read_map<MailSettings>(context, "mail", node, kMail, into, true);
    if (into.configured) Checks(context, node, keys, into).all(timezone);
    return keys;
}

void list_mail_settings(std::vector<std::pair<std::string, Row>>& into) {
    for (const auto& s : kMail) into.emplace_back("mail." + std::string(s.row.name), s.row);
}

}  // namespace bkmon::config
