// Whose folder it is: an agent's folder is taken from as long as it is the one that was taken first, by owner and by deposit root.
// Whoever may write to the deposit root can put another folder in its place, and with it what looks like that agent's backups.
#include <fmt/format.h>

#include <charconv>

#include "common/base/text.h"
#include "daemon/deposits/part_impl.h"

namespace bkmon::deposits {

std::string owner_setting(const AgentState& agent) { return "deposit_owner/" + lower(agent.folder); }

/// "<uid> <deposit root>". One of another root says nothing about this one, whose folders somebody made on purpose.
std::optional<std::uint32_t> remembered_owner(const std::string& text, const std::string& root) {
    std::uint32_t uid = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), uid);
    const auto at = static_cast<std::size_t>(end - text.data());
    if (error != std::errc() || text.substr(at) != " " + root) return std::nullopt;
    return uid;
}

void Part::Impl::remember_owner(AgentState& agent, std::uint32_t uid, std::function<void(Result<void>)> done) {
    agent.owner = uid;
    rooms.store.write([name = owner_setting(agent),
                       value = fmt::format("{} {}", uid, options.settings.root)](history::Session& s) { return s.put_setting(name, value); },
                      std::move(done));
}

/// False when nothing may be taken from what lies there.
bool Part::Impl::admit(AgentState& agent, const AgentSnapshot& snapshot) {
    if (snapshot.gone) {  // and may come back
        agent.found_owner.reset();
        admitted(agent, snapshot.gone);
        return true;
    }
    if (snapshot.linked) {
        agent.found_owner.reset();
        refuse(agent,
               fmt::format("the agent's folder is a symbolic link: it is not followed and nothing is taken from it; put the folder itself at {}/{}",
                           printable(options.settings.root), printable(agent.folder)));
        return false;
    }
    if (!snapshot.owner) return agent.refused.empty();  // it could not be entered, which is said elsewhere
    agent.found_owner = snapshot.owner;
    if (!agent.owner && !agent.jobs.empty())
        remember_owner(agent, *snapshot.owner, [&agent, self = weak_from_this()](Result<void> kept) {
            if (!self.expired() && !kept) agent.owner.reset();  // with the next look
        });
    if (agent.owner && *agent.owner != *snapshot.owner) {
        refuse(agent,
               fmt::format("the agent's folder belongs to uid {} now, before to uid {}: nothing is taken from it; give it back (chown) or, if the "
                           "new owner is right, run 'bkmonctl deposits adopt {} --write'",
                           *snapshot.owner, *agent.owner, printable(agent.folder)));
        return false;
    }
    admitted(agent, snapshot.gone);
    return true;
}

void Part::Impl::refuse(AgentState& agent, std::string why) {
    if (agent.refused != why) {
        agent.refused_since = agent.refused.empty() ? now() : agent.refused_since;
        agent.refused = std::move(why);
        rooms.journal.log(journal::Level::error, journal::msg::deposit_refused, fmt::format("agent {}: {}", printable(agent.folder), agent.refused),
                          {{"BKMON_AGENT", agent.folder}, {"BKMON_REASON", "folder_changed"}});
    }
    auto verdict = plain_verdict(core::Status::failed, "folder_changed", agent.refused);
    verdict.at = agent.refused_since;
    for (const Job* job : agent.jobs) rooms.registry.overrule(job->id, verdict);
}

void Part::Impl::admitted(AgentState& agent, bool gone) {
    if (!agent.refused.empty()) {
        agent.refused.clear();
        rooms.journal.log(journal::Level::notice, journal::msg::note,
                          fmt::format("agent {}: {}", printable(agent.folder),
                                      gone ? "the folder that was refused is gone" : "its folder is right: deposits are taken from it again"),
                          {{"BKMON_AGENT", agent.folder}});
    }
    for (const Job* job : agent.jobs) rooms.registry.overrule(job->id, std::nullopt);
}

std::optional<RefusedFolder> Part::refused_folder(const std::string& agent) const {
    const auto it = impl_->agents.find(lower(agent));
    if (it == impl_->agents.end() || it->second->refused.empty()) return std::nullopt;
    return RefusedFolder{it->second->folder, it->second->found_owner, it->second->refused};
}

void Part::accept_owner(const std::string& agent, std::uint32_t uid, const std::string& by, std::function<void(Result<void>)> done) {
    const auto it = impl_->agents.find(lower(agent));
    if (it == impl_->agents.end() || it->second->refused.empty() || it->second->found_owner != uid)
        return done(fail(Errc::not_found, fmt::format("the folder of '{}' does not wait for uid {} to be accepted", printable(agent), uid)));
    AgentState& state = *it->second;
    const auto before = state.owner;
    impl_->remember_owner(state, uid, [impl = impl_->weak_from_this(), &state, before, uid, by, done = std::move(done)](Result<void> kept) {
        auto self = impl.lock();
        if (!self) return;
        if (kept)
            self->rooms.journal.log(journal::Level::notice, journal::msg::operator_action,
                                    fmt::format("agent {}: uid {} is accepted as the owner of its folder by {}", printable(state.folder), uid, by),
                                    {{"BKMON_AGENT", state.folder}});
        else
            state.owner = before;
        if (self->arrival) self->arrival->look_at(state.folder);
        done(std::move(kept));
    });
}

}  // namespace bkmon::deposits
