#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "samples.h"

namespace bkmon::alerts {
namespace {

/// Where BKMON_MAIL_SAMPLES names a folder, the mails are left there for tests/support/mail_pictures.py.
TEST(MailSamples, AreWholeInEachLanguage) {
    const char* folder = std::getenv("BKMON_MAIL_SAMPLES");
    for (const auto& [name, mail] : all_samples()) {
        for (const auto* part : {&mail.subject, &mail.text, &mail.html}) {
            EXPECT_EQ(part->find("{}"), std::string::npos) << name;
            EXPECT_EQ(part->find("{{"), std::string::npos) << name;
            EXPECT_EQ(part->find("}}"), std::string::npos) << name;
        }
        if (folder == nullptr) continue;
        std::ofstream(std::string(folder) + "/" + name + ".html") << mail.html;
        std::ofstream(std::string(folder) + "/" + name + ".txt") << "Subject: " << mail.subject << "\n\n" << mail.text;
    }
}

}  // namespace
}  // namespace bkmon::alerts
