#include "daemon/platform/service/credential.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "tests/support/temp_tree.h"

namespace bkmon::test {
namespace {

using service::read_credential;

class Credential : public testing::Test {
protected:
    Credential() {
        tree.make_dirs("credentials");
        ::setenv("CREDENTIALS_DIRECTORY", tree.at("credentials").c_str(), 1);
    }
    ~Credential() override { ::unsetenv("CREDENTIALS_DIRECTORY"); }
    /// The error's name, or "read".
    static std::string outcome(const Result<std::string>& got) { return got ? "read" : std::string(name_of(got.error().code)); }
    TempTree tree;
};

TEST_F(Credential, IsReadByteForByteEachTime) {
    const std::string bytes("a\0b\n\xff", 5);
    tree.put("credentials/smtp.password", bytes);
    EXPECT_EQ(read_credential("smtp.password").value_or("?"), bytes);
    tree.put("credentials/smtp.password", "new");
    EXPECT_EQ(read_credential("smtp.password").value_or("?"), "new");
    tree.put("credentials/empty", "");
    EXPECT_EQ(read_credential("empty").value_or("?"), "");
}

TEST_F(Credential, ThatIsAbsentIsSaidToBe) {
    const auto absent = read_credential("smtp.password");
    ASSERT_FALSE(absent);
    EXPECT_EQ(absent.error().code, Errc::not_found);
    EXPECT_EQ(absent.error().what, "credential smtp.password was not passed by the service manager");
    for (const bool empty : {true, false}) {
        empty ? ::setenv("CREDENTIALS_DIRECTORY", "", 1) : ::unsetenv("CREDENTIALS_DIRECTORY");
        const auto none = read_credential("smtp.password");
        ASSERT_FALSE(none);
        EXPECT_EQ(none.error().code, Errc::not_found);
        EXPECT_EQ(none.error().what, "credential smtp.password: the service manager passed no credentials");
    }
}

TEST_F(Credential, NamesThatCouldLeaveTheFolderAreRefused) {
    tree.put("outside", "secret");
    tree.put("credentials/.hidden", "secret");
    for (const std::string name : {"", ".", "..", "../outside", "/etc/shadow", ".hidden", "a/b", "a b", "a\nb", "caf\xc3\xa9", "a:b", "%n"}) {
        const auto got = read_credential(name);
        ASSERT_FALSE(got) << name;
        EXPECT_EQ(got.error().code, Errc::invalid) << name;
    }
    EXPECT_FALSE(read_credential(std::string("a\0b", 3)));
    EXPECT_EQ(outcome(read_credential(std::string(256, 'a'))), "invalid");
    EXPECT_EQ(outcome(read_credential(std::string(255, 'a'))), "not_found");
}

TEST_F(Credential, OnlyAPlainFileIsOne) {
    tree.put("outside", "secret");
    ASSERT_EQ(::symlink(tree.at("outside").c_str(), tree.at("credentials/link").c_str()), 0);
    ASSERT_EQ(::mkfifo(tree.at("credentials/fifo").c_str(), 0600), 0);
    tree.make_dirs("credentials/folder");
    for (const auto& [name, words] : {std::pair("link", "credential link is a symbolic link"), std::pair("fifo", "credential fifo is no plain file"),
                                      std::pair("folder", "credential folder is no plain file")}) {
        const auto got = read_credential(name);
        ASSERT_FALSE(got) << name;
        EXPECT_EQ(got.error().code, Errc::invalid) << name;
        EXPECT_EQ(got.error().what, words);
    }
}

TEST_F(Credential, AFolderThatIsALinkOrNoPathIsNotUsed) {
    tree.put("credentials/a", "secret");
    ASSERT_EQ(::symlink(tree.at("credentials").c_str(), tree.at("link").c_str()), 0);
    ::setenv("CREDENTIALS_DIRECTORY", tree.at("link").c_str(), 1);
    EXPECT_FALSE(read_credential("a"));
    ::setenv("CREDENTIALS_DIRECTORY", "credentials", 1);
    EXPECT_EQ(outcome(read_credential("a")), "invalid");
    ::setenv("CREDENTIALS_DIRECTORY", tree.at("nothing").c_str(), 1);
    ASSERT_EQ(outcome(read_credential("a")), "not_found");
    EXPECT_EQ(read_credential("a").error().what, "credential a: $CREDENTIALS_DIRECTORY cannot be entered: No such file or directory");
}

TEST_F(Credential, SizeHasALimit) {
    tree.put("credentials/a", std::string(1 << 20, 'x'));
    EXPECT_EQ(read_credential("a").value_or("").size(), 1u << 20);
    tree.put("credentials/a", std::string((1 << 20) + 1, 'x'));
    ASSERT_EQ(outcome(read_credential("a")), "invalid");
    EXPECT_EQ(read_credential("a").error().what, "credential a is larger than 1.0 MiB");
    tree.put("credentials/a", "12345");
    EXPECT_EQ(read_credential("a", 5).value_or("?"), "12345");
    EXPECT_EQ(outcome(read_credential("a", 4)), "invalid");
}

}  // namespace
}  // namespace bkmon::test
