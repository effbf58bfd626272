#include "daemon/control/authorisation.h"

#include <grp.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "common/base/unique_fd.h"

namespace bkmon::control {
namespace {

using protocol::Role;

core::ControlSettings settings_with(std::vector<std::string> admin, std::vector<std::string> oper = {}, std::vector<std::string> viewer = {}) {
    core::ControlSettings s;
    s.roles_given = true;
    s.admin = std::move(admin);
    s.oper = std::move(oper);
    s.viewer = std::move(viewer);
    return s;
}

Role role_of(const Roles& roles, std::uint32_t uid, std::vector<std::uint32_t> groups = {}) { return roles.access({uid, 1, std::move(groups)}).role; }

TEST(Roles, NobodyMayDoAnythingByDefault) {
    EXPECT_EQ(role_of(Roles(), 0), Role::none);
    EXPECT_EQ(role_of(Roles(), 1000, {0}), Role::none);
}

TEST(Roles, WithoutRolesRootAndTheDaemonItselfAreAdmins) {
    const auto roles = Roles::resolve({}, 990);
    EXPECT_EQ(role_of(roles, 0), Role::admin);
    EXPECT_EQ(role_of(roles, 990), Role::admin);
    EXPECT_EQ(role_of(roles, 1000), Role::none);
    EXPECT_EQ(role_of(roles, 1000, {0, 990}), Role::none);  // groups give nothing
}

TEST(Roles, GivenRolesAreAllThereIs) {
    const auto roles = Roles::resolve(settings_with({"daemon"}, {"@daemon"}, {"1000", "@4242"}), 990);
    EXPECT_TRUE(roles.warnings().empty());
    EXPECT_EQ(role_of(roles, 1), Role::admin);  // "daemon" is uid 1 and gid 1 in Debian
    EXPECT_EQ(role_of(roles, 5, {1}), Role::oper);
    EXPECT_EQ(role_of(roles, 1000), Role::viewer);
    EXPECT_EQ(role_of(roles, 5, {7, 4242}), Role::viewer);
    EXPECT_EQ(role_of(roles, 0), Role::none);
    EXPECT_EQ(role_of(roles, 990), Role::none);
    EXPECT_EQ(roles.user_name(1), "daemon");
    EXPECT_EQ(roles.user_name(77777), "77777");
}

TEST(Roles, UnknownNamesWarnAndGiveNothing) {
    const auto roles = Roles::resolve(settings_with({"no-such-user", "@no-such-group", "4294967296"}), 990);
    ASSERT_EQ(roles.warnings().size(), 3U);
    EXPECT_EQ(roles.warnings()[0], "there is no user 'no-such-user': nobody has that right");
    EXPECT_EQ(roles.warnings()[1], "there is no group 'no-such-group': nobody has that right");
    EXPECT_EQ(role_of(roles, 0), Role::none);
}

TEST(Roles, TheOverflowIdsAreNobodyEvenWhenNamed) {
    const auto roles = Roles::resolve(settings_with({"65534", "@65534", "@4242"}), 65534);
    EXPECT_EQ(roles.warnings().size(), 2U);
    EXPECT_EQ(role_of(roles, 65534), Role::none);
    EXPECT_EQ(role_of(roles, 65534, {4242}), Role::none);
    EXPECT_EQ(role_of(roles, 0xffffffffU, {4242}), Role::none);
    EXPECT_EQ(role_of(roles, 1000, {65534}), Role::none);
    EXPECT_EQ(role_of(roles, 1000, {4242}), Role::admin);
    EXPECT_EQ(role_of(Roles::resolve({}, 65534), 65534), Role::none);
}

TEST(Roles, GrantsLimitARoleToTargets) {
    auto s = settings_with({}, {}, {"1000"});
    s.grants.push_back({"1000", "operator", {"instance/acme-*"}});
    s.grants.push_back({"@4242", "operator", {"deposit/x/*"}});
    s.grants.push_back({"1000", "emperor", {}});
    const auto roles = Roles::resolve(s, 990);
    ASSERT_EQ(roles.warnings().size(), 1U);
    const Peer peer{1000, 7, {4242}};
    const auto access = roles.access(peer);
    EXPECT_EQ(access.role, Role::oper);
    // A viewer of everything stays one; operating is limited by all grants together.
    EXPECT_TRUE(roles.caller(peer, access, Role::viewer).targets.empty());
    EXPECT_EQ(roles.caller(peer, access, Role::oper).targets, (std::vector<std::string>{"instance/acme-*", "deposit/x/*"}));
    const Peer group_only{5, 7, {4242}};
    const auto limited = roles.access(group_only);
    EXPECT_EQ(roles.caller(group_only, limited, Role::viewer).targets, (std::vector<std::string>{"deposit/x/*"}));
}

TEST(Peer, ComesFromTheKernel) {
    std::array<int, 2> pair{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair.data()), 0);
    const UniqueFd a(pair[0]), b(pair[1]);
    const auto peer = peer_of(a.get());
    ASSERT_TRUE(peer);
    EXPECT_EQ(peer->uid, ::geteuid());
    EXPECT_EQ(peer->pid, ::getpid());
    EXPECT_NE(std::find(peer->groups.begin(), peer->groups.end(), ::getegid()), peer->groups.end());
    EXPECT_FALSE(peer_of(-1));
}

TEST(Peer, HasAllItsGroupsHoweverMany) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root: gives itself 200 groups";
    std::vector<gid_t> before(256);
    const int count = ::getgroups(static_cast<int>(before.size()), before.data());
    std::vector<gid_t> many;
    for (gid_t g = 5000; g < 5200; ++g) many.push_back(g);
    ASSERT_EQ(::setgroups(many.size(), many.data()), 0);
    std::array<int, 2> pair{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair.data()), 0);
    ASSERT_EQ(::setgroups(static_cast<std::size_t>(count), before.data()), 0);
    const UniqueFd a(pair[0]), b(pair[1]);
    const auto peer = peer_of(a.get());
    ASSERT_TRUE(peer);
    EXPECT_EQ(peer->groups.size(), 201U);
    auto s = settings_with({}, {}, {"@5199"});
    EXPECT_EQ(role_of(Roles::resolve(s, 990), 1000, peer->groups), Role::viewer);
}

}  // namespace
}  // namespace bkmon::control
