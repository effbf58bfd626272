#include "daemon/control/glob_within.h"

#include <gtest/gtest.h>

#include <random>

#include "common/base/text.h"

namespace bkmon::control {
namespace {

TEST(GlobWithin, SeesWhatIsAPartOfWhat) {
    struct Case {
        const char *inner, *outer;
        bool within;
    };
    for (const Case& c : {
             Case{"deposit/acme_lyon/crm", "deposit/acme_*", true},
             Case{"DEPOSIT/acme_lyon/crm", "deposit/ACME_*", true},
             Case{"deposit/acme_*/crm", "deposit/acme_*", true},
             Case{"deposit/acme_*", "deposit/acme_*", true},
             Case{"deposit/acme_*", "deposit/acme_*/crm", false},
             Case{"deposit/*", "deposit/acme_*", false},
             Case{"*", "deposit/*", false},
             Case{"*", "*", true},
             Case{"*", "**", true},
             Case{"", "*", true},
             Case{"", "", true},
             Case{"", "?", false},
             Case{"a?c", "a*", true},
             Case{"a?c", "a?c", true},
             Case{"a*c", "a?c", false},
             Case{"a[bc]d", "a?d", true},
             Case{"a[bc]d", "a[bc]d", true},
             Case{"a[bc]d", "a[bcx]d", false},  // it is, but that is not looked into
             Case{"abd", "a[b-d]d", true},
             Case{"aed", "a[b-d]d", false},
             Case{"a]d", "a[]x]d", true},
             Case{"a[d", "a[d", true},
             Case{"deposit/acme_lyon", "deposit/acme_lyon/*", false},
             Case{"x*y*z", "*y*", true},
             Case{"x*z", "*y*", false},
             Case{"\xc3\xa9", "*", false},
         })
        EXPECT_EQ(glob_within(c.inner, c.outer), c.within) << c.inner << " in " << c.outer;
}

/// Whatever it says yes to is true for texts that the inner one matches.
TEST(GlobWithin, NeverSaysYesWhereATextGetsOut) {
    std::mt19937 random(20261122);
    const auto any = [&](std::string_view letters, std::size_t most) {
        std::string text;
        for (std::size_t n = random() % (most + 1); n > 0; --n) text += letters[random() % letters.size()];
        return text;
    };
    int yes = 0, tried = 0;
    for (int i = 0; i < 20000; ++i) {
        const auto inner = any("ab*?[]!-", 6), outer = any("ab*?[]!-", 6);
        if (!glob_within(inner, outer)) continue;
        ++yes;
        for (int k = 0; k < 60; ++k) {
            const auto text = any("ab[]!-", 6);
            if (!glob_match(inner, text)) continue;
            ++tried;
            EXPECT_TRUE(glob_match(outer, text)) << inner << " in " << outer << " but " << text;
        }
    }
    EXPECT_GT(yes, 500);
    EXPECT_GT(tried, 500);
}

}  // namespace
}  // namespace bkmon::control
