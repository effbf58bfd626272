#include "daemon/platform/smb/worker/status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "common/base/text.h"

namespace bkmon::smb {
namespace {

constexpr std::uint32_t kAccessDenied = 0xc0000022, kLogonFailure = 0xc000006d;

TEST(Status, TheSameStatusMeansSomethingElseAtEachStage) {
    EXPECT_EQ(trouble_of(kAccessDenied, Stage::connect).outcome, Outcome::protocol) << "no signing";
    EXPECT_EQ(trouble_of(kAccessDenied, Stage::login).outcome, Outcome::login_refused);
    EXPECT_EQ(trouble_of(kAccessDenied, Stage::folder).outcome, Outcome::access_denied);
    EXPECT_EQ(trouble_of_errno(EACCES, Stage::login).outcome, Outcome::login_refused);
    EXPECT_EQ(trouble_of_errno(EACCES, Stage::folder).outcome, Outcome::access_denied);
    EXPECT_EQ(trouble_of_errno(ENOENT, Stage::connect).outcome, Outcome::protocol);
}

TEST(Status, EveryWayALoginCanFailHasItsOwnAnswer) {
    const std::pair<std::uint32_t, Outcome> logins[]{{kLogonFailure, Outcome::login_refused}, {0xc000006a, Outcome::login_refused},
                                                     {0xc0000064, Outcome::login_refused},    {0xc000015b, Outcome::login_refused},
                                                     {0xc0000234, Outcome::account_locked},   {0xc0000071, Outcome::password_expired},
                                                     {0xc0000224, Outcome::password_expired}, {0xc0000072, Outcome::password_expired},
                                                     {0xc0000193, Outcome::password_expired}, {0xc0000133, Outcome::clock_skew},
                                                     {0xc000005e, Outcome::protocol},         {0xc0000418, Outcome::protocol},
                                                     {0xc00000b5, Outcome::timeout},          {0xc000020d, Outcome::reset},
                                                     {0xc00000c3, Outcome::protocol}};
    for (const auto& [status, outcome] : logins) EXPECT_EQ(trouble_of(status, Stage::login).outcome, outcome) << std::hex << status;
}

TEST(Status, ShareAndFolderAreToldApart) {
    const std::pair<std::uint32_t, Outcome> folders[]{
        {0xc00000cc, Outcome::no_share},  {0xc0000034, Outcome::no_folder},    {0xc000003a, Outcome::no_folder}, {0xc0000103, Outcome::no_folder},
        {0xc0000257, Outcome::no_folder}, {0x8000002d, Outcome::no_folder},    {0xc0000013, Outcome::no_folder}, {0xc00000b5, Outcome::timeout},
        {0xc0000203, Outcome::reset},     {0xc0000185, Outcome::access_denied}};
    for (const auto& [status, outcome] : folders) EXPECT_EQ(trouble_of(status, Stage::folder).outcome, outcome) << std::hex << status;
}

TEST(Status, ConnectionsFailInWaysOfTheirOwn) {
    EXPECT_EQ(trouble_of(0xc0000236, Stage::connect).outcome, Outcome::refused);
    EXPECT_EQ(trouble_of(0xc000023d, Stage::connect).outcome, Outcome::unreachable);
    EXPECT_EQ(trouble_of(0xc0000017, Stage::connect).outcome, Outcome::reset) << "cut at once";
    EXPECT_EQ(trouble_of_errno(EHOSTUNREACH, Stage::connect).outcome, Outcome::unreachable);
    EXPECT_EQ(trouble_of_errno(ETIMEDOUT, Stage::connect).outcome, Outcome::timeout);
    EXPECT_EQ(trouble_of_errno(ECONNREFUSED, Stage::connect).outcome, Outcome::refused);
    EXPECT_EQ(trouble_of_errno(ENETRESET, Stage::folder).outcome, Outcome::reset);
    EXPECT_EQ(trouble_of_errno(EINVAL, Stage::connect).outcome, Outcome::protocol);
}

TEST(Status, WhatNobodyKnowsIsNamedByItsNumber) {
    for (const auto stage : {Stage::connect, Stage::login, Stage::folder}) {
        const auto t = trouble_of(0xc0fe1234, stage);
        EXPECT_EQ(t.outcome, Outcome::protocol);
        EXPECT_THAT(t.detail, testing::HasSubstr("0xc0fe1234"));
        EXPECT_EQ(printable(t.detail), t.detail);
    }
    EXPECT_EQ(status_name(0xc00000cc), "NT_STATUS_BAD_NETWORK_NAME");
}

TEST(Status, AFileInUseIsNoneThatCannotBeRead) {
    EXPECT_EQ(unreadable(0xc0000043).content, Visit::Content::in_use);
    EXPECT_EQ(unreadable(0xc0000054).content, Visit::Content::in_use);
    EXPECT_EQ(unreadable(0xc000000d).content, Visit::Content::not_opened);
    EXPECT_EQ(unreadable(kAccessDenied).content, Visit::Content::not_opened);
    EXPECT_EQ(unreadable(0xc0000034).content, Visit::Content::changed);
    EXPECT_EQ(unreadable(0).content, Visit::Content::not_opened);
}

}  // namespace
}  // namespace bkmon::smb
