// `alerts:`: rules, silences, and what they must be to each other and to `mail`.
#include "tests/unit/daemon/config/support.h"

namespace bkmon::config {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Mail = core::AlertRule::Mail;

const std::string kMail = "mail: {server: \"smtp://mail.example.org\", from: bkmon@example.org, to: [ops@example.org]}\n";

/// `alerts` with these rules, each on a line of its own from line 4 on, behind a mail section.
std::string rules(const std::string& text) { return kMail + "alerts:\n  rules:\n" + text; }
/// The same with silences, from line 3 on, without a mail section.
std::string silences(const std::string& text) { return "alerts:\n  silences:\n" + text; }

TEST(Alerts, WhatIsLeftOutHasItsDefault) {
    const auto alerts = good("").alerts;
    EXPECT_EQ(alerts.remind, std::chrono::hours(24));
    EXPECT_EQ(alerts.reminders, 6);
    EXPECT_EQ(alerts.group, std::chrono::seconds(30));
    EXPECT_EQ(alerts.hourly, 30);
    EXPECT_EQ(alerts.flap_changes, 3);
    EXPECT_EQ(alerts.flap_within, std::chrono::hours(24));
    EXPECT_EQ(alerts.flap_hold, std::chrono::minutes(30));
    EXPECT_EQ(alerts.give_up, std::chrono::hours(72));
    EXPECT_EQ(alerts.ping.url, "");
    EXPECT_EQ(alerts.ping.every, std::chrono::minutes(5));
    EXPECT_EQ(alerts.ping.timeout, std::chrono::seconds(10));
    EXPECT_THAT(alerts.rules, IsEmpty());
    EXPECT_THAT(alerts.silences, IsEmpty());
    good("alerts:\n");
    good("alerts: {}\n");
    good("alerts: {rules:, silences: [], flap:, ping:}\n");
}

TEST(Alerts, EachSettingArrives) {
    const auto alerts = good(kMail + R"(
alerts:
  remind: never
  reminders: 0
  group: 2min
  hourly: 5
  give_up: 30d
  flap: {changes: 5, within: 2h, hold: 10min}
  ping: {url: "https://hc.example.org/ping/1", failure: "https://hc.example.org/ping/1/fail", every: 1min, timeout: 5s, ca_file: /etc/ca.pem}
)")
                            .alerts;
    EXPECT_EQ(alerts.remind, milliseconds(0));
    EXPECT_EQ(alerts.reminders, 0);
    EXPECT_EQ(alerts.group, std::chrono::minutes(2));
    EXPECT_EQ(alerts.hourly, 5);
    EXPECT_EQ(alerts.give_up, std::chrono::hours(24 * 30));
    EXPECT_EQ(alerts.flap_changes, 5);
    EXPECT_EQ(alerts.flap_within, std::chrono::hours(2));
    EXPECT_EQ(alerts.flap_hold, std::chrono::minutes(10));
    EXPECT_EQ(alerts.ping.url, "https://hc.example.org/ping/1");
    EXPECT_EQ(alerts.ping.failure, "https://hc.example.org/ping/1/fail");
    EXPECT_EQ(alerts.ping.every, std::chrono::minutes(1));
    EXPECT_EQ(alerts.ping.timeout, std::chrono::seconds(5));
    EXPECT_EQ(alerts.ping.ca_file, "/etc/ca.pem");
}

TEST(AlertRules, EachPartArrives) {
    const auto alerts = good(rules(R"(
    - kind: [deposit, outlet]
      target: deposit/SHOP_*
      status: [missing, corrupt]
      labels: {region: "north*"}
      mail: at_once
      to: [shop@example.org]
      after: 3
      remind: 12h
      reminders: 2
      severity: critical
    - {kind: bkmon, status: unknown, mail: digest, remind: never}
    - {target: "*", mail: never}
)"))
                            .alerts;
    ASSERT_EQ(alerts.rules.size(), 3U);
    const auto& r = alerts.rules[0];
    EXPECT_THAT(r.kinds, ElementsAre("deposit", "outlet"));
    EXPECT_THAT(r.targets, ElementsAre("deposit/SHOP_*"));
    EXPECT_THAT(r.statuses, ElementsAre(core::Status::missing, core::Status::corrupt));
    EXPECT_EQ(r.labels, (core::Labels{{"region", "north*"}}));
    EXPECT_EQ(r.mail, Mail::at_once);
    EXPECT_THAT(r.to, ElementsAre("shop@example.org"));
    EXPECT_EQ(r.after, 3);
    EXPECT_EQ(r.remind, std::chrono::hours(12));
    EXPECT_EQ(r.reminders, 2);
    EXPECT_EQ(r.severity, core::Severity::critical);
    EXPECT_EQ(r.origin, "bkmon.yaml:5:7");
    const auto& second = alerts.rules[1];
    EXPECT_EQ(second.mail, Mail::digest);
    EXPECT_EQ(second.after, 1);
    EXPECT_EQ(second.remind, milliseconds(0));
    EXPECT_FALSE(second.reminders);
    EXPECT_FALSE(second.severity);
    EXPECT_EQ(alerts.rules[2].mail, Mail::never);
    EXPECT_FALSE(alerts.rules[2].remind);
    EXPECT_FALSE(good(rules("    - {kind: deposit, severity: warning}\n")).alerts.rules[0].mail);
}

TEST(AlertRules, OfSeveralFilesStandOneAfterTheOther) {
    const auto loaded = load_sources({{"bkmon.yaml", rules("    - {kind: deposit, after: 2}\n")},
                                      {"conf.d/a.yaml", "alerts: {rules: [{kind: bkmon, mail: never}]}\n", Source::Kind::drop_in}});
    EXPECT_EQ(loaded.text(), "");
    ASSERT_EQ(loaded.settings.alerts.rules.size(), 2U);
    EXPECT_EQ(loaded.settings.alerts.rules[1].origin, "conf.d/a.yaml:1:18");
}

TEST(AlertRules, WhatIsSetIsEffective) {
    const auto loaded = read(rules("    - {kind: deposit, status: [held, late], remind: never}\n    - {kind: outlet, remind: never}\n"));
    EXPECT_EQ(loaded.problems.size(), 1U);
    std::map<std::string, std::string> shown;
    for (const auto& e : loaded.effective) shown[e.path] = e.value + " " + e.origin;
    EXPECT_EQ(shown["alerts.rules.0.kind"], "[deposit] bkmon.yaml:4:14");
    EXPECT_EQ(shown["alerts.rules.1.remind"], "never bkmon.yaml:5:30");
    EXPECT_EQ(shown.count("alerts.rules.1.after"), 0U);
    EXPECT_EQ(shown["alerts.group"], "30s default");
    EXPECT_EQ(shown["alerts.flap.hold"], "30min default");
    EXPECT_EQ(shown["alerts.ping.every"], "5min default");
}

TEST(AlertRuleProblems, Words) {
    expect_each({
        {rules("    - {kinds: deposit}\n"), "4:8", "unknown key 'kinds' (did you mean 'kind'?)"},
        {rules("    - {kind: deposits}\n"), "4:14", "kind: there is no kind 'deposits' (did you mean 'deposit'?)"},
        {rules("    - {kind: [deposit, x]}\n"), "4:24", "kind: there is no kind 'x' (known: deposit, "},
        {rules("    - {kind: \"z*\"}\n"), "4:14", "there is no kind 'z*'"},
        {rules("    - {status: mising}\n"), "4:16", "status: 'mising' is none of"},
        {rules("    - {status: mising}\n"), "4:16", "(did you mean 'missing'?)"},
        {rules("    - {status: [held, corrput]}\n"), "4:23", "(did you mean 'corrupt'?)"},
        {rules("    - {status: late}\n"), "4:16", "status: no mail is about 'late'"},
        {rules("    - {status: [held, ok]}\n"), "4:23", "status: no mail is about 'ok'"},
        {rules("    - {mail: now}\n"), "4:14", "'now' is none of at_once, digest, never"},
        {rules("    - {severity: bad}\n"), "4:18", "is none of critical, warning, unknown"},
        {rules("    - {after: 0}\n"), "4:15", "after: 0 is not between 1 and 1000"},
        {rules("    - {remind: 5s}\n"), "4:16", "remind: 5s is not between"},
        {rules("    - {to: ops@example.org}\n"), "4:12", "to: expected a list"},
        {rules("    - {to: [ops]}\n"), "4:13", "is no mail address"},
        {rules("    - {to: []}\n"), "4:12", "to: the list is empty"},
        {rules("    - {labels: north}\n"), "4:16", "labels: expected a map"},
        {rules("    - deposit\n"), "4:7", "alerts.rules: expected a map"},
        {kMail + "alerts: {rules: {kind: deposit}}\n", "2:17", "alerts.rules: expected a list of maps"},
        {kMail + "alerts: {rules: text}\n", "2:17", "alerts.rules: expected a list of maps"},
        {kMail + "alerts: [a]\n", "2:9", "alerts: expected a map"},
        {"alerts: {group: 2h}\n", "1:17", "group: 2h is not between 0s and 1h"},
        {"alerts: {give_up: 31d}\n", "1:19", "give_up: 31d is not between"},
        {"alerts: {hourly: 0}\n", "1:18", "hourly: 0 is not between"},
        {"alerts: {reminder: 3}\n", "1:10", "(did you mean 'reminders'?)"},
        {"alerts: {flap: {chnges: 3}}\n", "1:17", "(did you mean 'changes'?)"},
        {"alerts: {flap: 3}\n", "1:16", "alerts.flap: expected a map"},
    });
    std::string many;
    for (int i = 0; i < 1001; ++i) many += "    - {target: deposit/A" + std::to_string(i) + "}\n";
    EXPECT_THAT(problems(rules(many)), ElementsAre(HasSubstr("4:5: alerts.rules: more than 1000")));
}

TEST(AlertRuleProblems, TargetsThatNobodyHas) {
    for (const std::string target : {"SHOP*", "deposit", "deposit/", "deposits/*", "deposit SHOP", "deposit/SHÖP", "/deposit/*", "oux*/a"})
        EXPECT_THAT(problems(rules("    - {target: \"" + target + "\"}\n")), ElementsAre(HasSubstr("4:16: target: '"))) << target;
    for (const std::string target : {"*", "*/MAIN", "dep*", "deposit/*", "DEPOSIT/shop", "?eposit/x", "[do]*", "outlet/O%20*/d-drive", "bkmon/vault"})
        EXPECT_THAT(problems(rules("    - {target: \"" + target + "\"}\n")), IsEmpty()) << target;
}

TEST(AlertRuleProblems, WithoutMailNothingCanBeMailed) {
    expect_each({
        {"alerts: {rules: [{kind: deposit, mail: at_once}]}\n", "1:40", "mail: without a section 'mail' nothing can be mailed"},
        {"alerts: {rules: [{kind: deposit, mail: digest}]}\n", "1:40", "without a section 'mail'"},
        {"alerts: {rules: [{kind: deposit, to: [a@b]}]}\n", "1:38", "to: without a section 'mail'"},
        {"alerts: {rules: [{kind: deposit, text: loud}]}\n", "1:40", "text: without a section 'mail'"},
        {rules("    - {text: loud}\n"), "4:14", "text: there is no folder of templates"},
        {rules("    - {text: digest}\n"), "4:14", "text: 'digest' is the template of the daily mail"},
        {"mail: {server: \"smtp://a\", from: a@b, to: [a@b], digest: none}\nalerts: {rules: [{mail: digest}]}\n", "2:25", "there is no digest"},
    });
    good("alerts: {rules: [{kind: deposit, mail: never}, {kind: bkmon, severity: critical, after: 2}]}\n");
}

TEST(AlertRuleProblems, ARuleThatIsNeverReached) {
    const auto unreached = [](const std::string& first, const std::string& later) {
        const auto found = problems(rules("    - " + first + "\n    - " + later + "\n"));
        EXPECT_LE(found.size(), 1U) << first << later;
        if (!found.empty()) {
            EXPECT_THAT(found[0], HasSubstr("5:7: this rule is never reached: whatever fits it fits the one at bkmon.yaml:4:7"));
        }
        return !found.empty();
    };
    EXPECT_TRUE(unreached("{mail: never}", "{kind: deposit}"));
    EXPECT_TRUE(unreached("{target: \"*\"}", "{target: deposit/A}"));
    EXPECT_TRUE(unreached("{kind: deposit}", "{kind: Deposit, status: held}"));
    EXPECT_TRUE(unreached("{status: [held, missing]}", "{status: held, labels: {a: b}}"));
    EXPECT_TRUE(unreached("{target: deposit/SHOP_*}", "{target: [deposit/SHOP_A, deposit/shop_b]}"));
    EXPECT_TRUE(unreached("{labels: {a: \"*\"}}", "{labels: {a: x, b: y}}"));
    EXPECT_FALSE(unreached("{kind: deposit}", "{kind: [deposit, outlet]}"));
    EXPECT_FALSE(unreached("{kind: deposit}", "{status: held}"));
    EXPECT_FALSE(unreached("{status: held}", "{kind: deposit}"));
    EXPECT_FALSE(unreached("{status: held}", "{status: [held, missing]}"));
    EXPECT_FALSE(unreached("{target: deposit/A*}", "{target: deposit/AB*}"));  // true, but of two patterns that is not seen
    EXPECT_FALSE(unreached("{target: deposit/A}", "{target: \"deposit/*\"}"));
    EXPECT_FALSE(unreached("{labels: {a: x}}", "{labels: {a: y}}"));
    EXPECT_FALSE(unreached("{labels: {a: x}}", "{labels: {b: x}}"));
}

TEST(ConfiguredSilences, EachPartArrives) {
    const auto settings = good("timezone: Europe/Berlin\n" + silences(R"(
    - target: [deposit/SHOP_*, outlet/*]
      kind: deposit
      labels: {region: north}
      from: 2026-12-24T22:00
      until: 2026-12-25 06:00
      windows: ["mon-fri 22:00-06:00", "sat,sun"]
      reason: datacentre move
    - {kind: outlet, from: 2026-12-24, until: "2026-12-24T12:00:00Z", timezone: America/New_York, reason: holiday}
    - {labels: {region: "n*"}, windows: sun, reason: closed}
)"));
    const auto& all = settings.alerts.silences;
    ASSERT_EQ(all.size(), 3U);
    EXPECT_THAT(all[0].targets, ElementsAre("deposit/SHOP_*", "outlet/*"));
    EXPECT_THAT(all[0].kinds, ElementsAre("deposit"));
    EXPECT_EQ(all[0].labels, (core::Labels{{"region", "north"}}));
    EXPECT_EQ(rfc3339(*all[0].from), "2026-12-24T21:00:00Z");
    EXPECT_EQ(rfc3339(*all[0].until), "2026-12-25T05:00:00Z");
    EXPECT_THAT(all[0].windows, ElementsAre("mon-fri 22:00-06:00", "sat,sun"));
    EXPECT_EQ(all[0].timezone, "Europe/Berlin");
    EXPECT_EQ(all[0].reason, "datacentre move");
    EXPECT_EQ(all[0].origin, "bkmon.yaml:5:7");
    EXPECT_EQ(all[0].id, 0);
    EXPECT_EQ(rfc3339(*all[1].from), "2026-12-24T05:00:00Z");
    EXPECT_EQ(rfc3339(*all[1].until), "2026-12-24T12:00:00Z");
    EXPECT_EQ(all[1].timezone, "America/New_York");
    EXPECT_FALSE(all[2].from || all[2].until);
    EXPECT_THAT(all[2].windows, ElementsAre("sun"));
}

TEST(SilenceProblems, Each) {
    expect_each({
        {silences("    - {until: 2026-12-24, reason: x}\n"), "3:7", "a silence needs a target, a kind or labels"},
        {silences("    - {target: \"*\", reason: x}\n"), "3:7", "a silence ends: 'until' or 'windows' is missing"},
        {silences("    - {target: \"*\", windows: sun}\n"), "3:7", "a silence needs a reason"},
        {silences("    - {target: \"*\", windows: [sun, mun], reason: x}\n"), "3:36", "windows: 'mun': 'mun' is no day"},
        {silences("    - {target: \"*\", windows: \"22-06\", reason: x}\n"), "3:30", "windows: '22-06': '22-06' is no stretch of hours"},
        {silences("    - {target: \"*\", windows: [], reason: x}\n"), "3:30", "windows: the list is empty"},
        {silences("    - {target: \"*\", until: tomorrow, reason: x}\n"), "3:28", "until: 'tomorrow' is no time such as"},
        {silences("    - {target: \"*\", from: 2026-13-01, until: 2026-12-24, reason: x}\n"), "3:27", "from: '2026-13-01' is no time"},
        {silences("    - {target: \"*\", from: 2026-12-25, until: 2026-12-24, reason: x}\n"), "3:46", "until: is not later than from"},
        {silences("    - {target: \"*\", from: 2026-12-24, until: 2026-12-24, reason: x}\n"), "3:46", "until: is not later than from"},
        {silences("    - {target: SHOP*, until: 2026-12-24, reason: x}\n"), "3:16", "target: 'SHOP*'"},
        {silences("    - {kind: shop, until: 2026-12-24, reason: x}\n"), "3:14", "there is no kind 'shop'"},
        {silences("    - {kind: deposit, until: 2026-12-24, timezone: Mars/Olympus, reason: x}\n"), "3:52", "is not a time zone"},
        {silences("    - {kind: deposit, til: 2026-12-24, until: 2026-12-24, reason: x}\n"), "3:23", "unknown key 'til'"},
        {silences("    - x\n"), "3:7", "alerts.silences: expected a map"},
    });
    good(silences("    - {target: \"*\", until: 2020-01-01, reason: over}\n"));  // what has ended may stay in the file
}

TEST(PingProblems, Each) {
    expect_each({
        {"alerts: {ping: {every: 1min}}\n", "1:16", "ping: 'url' is missing"},
        {"alerts: {ping: {url: hc.example.org}}\n", "1:22", "url: it must begin with https:// or http://"},
        {"alerts: {ping: {url: \"https://u:p@hc.example.org\"}}\n", "1:22", "a user or password does not belong into it"},
        {"alerts: {ping: {url: \"http://a\", failure: \"ftp://a\"}}\n", "1:43", "failure: it must begin with"},
        {"alerts: {ping: {url: \"http://a\", every: 10s, timeout: 10s}}\n", "1:55", "timeout (10s) must be shorter than every (10s)"},
        {"alerts: {ping: {url: \"http://a\", every: 10s}}\n", "1:41", "every: timeout (10s) must be shorter"},
        {"alerts: {ping: {url: \"http://a\", every: 1s, timeout: 1s}}\n", "1:41", "every: 1s is not between"},
        {"alerts: {ping: \"http://a\"}\n", "1:16", "alerts.ping: expected a map"},
    });
}

}  // namespace
}  // namespace bkmon::config
