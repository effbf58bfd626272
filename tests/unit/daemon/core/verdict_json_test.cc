#include "daemon/core/verdict_json.h"

#include <gmock/gmock.h>

#include "common/base/text.h"

namespace bkmon::core {
namespace {

Verdict full() {
    Verdict v;
    v.status = Status::held;
    v.severity = Severity::critical;
    v.reason_code = "size_band";
    v.reason = "3 % of the median – \"held\"\\\n";
    v.at = from_ms(1763780645123);
    v.due = from_ms(-5);
    v.backup_at = from_ms(0);
    v.file = "sdmc.sql.gz";
    v.size_bytes = 18446744073709551615u;
    v.sha256 = std::string(64, 'a');
    v.run = "r-17";
    v.duration = milliseconds(90061001);
    v.place = "E:";
    v.evidence = R"({ "z" : 1e3, "a":"\u00e9", "a":2 })";
    return v;
}

void expect_same(const Verdict& a, const Verdict& b) {
    EXPECT_EQ(a.status, b.status);
    EXPECT_EQ(a.severity, b.severity);
    EXPECT_EQ(a.reason_code, b.reason_code);
    EXPECT_EQ(a.reason, b.reason);
    EXPECT_EQ(a.at, b.at);
    EXPECT_EQ(a.due, b.due);
    EXPECT_EQ(a.backup_at, b.backup_at);
    EXPECT_EQ(a.file, b.file);
    EXPECT_EQ(a.size_bytes, b.size_bytes);
    EXPECT_EQ(a.sha256, b.sha256);
    EXPECT_EQ(a.run, b.run);
    EXPECT_EQ(a.duration, b.duration);
    EXPECT_EQ(a.place, b.place);
    EXPECT_EQ(a.evidence, b.evidence);
}

void round_trip(const Verdict& v) {
    const auto text = to_json(v);
    EXPECT_TRUE(valid_utf8(text));
    const auto back = verdict_from_json(text);
    ASSERT_TRUE(back) << back.error().what << "\n" << text;
    expect_same(v, *back);
}

TEST(VerdictJson, ComesBackAsItWas) {
    round_trip({});
    round_trip(full());
}

TEST(VerdictJson, EachStatusAndSeverity) {
    for (const auto s : kStatuses)
        for (const auto severity : {Severity::ok, Severity::warning, Severity::unknown, Severity::critical}) {
            auto v = full();
            v.status = s;
            v.severity = severity;
            round_trip(v);
        }
}

TEST(VerdictJson, NamesThatAreNoUtf8SurviveToo) {
    auto v = full();
    v.file = std::string("a\0\xFF\xC3", 4);
    v.reason = "\x80";
    round_trip(v);
    v.file = std::string("nul\0inside", 10);
    round_trip(v);
}

/// Rows of a promotion that was under way when bkmond was replaced by one that knows places.
TEST(VerdictJson, OneWithoutAPlaceIsFromBefore) {
    auto v = full();
    v.place.clear();
    const auto text = to_json(v);
    EXPECT_EQ(text.find("place"), std::string::npos);
    const auto back = verdict_from_json(text);
    ASSERT_TRUE(back);
    expect_same(v, *back);
    auto wrong = to_json(full());
    wrong.replace(wrong.find("\"E:\""), 4, "17");
    EXPECT_FALSE(verdict_from_json(wrong));
}

TEST(VerdictJson, AMissingOrWrongMemberIsNoVerdict) {
    const auto text = to_json(full());
    for (const std::string member : {"status", "severity", "reason_code", "reason", "at_ms", "due_ms", "backup_at_ms", "file", "size_bytes", "sha256",
                                     "run", "duration_ms", "evidence"}) {
        auto renamed = text;
        renamed.replace(renamed.find("\"" + member + "\""), member.size() + 2, "\"other\"");
        const auto missing = verdict_from_json(renamed);
        ASSERT_FALSE(missing) << member;
        EXPECT_THAT(missing.error().what, testing::HasSubstr(member));
        auto wrong = text;
        wrong.insert(wrong.find("\"" + member + "\"") + member.size() + 3, "[");
        EXPECT_FALSE(verdict_from_json(wrong)) << member;
    }
}

TEST(VerdictJson, RefusesWhatIsNoVerdict) {
    for (const auto* bad : {"", "[]", "17", "null", "{}", "{", "\xFF"}) EXPECT_FALSE(verdict_from_json(bad)) << bad;
    auto text = to_json(full());
    text.replace(text.find("\"held\""), 6, "\"fine\"");
    EXPECT_FALSE(verdict_from_json(text));
    auto v = full();
    v.evidence = "[]";
    EXPECT_FALSE(verdict_from_json(to_json(v)));
    for (const auto* size : {"-1", "1.5", "\"7\"", "true", "18446744073709551616"}) {
        auto odd = to_json(full());
        odd.replace(odd.find("18446744073709551615"), 20, size);
        EXPECT_FALSE(verdict_from_json(odd)) << size;
    }
}

}  // namespace
}  // namespace bkmon::core
