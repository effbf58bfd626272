#include "daemon/runs/scheduler.h"

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "daemon/runs/handled.h"

namespace bkmon::runs {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr milliseconds kLongestSleep = hours(1);  // a clock set without anybody telling us is noticed by then
constexpr milliseconds kWriteAgain = std::chrono::seconds(30);
constexpr milliseconds kPunctual = minutes(1);
constexpr milliseconds kJump = minutes(1);  // wall against boot; less is slewing and rounding
constexpr milliseconds kForget = hours(1);  // of an entry that was removed
constexpr int kEntriesATurn = 100;          // thousands of deadlines may fall on one moment: the loop goes on in between

using EntryPtr = std::shared_ptr<const Scheduler::Entry>;

struct Known {
    std::optional<Time> last_at;
    std::string last_result;
    Handled handled;
    std::optional<core::Schedule> schedule;  // that it speaks of
    std::optional<BootTime> removed_at;
};

struct Item {
    EntryPtr entry;
    std::optional<Time> wake;
};

bool same(const std::optional<core::Schedule>& a, const core::Schedule& b) { return a && a->text() == b.text() && a->zone() == b.zone(); }

/// The ids of items, which own them.
using Wake = std::pair<Time, const std::string*>;
struct Sooner {
    bool operator()(const Wake& a, const Wake& b) const { return std::tie(a.first, *a.second) < std::tie(b.first, *b.second); }
};

}  // namespace

struct Scheduler::Impl : std::enable_shared_from_this<Impl> {
    Impl(loop::EventLoop& l, history::Store& s) : loop(l), store(s), wall(l.clock().now()), boot(l.clock().boot()) {}

    loop::EventLoop& loop;
    history::Store& store;
    std::unique_ptr<loop::Timer> timer;
    bool loaded = false, turn_posted = false;
    std::map<std::string, history::ScheduleStateRow> rows;  // read at start, until its entry is set
    std::map<std::string, Known> known;
    std::map<std::string, Item> items;
    std::set<Wake, Sooner> wakes;
    std::deque<std::string> due;  // ids to look at in this round
    bool jumped = false;          // this round follows a jump of the wall clock
    std::set<std::string> dirty;
    std::optional<BootTime> write_again;
    Time wall;  // both clocks at the last look
    BootTime boot;

    Time now() const { return loop.clock().now(); }

    Known remembered(const Entry& entry) {
        Known k;
        const Time up_to = now() - entry.offset;
        const auto row = rows.find(entry.id);
        if (row != rows.end() && row->second.last_evaluated && entry.catch_up) {
            k.handled = Handled::stored(*row->second.last_evaluated, row->second.last_at, up_to, now());
        } else {
            k.handled = Handled::fresh(up_to, now());
            dirty.insert(entry.id);
        }
        if (row != rows.end()) {
            k.last_at = row->second.last_at;
            k.last_result = row->second.last_result;
            rows.erase(row);
        }
        return k;
    }

    /// Joins the entry with what is remembered of it.
    void adopt(const Entry& entry) {
        auto it = known.find(entry.id);
        if (it == known.end()) {
            it = known.emplace(entry.id, remembered(entry)).first;
        } else {
            Known& k = it->second;
            const bool forgotten = k.removed_at && loop.clock().boot() - *k.removed_at > kForget;
            if (forgotten || !same(k.schedule, entry.schedule)) {
                k.handled = Handled::fresh(now() - entry.offset, now());
                dirty.insert(entry.id);
            }
        }
        it->second.schedule = entry.schedule;
        it->second.removed_at.reset();
    }

    void index(const std::string& id, Item& item) {
        if (item.wake) wakes.erase({*item.wake, &id});
        const auto next = item.entry->schedule.next_after(known[id].handled.reached());
        item.wake = next ? std::optional(*next + item.entry->offset) : std::nullopt;
        if (item.wake) wakes.insert({*item.wake, &items.find(id)->first});
    }

    void post_turn() {
        if (!loaded || std::exchange(turn_posted, true)) return;
        static_cast<void>(loop.post(Task([self = weak_from_this()] {
            const auto me = self.lock();
            if (!me) return;
            me->turn_posted = false;
            me->turn();
        })));
    }

    /// One round of looking, in turns of the loop.
    void turn() {
        if (due.empty()) begin_round();
        for (int i = 0; i < kEntriesATurn && !due.empty(); ++i) {
            const std::string id = std::move(due.front());
            due.pop_front();
            look(id);
        }
        if (!due.empty()) return post_turn();
        jumped = false;
        flush();
        sleep();
    }

