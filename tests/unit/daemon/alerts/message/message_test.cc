#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/text.h"
#include "daemon/alerts/message/header_text.h"
#include "daemon/alerts/message/message.h"

namespace bkmon::alerts {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST(AddressText, WhatIsAcceptedComesBack) {
    const auto plain = parse_address(" ops@example.org ");
    ASSERT_TRUE(plain);
    EXPECT_EQ(plain->header(), "ops@example.org");
    const auto named = parse_address("Night shift <ops+night@mail.example.org>");
    ASSERT_TRUE(named);
    EXPECT_EQ(named->header(), "Night shift <ops+night@mail.example.org>");
    EXPECT_EQ(parse_address("\"A. B\" <a@[192.0.2.1]>")->header(), "\"A. B\" <a@[192.0.2.1]>");
    EXPECT_THAT(parse_address("Équipe <e@x.fr>")->header(), StartsWith("=?UTF-8?B?"));
    EXPECT_FALSE(parse_address("ops@x.org\r\nRCPT TO:<evil@x.org>"));
}

TEST(HeaderText, AnyBytesAreOneHeaderValue) {
    for (int byte = 0; byte < 256; ++byte) {
        const std::string text = std::string("a") + static_cast<char>(byte) + "b \xe2\x80\xae c";
        for (const auto& value : {unstructured(text), phrase(text)}) {
            for (const char c : value) EXPECT_TRUE(c >= 0x20 && c < 0x7f) << byte;
        }
    }
    EXPECT_EQ(unstructured("plain words"), "plain words");
    EXPECT_EQ(unstructured("login refused: CORP\\svc"), "login refused: CORP\\svc");
    EXPECT_THAT(unstructured("=?utf-8?q?evil?="), StartsWith("=?UTF-8?B?")) << "what looks like an encoded word is none of ours";
}

TEST(HeaderText, EncodedWordsAreShortAndCutBetweenCharacters) {
    std::string text;
    for (int i = 0; i < 60; ++i) text += "é漢";
    for (const auto& word : split(unstructured(text), ' ')) {
        EXPECT_LE(word.size(), 75U);
        EXPECT_THAT(word, StartsWith("=?UTF-8?B?"));
    }
}

TEST(HeaderText, LongLinesAreFoldedAtBlanks) {
    std::string words;
    for (int i = 0; i < 40; ++i) words += "word" + std::to_string(i) + " ";
    const auto line = header_line("Subject", words);
    std::string joined;
    for (const auto& part : split(line, '\n')) {
        EXPECT_LE(part.size(), 79U);
        joined += part.substr(0, part.find('\r'));
    }
    EXPECT_EQ(joined, "Subject: " + words);
}

TEST(QuotedPrintable, LinesAreShortAndSafe) {
    const auto out = quoted_printable("From here\n.dot\ntrailing \nequals = é\r\n" + std::string(300, 'x') + "\na\rb");
    EXPECT_THAT(out, StartsWith("=46rom here\r\n=2Edot\r\ntrailing=20\r\nequals =3D =C3=A9\r\n"));
    for (const auto& line : split(out, '\n')) EXPECT_LE(line.size(), 77U);
    EXPECT_THAT(out, HasSubstr("a=0Db\r\n"));
}

TEST(MailDate, IsInEnglishWhateverTheLocale) {
    EXPECT_EQ(mail_date(*parse_rfc3339("2026-11-22T03:04:05Z")), "Sun, 22 Nov 2026 03:04:05 +0000");
    EXPECT_EQ(mail_date(*parse_rfc3339("1970-01-01T00:00:00Z")), "Thu, 01 Jan 1970 00:00:00 +0000");
}

TEST(Wire, TheSameMessageIsTheSameBytes) {
    Message m;
    m.from = *parse_address("bkmon <bkmon@example.org>");
    m.to = *parse_address("ops@example.org");
    m.subject = "CRITICAL: deposit/A/MAIN is missing\r\nBcc: evil@example.org";
    m.date = *parse_rfc3339("2026-11-22T03:04:05Z");
    m.message_id = message_id({"1", "opened"}, "example.org");
    m.references = {"<a@example.org>", "<b@example.org>"};
    m.text = "one\ntwo\n";
    m.html = "<p>one</p>\n";
    m.more = {{"X-bkmon-target", "deposit/a/\nmain"}};
    const auto bytes = wire(m);
    EXPECT_EQ(bytes, wire(m));
    EXPECT_EQ(bytes.find("\r\nBcc:"), std::string::npos);
    EXPECT_THAT(bytes, HasSubstr("\r\nIn-Reply-To: <b@example.org>\r\nReferences: <a@example.org> <b@example.org>\r\n"));
    EXPECT_THAT(bytes, HasSubstr("\r\nAuto-Submitted: auto-generated\r\n"));
    for (std::size_t at = bytes.find('\n'); at != std::string::npos; at = bytes.find('\n', at + 1)) EXPECT_EQ(bytes[at - 1], '\r');
    EXPECT_NE(message_id({"1", "opened"}, "x"), message_id({"1o", "pened"}, "x"));
}

}  // namespace
}  // namespace bkmon::alerts
