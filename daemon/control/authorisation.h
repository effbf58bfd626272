#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/protocol/methods.h"
#include "daemon/control/dispatcher.h"
#include "daemon/core/settings/settings.h"

namespace bkmon::control {

/// The other end of a connection, by the kernel's word at connect (SO_PEERCRED, SO_PEERGROUPS): later changes of that process do not count.
struct Peer {
    std::uint32_t uid = 65534;
    std::int32_t pid = 0;               ///< 0: in a process namespace that we do not see
    std::vector<std::uint32_t> groups;  ///< all of them, the primary one included
};
Result<Peer> peer_of(int socket);

/// What one peer may do.
struct Access {
    protocol::Role role = protocol::Role::none;
    /// By the role that a method needs: the globs of targets it may be used for; empty: all.
    std::array<std::vector<std::string>, 4> targets;
    friend bool operator==(const Access&, const Access&) = default;
};

/// Users and groups of the configuration, as numbers. A value; a default one lets nobody do anything.
class Roles {
public:
    /// Asks the name service, which may take long: off the loop. `own_uid` is the daemon's. Names that are not known give a warning and no right.
    static Roles resolve(const core::ControlSettings& settings, std::uint32_t own_uid);

    /// The highest role counts; its limits are those of all rules that give at least the role that a method needs.
    /// The kernel's overflow ids (a peer whose user has no number here) never have any.
    Access access(const Peer& peer) const;
    /// The name, or the number when it is not known without asking the name service.
    std::string user_name(std::uint32_t uid) const;
    /// For the method that needs `needed`.
    Caller caller(const Peer& peer, const Access& access, protocol::Role needed) const;
    /// Sentences about control.roles.
    const std::vector<std::string>& warnings() const { return warnings_; }

private:
    struct Rule {
        bool group = false;
        std::uint32_t id = 0;
        protocol::Role role = protocol::Role::none;
        std::vector<std::string> targets;
    };
    void add(const std::string& who, protocol::Role role, const std::vector<std::string>& targets);
    void add_user(const std::string& name, Rule rule);
    void add_group(const std::string& name, Rule rule);
    bool is_overflow(std::uint32_t id) const;

    std::vector<Rule> rules_;
    std::map<std::uint32_t, std::string> names_;
    std::vector<std::string> warnings_;
    std::uint32_t overflow_uid_ = 65534, overflow_gid_ = 65534;
};

}  // namespace bkmon::control
