#include "common/base/still_printable.h"

#include <gtest/gtest.h>

#include "common/base/text.h"

namespace bkmon {
namespace {

TEST(StillPrintable, WhatWasMadePrintableStaysAsItIs) {
    for (const std::string_view text : {"CORP\\svc_backup", "a\nb", "\x1b[31m", "bidi \u202E", "\\\\server\\share", "\xff"}) {
        const auto once = printable(text);
        EXPECT_EQ(printable(still_printable(once)), printable(once)) << once;
        EXPECT_EQ(still_printable(once), once);
        EXPECT_TRUE(is_printable(once)) << once;
    }
}

TEST(StillPrintable, WhatWasNotIsMadeSo) {
    EXPECT_EQ(still_printable("CORP\\svc"), "CORP\\svc");
    EXPECT_EQ(still_printable("a\r\nBcc: x"), "a\\r\\nBcc: x");
    EXPECT_EQ(still_printable("\\\n"), "\\\\n") << "a backslash before a line break, which stays escaped";
    EXPECT_TRUE(is_printable("") && is_printable("CORP\\svc, Läden"));
    for (const std::string_view text : {"a\nb", "\x1b[31m", "bidi \u202E", "\xff", "\\\n", "\x7f"})
        EXPECT_FALSE(is_printable(text)) << printable(text);
}

}  // namespace
}  // namespace bkmon
