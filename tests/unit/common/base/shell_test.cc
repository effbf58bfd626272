#include "common/base/shell.h"

#include <gtest/gtest.h>

namespace bkmon {
namespace {

TEST(ShellWord, QuotesWhatAShellWouldChange) {
    EXPECT_EQ(shell_word("deposit/a_b/C-1.2%20"), "deposit/a_b/C-1.2%20");
    EXPECT_EQ(shell_word("deposit/*"), "'deposit/*'");
    EXPECT_EQ(shell_word("it's $HOME"), "'it'\\''s $HOME'");
    EXPECT_EQ(shell_word(""), "''");
}

}  // namespace
}  // namespace bkmon
