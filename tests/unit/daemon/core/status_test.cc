#include "daemon/core/status.h"

#include <gtest/gtest.h>

#include <set>

#include "daemon/core/reason_codes.h"

namespace bkmon::core {
namespace {

TEST(Status, EveryNameReadsBack) {
    std::set<std::string_view> names;
    for (const Status s : kStatuses) {
        names.insert(name_of(s));
        EXPECT_EQ(status_of(name_of(s)), s);
    }
    EXPECT_EQ(names.size(), kStatuses.size());
    EXPECT_FALSE(status_of("OK"));
    EXPECT_FALSE(status_of(""));
}

TEST(Status, SeverityOfEach) {
    EXPECT_EQ(severity_of(Status::ok), Severity::ok);
    EXPECT_EQ(severity_of(Status::paused), Severity::ok);
    for (const Status s : {Status::unchanged, Status::warning, Status::held, Status::late})
        EXPECT_EQ(severity_of(s), Severity::warning) << name_of(s);
    for (const Status s : {Status::missing, Status::failed, Status::corrupt, Status::unreachable})
        EXPECT_EQ(severity_of(s), Severity::critical) << name_of(s);
    EXPECT_EQ(severity_of(Status::unknown), Severity::unknown);
}

TEST(Status, WorstIsTheGreatest) {
    EXPECT_GT(Severity::critical, Severity::unknown);
    EXPECT_GT(Severity::unknown, Severity::warning);
    EXPECT_GT(Severity::warning, Severity::ok);
    for (const Severity s : {Severity::ok, Severity::warning, Severity::unknown, Severity::critical}) EXPECT_EQ(severity_of(name_of(s)), s);
    EXPECT_EQ(name_of(Severity::critical), "CRITICAL");
    EXPECT_FALSE(severity_of("critical"));
}

TEST(Status, OnlyOkAndUnchangedAreGood) {
    for (const Status s : kStatuses) EXPECT_EQ(is_good(s), s == Status::ok || s == Status::unchanged) << name_of(s);
}

TEST(Reasons, AreFoundByCodeAndUnique) {
    std::set<std::string_view> codes;
    for (const Reason& reason : kReasons) {
        EXPECT_TRUE(codes.insert(reason.code).second) << reason.code;
        ASSERT_EQ(find_reason(reason.code), &reason);
        EXPECT_TRUE(reason.meaning.ends_with('.') || reason.meaning.ends_with('?')) << reason.meaning;
    }
    EXPECT_EQ(find_reason("hash"), nullptr);
    EXPECT_EQ(find_reason(""), nullptr);
}

}  // namespace
}  // namespace bkmon::core