    void begin_round() {
        const milliseconds by_wall = now() - wall;
        const milliseconds by_boot = loop.clock().boot() - boot;
        const bool set = by_wall - by_boot > kJump || by_boot - by_wall > kJump;
        jumped = by_wall - by_boot > kJump;
        const bool back = by_wall < milliseconds(0);
        wall = now();
        boot = loop.clock().boot();
        for (const auto& [wake, id] : wakes) {
            if (wake > wall && !set && !back) break;
            due.push_back(*id);
        }
        if (!set && !back) return;
        for (const auto& [id, item] : items)
            if (!item.wake) due.push_back(id);  // its last moment may lie ahead again
    }

    void look(const std::string& id) {
        const auto it = items.find(id);
        if (it == items.end()) return;
        const EntryPtr entry = it->second.entry;  // fire() may replace or remove it
        const Time time = now();
        const auto moment = known[id].handled.take(entry->schedule, time - entry->offset, jumped);
        index(id, it->second);
        if (!moment) return;
        dirty.insert(id);
        if (!entry->catch_up && time - (*moment + entry->offset) > kPunctual) return;
        known[id].last_at = *moment;
        std::string result = entry->fire ? entry->fire(*moment) : std::string();
        known[id].last_result = std::move(result);
    }

    void sleep() {
        if (items.empty() && !write_again) return timer->cancel();
        milliseconds wait = kLongestSleep;
        if (!wakes.empty()) wait = std::min(wait, wakes.begin()->first - now());
        if (write_again) wait = std::min(wait, *write_again - loop.clock().boot());
        timer->arm(std::max(wait, milliseconds(0)));
    }

    void flush() {
        if (dirty.empty() || (write_again && loop.clock().boot() < *write_again)) return;
        write_again.reset();
        auto changed = std::make_shared<std::vector<history::ScheduleStateRow>>();
        for (const auto& id : dirty) {
            const auto it = known.find(id);
            if (it == known.end()) continue;
            changed->push_back({id, it->second.last_at, it->second.last_result, it->second.handled.evaluated(now())});
        }
        dirty.clear();
        store.write(
            [changed](history::Session& session) -> Result<void> {
                for (const auto& row : *changed)
                    if (auto put = session.put_schedule_state(row); !put) return put;
                return {};
            },
            [self = weak_from_this(), changed](Result<void> done) {
                const auto me = self.lock();
                if (done || !me) return;
                for (const auto& row : *changed) me->dirty.insert(row.id);
                me->write_again = me->loop.clock().boot() + kWriteAgain;
                me->sleep();
            });
    }
};

Scheduler::Scheduler(loop::EventLoop& loop, history::Store& store) : impl_(std::make_shared<Impl>(loop, store)) {
    impl_->timer = loop.make_timer([impl = impl_.get()] { impl->post_turn(); });
}

Scheduler::~Scheduler() {
    impl_->wakes.clear();
    impl_->items.clear();  // a round may be under way, and one of its callbacks may destroy this
}

void Scheduler::load(std::function<void(Result<void>)> done) {
    auto rows = std::make_shared<std::vector<history::ScheduleStateRow>>();
    impl_->store.read(
        [rows](history::Reader& reader) -> Result<void> {
            auto read = reader.schedule_states();
            if (!read) return fail(std::move(read.error()));
            *rows = std::move(*read);
            return {};
        },
        [self = std::weak_ptr(impl_), rows, done = std::move(done)](Result<void> read) {
            const auto me = self.lock();
            if (!me) return;
            if (read) {
                for (auto& row : *rows) me->rows.insert_or_assign(row.id, row);
                for (auto& [id, item] : me->items) {
                    me->adopt(*item.entry);
                    me->index(id, item);
                }
                me->loaded = true;
                me->post_turn();
            }
            if (done) done(std::move(read));
        });
}

void Scheduler::set(Entry entry) {
    const std::string id = entry.id;
    Item& item = impl_->items[id];
    item.entry = std::make_shared<const Entry>(std::move(entry));
    if (!impl_->loaded) return;
    impl_->adopt(*item.entry);
    impl_->index(id, item);
    impl_->post_turn();
}

void Scheduler::remove(const std::string& id) {
    const auto it = impl_->items.find(id);
    if (it == impl_->items.end()) return;
    if (it->second.wake) impl_->wakes.erase({*it->second.wake, &id});
    impl_->items.erase(it);
    const auto known = impl_->known.find(id);
    if (known != impl_->known.end()) known->second.removed_at = impl_->loop.clock().boot();
}

void Scheduler::clock_changed() { impl_->post_turn(); }

std::vector<ScheduleView> Scheduler::list() const {
    std::vector<ScheduleView> views;
    for (const auto& [id, item] : impl_->items) {
        ScheduleView view{
            id, item.entry->what, item.entry->schedule.text(), item.entry->schedule.zone(), item.entry->schedule.next_after(impl_->now()), {}, {}};
        if (const auto known = impl_->known.find(id); known != impl_->known.end()) {
            view.last_at = known->second.last_at;
            view.last_result = known->second.last_result;
        }
        views.push_back(std::move(view));
    }
    return views;
}

}  // namespace bkmon::runs
