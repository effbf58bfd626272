#include "daemon/deposits/vault/impl.h"

#include "common/base/text.h"

namespace bkmon::deposits {
namespace {

constexpr milliseconds kRetry{30000};

}  // namespace

Vault::Impl::Impl(loop::EventLoop& l, loop::Lane& la, files::FileOps& f, history::Store& s, targets::Registry& r, inspect::Inspector& i,
                  journal::Journal& j, Options o, std::function<void(VaultState)> on)
    : loop(l), lane(la), files(f), store(s), registry(r), inspector(i), journal(j), options(std::move(o)), on_state(std::move(on)) {
    place.root = options.root;
    retry = loop.make_timer([this] {
        if (!state.usable)
            open({});
        else
            check_room_again();
    });
}

void Vault::Impl::set_state(VaultState next) {
    const bool news = next.usable != state.usable || next.problem != state.problem;
    const bool worse = news && !next.problem.empty();
    state = std::move(next);
    if (worse) journal.log(journal::Level::error, journal::msg::vault_unavailable, state.problem, {{"BKMON_VAULT", place.root}});
    if (news && on_state) on_state(state);
}

void Vault::Impl::retry_soon() {
    if (!retry->armed()) retry->arm(kRetry);
}

/// A file that does not fit is its own problem: smaller ones may still fit, so the vault stays usable. Everything else is looked at again
/// from the marker on, recovery included, before new work starts.
void Vault::Impl::trouble(const Error& error) {
    retry_soon();
    VaultState next = state;
    next.problem = printable(error.what);
    if (error.code != Errc::no_space) next.usable = false;
    set_state(std::move(next));
}

/// Whatever the cause was: what is left half done needs recovery, and recovery needs a vault that is opened again.
void Vault::Impl::leave_to_recovery(const std::string& tx, Error error) {
    live.erase(tx);
    error.code = Errc::unavailable;
    trouble(error);
}

void Vault::Impl::in_turn(const TargetId& target, std::function<void(Turn)> start) {
    const std::string key = target.key();
    auto [queue, first] = turns.try_emplace(key);
    queue->second.push_back(std::move(start));
    if (first) next_turn(key);
}

void Vault::Impl::next_turn(const std::string& key) {
    auto queue = turns.find(key);
    if (queue == turns.end()) return;
    if (queue->second.empty()) {
        turns.erase(queue);
        return;
    }
    auto start = std::move(queue->second.front());
    queue->second.pop_front();
    // The next one starts from the loop, never from inside the end of this one.
    start(Turn(static_cast<void*>(this), [weak = weak_from_this(), key](void*) {
        auto self = weak.lock();
        if (!self) return;
        static_cast<void>(self->loop.post(Task([weak, key] {
            if (auto again = weak.lock()) again->next_turn(key);
        })));
    }));
}

void Vault::Impl::commit(history::Store::Work work, std::function<void(Result<void>)> done) {
    store.write(std::move(work), [weak = weak_from_this(), done = std::move(done)](Result<void> result) {
        if (!weak.expired()) done(std::move(result));
    });
}

void Vault::Impl::read(history::Store::Look look, std::function<void(Result<void>)> done) {
    store.read(std::move(look), [weak = weak_from_this(), done = std::move(done)](Result<void> result) {
        if (!weak.expired()) done(std::move(result));
    });
}

void Vault::Impl::forget_row(const std::string& tx, std::function<void()> done) {
    commit([tx](history::Session& s) { return s.remove_deposit_state(tx); },
           [this, tx, done = std::move(done)](Result<void> gone) {
               if (gone)
                   live.erase(tx);
               else
                   leave_to_recovery(tx, of_history(std::move(gone.error())));
               done();
           });
}

void Vault::Impl::drop_copy(const std::string& tx, std::function<void()> done) {
    on_lane(
        [&f = files, where = place, tx](std::stop_token) -> Result<void> {
            auto tree = disk::open_tree(f, where);
            if (!tree) return fail(std::move(tree.error()));
            return disk::remove_file(f, tree->root.get(), disk::temp_path(tx), 0);
        },
        [this, tx, done = std::move(done)](Result<void> gone) {
            if (gone) return forget_row(tx, done);
            leave_to_recovery(tx, std::move(gone.error()));
            done();
        });
}

}  // namespace bkmon::deposits
