#include "daemon/core/mail_address.h"

#include <gtest/gtest.h>

#include "common/base/text.h"

namespace bkmon::core {
namespace {

TEST(MailAddressText, NameAndAddressAreToldApart) {
    const auto plain = parse_mail_address(" ops@example.org ");
    ASSERT_TRUE(plain);
    EXPECT_EQ(*plain, (MailAddress{"", "ops@example.org"}));
    EXPECT_EQ(*parse_mail_address("Night shift <ops+night@mail.example.org>"), (MailAddress{"Night shift", "ops+night@mail.example.org"}));
    EXPECT_EQ(*parse_mail_address("\"A. B\" <a@[192.0.2.1]>"), (MailAddress{"A. B", "a@[192.0.2.1]"}));
    EXPECT_EQ(parse_mail_address("Équipe <e@x.fr>")->name, "Équipe");
}

TEST(MailAddressText, WhatAServerCouldTakeForSyntaxIsRefused) {
    for (const std::string bad :
         {"", "ops", "@x.org", "ops@", "-ops@x.org", "ops@-x.org", "a b@x.org", "ops@x.org\r\nRCPT TO:<evil@x.org>", "a@x.org>", "<a@x.org> b",
          "a..b@x.org", ".a@x.org", "a@x..org", "\"a b\"@x.org", "a@x.org,b@x.org", "a\x00b@x.org"})
        EXPECT_FALSE(parse_mail_address(bad)) << printable(bad);
    EXPECT_FALSE(parse_mail_address(std::string(65, 'a') + "@x.org"));
    EXPECT_FALSE(parse_mail_address("a@" + std::string(250, 'x') + ".org"));
    EXPECT_FALSE(parse_mail_address("a\x1b[2J <a@x.org>"));
}

}  // namespace
}  // namespace bkmon::core
