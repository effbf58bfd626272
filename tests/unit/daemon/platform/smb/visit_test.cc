#include "daemon/platform/smb/visit.h"

#include <gtest/gtest.h>

#include <chrono>
#include <random>

#include "common/base/text.h"

namespace bkmon::smb {
namespace {

using namespace std::chrono_literals;

Order an_order() {
    Order o;
    o.address = "127.1.0.7";
    o.port = 40445;
    o.shares = {"d$", "e$"};
    o.folder = "Backups/Täglich";
    o.patterns = {"*.bak", "ö[a-z]?.BAK"};
    o.min_size = 18446744073709551615ULL;
    o.latest = from_ms(1795000000123);
    o.until = from_ms(1794000000000);
    o.look_inside = false;
    o.signing = false;
    o.request_timeout = 1500ms;
    o.max_entries = 17;
    o.credential = {"svc_backup", "CORP", "p\"\\ä\n%n"};
    return o;
}

mtf::Reading a_reading() {
    mtf::Reading r;
    r.form = mtf::Form::plain;
    r.whole = {mtf::Whole::whole, mtf::Sure::proven};
    r.why = "the end filemark lies where the header says";
    r.kind = {mtf::Kind::full, mtf::Sure::proven};
    r.database = {"Ven\"tas", mtf::Sure::proven};
    r.sets = 1;
    r.first_bytes = "54415045000003008c000e0100000000";
    return r;
}

Visit a_visit() {
    Visit v;
    v.outcome = Outcome::listed;
    v.detail = "d$: NT_STATUS_OBJECT_NAME_NOT_FOUND \\x1b";
    v.share = "e$";
    v.newest = FoundFile{"Ventas_ñ\x1b[0m.bak", 9223372036854775807ULL, from_ms(1794000000001)};
    v.future = FoundFile{"z.bak", 1, from_ms(253402300799999)};
    v.files = 9;
    v.matching = 7;
    v.too_small = 2;
    v.in_future = 1;
    v.largest_too_small = FoundFile{"small.bak", 12, from_ms(0)};
    v.content = Visit::Content::read;
    v.content_detail = "read";
    v.reading = a_reading();
    v.bytes_read = 131072;
    v.logins = 2;
    v.took = 431ms;
    return v;
}

void expect_equal(const std::optional<FoundFile>& a, const std::optional<FoundFile>& b) {
    ASSERT_EQ(a.has_value(), b.has_value());
    if (!a) return;
    EXPECT_EQ(a->name, b->name);
    EXPECT_EQ(a->size, b->size);
    EXPECT_EQ(a->modified, b->modified);
}

std::string with(std::string text, const std::string& find, const std::string& put) {
    const auto at = text.find(find);
    EXPECT_NE(at, std::string::npos) << find << " in " << text;
    if (at != std::string::npos) text.replace(at, find.size(), put);
    return text;
}

TEST(Visit, AnOrderGoesThereAndBack) {
    const auto o = an_order();
    const auto back = order_from_json(to_json(o));
    ASSERT_TRUE(back) << back.error().what;
    EXPECT_EQ(back->address, o.address);
    EXPECT_EQ(back->port, o.port);
    EXPECT_EQ(back->shares, o.shares);
    EXPECT_EQ(back->folder, o.folder);
    EXPECT_EQ(back->patterns, o.patterns);
    EXPECT_EQ(back->min_size, o.min_size);
    EXPECT_EQ(back->latest, o.latest);
    EXPECT_EQ(back->until, o.until);
    EXPECT_EQ(back->look_inside, o.look_inside);
    EXPECT_EQ(back->signing, o.signing);
    EXPECT_EQ(back->request_timeout, o.request_timeout);
    EXPECT_EQ(back->max_entries, o.max_entries);
    EXPECT_EQ(back->credential.user, o.credential.user);
    EXPECT_EQ(back->credential.domain, o.credential.domain);
    EXPECT_EQ(back->credential.password, o.credential.password);
    auto plain = an_order();
    plain.until.reset();
    const auto without = order_from_json(to_json(plain));
    ASSERT_TRUE(without);
    EXPECT_FALSE(without->until);
}

TEST(Visit, AVisitGoesThereAndBack) {
    const auto v = a_visit();
    const auto back = visit_from_json(to_json(v));
    ASSERT_TRUE(back) << back.error().what;
    EXPECT_EQ(back->outcome, v.outcome);
    EXPECT_EQ(back->detail, v.detail);
    EXPECT_EQ(back->share, v.share);
    expect_equal(back->newest, v.newest);
    expect_equal(back->future, v.future);
    expect_equal(back->largest_too_small, v.largest_too_small);
    EXPECT_EQ(back->files, v.files);
    EXPECT_EQ(back->matching, v.matching);
    EXPECT_EQ(back->too_small, v.too_small);
    EXPECT_EQ(back->in_future, v.in_future);
    EXPECT_EQ(back->content, v.content);
    EXPECT_EQ(back->content_detail, v.content_detail);
    ASSERT_TRUE(back->reading);
    EXPECT_EQ(back->reading->database.value, v.reading->database.value);
    EXPECT_EQ(back->bytes_read, v.bytes_read);
    EXPECT_EQ(back->logins, v.logins);
    EXPECT_EQ(back->took, v.took);
}

TEST(Visit, EveryWordIsReadBackAsWhatItWas) {
    for (int i = 0; i <= static_cast<int>(Outcome::internal); ++i) {
        Visit v;
        v.outcome = static_cast<Outcome>(i);
        const auto back = visit_from_json(to_json(v));
        ASSERT_TRUE(back) << i << back.error().what;
        EXPECT_EQ(back->outcome, v.outcome);
        EXPECT_EQ(word(v.outcome) == "internal", v.outcome == Outcome::internal) << i;
    }
    for (const auto content : {Visit::Content::not_asked, Visit::Content::not_opened, Visit::Content::in_use, Visit::Content::changed}) {
        Visit v;
        v.outcome = Outcome::listed;
        v.newest = FoundFile{"a", 1, {}};
        v.content = content;
        const auto back = visit_from_json(to_json(v));
        ASSERT_TRUE(back) << back.error().what;
        EXPECT_EQ(back->content, content);
    }
}

TEST(Visit, WhatIsTooLongIsCutByItsWriterBetweenCharacters) {
    auto v = a_visit();
    v.newest->name.clear();
    for (int i = 0; i < 30000; ++i) v.newest->name += "ä";
    v.newest->name.insert(0, "x");
    v.detail.assign(100000, '"');
    v.share.assign(5000, 's');
    v.future->name.assign(5000, '\x01');
    v.content_detail.assign(5000, '"');
    v.largest_too_small->name.assign(5000, '\x01');
    v.reading->database.value = v.reading->server.value = std::string(5000, '\x01');
    v.reading->why.assign(5000, '"');
    for (int i = 0; i < 20; ++i)
        v.reading->claims.push_back({std::string(1000, '"'), std::string(1000, '"'), mtf::Sure::proven, std::string(1000, '"')});
    const auto text = to_json(v);
    EXPECT_LE(text.size(), kMaxMessage);
    const auto back = visit_from_json(text);
    ASSERT_TRUE(back) << back.error().what;
    EXPECT_EQ(back->newest->name.size(), 1023U);
    EXPECT_TRUE(valid_utf8(back->newest->name));
    EXPECT_EQ(back->reading->claims.size(), 12U) << "the longest that there is fits into a message";
}

TEST(Visit, BytesThatAreNoTextBecomeText) {
    auto v = a_visit();
    v.newest->name = "\xff\xc0\x80.bak";
    const auto back = visit_from_json(to_json(v));
    ASSERT_TRUE(back) << back.error().what;
    EXPECT_TRUE(valid_utf8(back->newest->name));
}

TEST(Visit, WhatIsNoAnswerIsRefused) {
    const std::string good = to_json(a_visit());
    ASSERT_TRUE(visit_from_json(good));
    ASSERT_TRUE(visit_from_json(good + std::string(kMaxMessage - good.size(), ' ')));
    const std::vector<std::string> bad{
        "",
        "null",
        "[]",
        "\"x\"",
        "{}",
        good.substr(0, good.size() - 1),
        good + "x",
        good + good,
        good + std::string(kMaxMessage + 1 - good.size(), ' '),
        std::string(good).replace(good.find("9223372036854775807"), 19, "9223372036854775808"),
        std::string(kMaxMessage, '['),
        std::string("{\"outcome\":") + std::string(60000, '[') + std::string(60000 / 2, ']'),
        with(good, "\"outcome\":\"listed\"", "\"outcome\":\"fine\""),
        with(good, "\"outcome\":\"listed\"", "\"outcome\":0"),
        with(good, "\"outcome\":\"listed\"", "\"outcome\":\"timeout\""),  // and yet files
        with(good, "\"files\":9", "\"files\":-9"),
        with(good, "\"files\":9", "\"files\":9.5"),
        with(good, "\"files\":9", "\"files\":1e400"),
        with(good, "\"files\":9", "\"files\":18446744073709551616"),
        with(good, "\"files\":9", "\"files\":\"9\""),
        with(good, "\"files\":9", "\"files\":null"),
        with(good, "\"files\":9", "\"files\":6"),  // and yet seven match
        with(good, "\"too_small\":2", "\"too_small\":8"),
        with(good, "\"in_future\":1", "\"in_future\":8"),
        with(good, "\"files\":9,", ""),
        with(good, "\"files\":9", "\"files\":9,\"more\":1"),
        with(good, "\"modified\":1794000000001", "\"modified\":-1"),
        with(good, "\"modified\":1794000000001", "\"modified\":253402300800000"),
        with(good, "\"modified\":1794000000001", "\"modified\":\"2026-01-01T00:00:00Z\""),
        with(good, "\"name\":\"z.bak\"", "\"name\":\"\""),
        with(good, "\"name\":\"z.bak\"", "\"name\":\"" + std::string(1025, 'z') + "\""),
        with(good, "\"name\":\"z.bak\"", "\"name\":\"\\u0000\""),
        with(good, "\"name\":\"z.bak\"", "\"name\":\"\\ud800\""),
        with(good, "\"name\":\"z.bak\"", "\"name\":\"\xff\""),
        with(good, "\"name\":\"z.bak\"", "\"name\":\"z.bak\",\"path\":\"/etc\""),
        with(good, "\"detail\":\"d$", "\"detail\":\"d\\u001b"),
        with(good, "\"detail\":\"d$", "\"detail\":\"d\\u202e"),
        with(good, "\"detail\":\"d$", "\"detail\":\"d\\n"),
        with(good, "\"detail\":\"d$", "\"detail\":\"" + std::string(1025, 'd')),
        with(good, "\"content\":\"read\"", "\"content\":\"changed\""),  // and yet a reading
        with(good, "\"content\":\"read\"", "\"content\":\"listed\""),
        with(good, "\"reading\":\"", "\"reading\":\"x"),
        with(good, "\"reading\":", "\"reading\":{},\"x\":"),
        with(good, "\"logins\":2", "\"logins\":1001"),
        with(good, "\"took\":431", "\"took\":86400001"),
        with(good, "\"took\":431", "\"took\":true"),
    };
    for (const auto& text : bad) EXPECT_FALSE(visit_from_json(text)) << text.substr(0, 300);
}

TEST(Visit, WhatIsNoOrderIsRefused) {
    const std::string good = to_json(an_order());
    ASSERT_TRUE(order_from_json(good));
    const std::vector<std::string> bad{
        "",
        "[]",
        good + "x",
        good + std::string(kMaxMessage + 1 - good.size(), ' '),
        with(good, "\"port\":40445", "\"port\":0"),
        with(good, "\"port\":40445", "\"port\":65536"),
        with(good, "\"port\":40445", "\"port\":-1"),
        with(good, "[\"d$\",\"e$\"]", "\"d$\""),
        with(good, "[\"d$\",\"e$\"]", "[\"d$\",5]"),
        with(good, "[\"d$\",\"e$\"]", "[\"d$\",\"" + std::string(300, 'e') + "\"]"),
        with(good, "[\"d$\",\"e$\"]", "[\"d\\u0000$\"]"),
        with(
            good, "\"e$\"]",
            "\"e$\"" +
                [] {
                    std::string many;
                    for (int i = 0; i < 64; ++i) many += ",\"x\"";
                    return many;
                }() +
                "]"),
        with(good, "\"folder\":\"B", "\"folder\":\"\\u0000B"),
        with(good, "\"folder\":\"B", "\"folder\":\"" + std::string(5000, 'f')),
        with(good, "\"look_inside\":false", "\"look_inside\":0"),
        with(good, "\"signing\":false,", ""),
        with(good, "\"user\":\"svc_backup\",", ""),
        with(good, "\"user\":", "\"hash\":\"x\",\"user\":"),
        with(good, "\"max_entries\":17", "\"max_entries\":17,\"run\":\"/bin/sh\""),
        with(good, "\"request_timeout\":1500", "\"request_timeout\":-1"),
    };
    for (const auto& text : bad) EXPECT_FALSE(order_from_json(text)) << text.substr(0, 300);
    EXPECT_EQ(order_from_json(with(good, "\"user\":", "\"usr\":")).error().what.find("p\"\\"), std::string::npos) << "a secret in an error";
}

TEST(Visit, BitFlipsAreReadOrRefusedAndNothingElse) {
    const std::string good = to_json(a_visit());
    std::mt19937 random(7);
    int read = 0;
    for (int i = 0; i < 4000; ++i) {
        auto text = good;
        for (int n = 1 + static_cast<int>(random() % 3); n > 0; --n) text[random() % text.size()] ^= static_cast<char>(1U << (random() % 8));
        if (const auto v = visit_from_json(text); v) {
            ++read;
            EXPECT_TRUE(visit_from_json(to_json(*v))) << text;
        }
    }
    EXPECT_GT(read, 0) << "a flipped letter of a name is a name";
}

}  // namespace
}  // namespace bkmon::smb
