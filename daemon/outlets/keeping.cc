// The inventory: read anew, compared, remembered, and kept when its source fails.
#include <fmt/format.h>
#include <malloc.h>

#include <utility>

#include "common/base/text.h"
#include "daemon/outlets/part_impl.h"

namespace bkmon::outlets {
namespace {

constexpr std::size_t kBadRowsSaid = 10;
constexpr std::size_t kManyOutlets = 2000;

std::string rows_words(std::size_t n) { return n == 1 ? "a row was" : fmt::format("{} rows were", n); }

}  // namespace

void Part::Impl::read_inventory(Reading done) {
    readers.push_back(std::move(done));
    if (readers.size() == 1) ask_source();
}

void Part::Impl::ask_source() {
    source.read(options.settings.inventory, options.secret, [this, round = source_round, weak = weak_from_this()](Result<Inventory> read) {
        if (weak.expired()) return;
        if (round != source_round) return ask_source();  // it comes from elsewhere by now
        came(std::move(read));
    });
}

/// Thousands of outlets are compared and named off the loop.
void Part::Impl::came(Result<Inventory> read) {
    if (!read) {
        const bool news = inventory_problem != read.error().what;
        inventory_problem = read.error().what;
        if (news)
            rooms.journal.log(journal::Level::warning, journal::msg::note,
                              fmt::format("the inventory of outlets cannot be read from {}: {}; {}", describe(options.settings.inventory),
                                          inventory_problem, stock && !stock->outlets.empty() ? "the last known one is used" : "none is known"));
        Reread reread;
        reread.problem = inventory_problem;
        say_inventory();
        return read_ended(reread);
    }
    struct Made {
        StockPtr stock;
        Difference difference;
        std::vector<BadRow> bad;
    };
    loop::submit(
        rooms.lane, rooms.loop, weak_from_this(),
        [inventory = std::move(*read), before = stock, modes = options.settings.modes](std::stop_token) mutable {
            Made made;
            made.difference = difference(before ? before->outlets : std::vector<core::Outlet>(), inventory.outlets);
            made.bad = std::move(inventory.bad);
            const bool same = made.difference.empty() && before && has_modes(*before, modes);
            made.stock = same ? before : make_stock(std::move(inventory.outlets), modes, before.get());
            return made;
        },
        [this](Made made) {
            Reread news;
            news.added = made.difference.added.size() + made.difference.reactivated.size();
            news.changed = made.difference.changed.size();
            news.deactivated = made.difference.deactivated.size();
            news.bad_rows = made.bad.size();
            for (std::size_t i = 0; i < std::min(made.bad.size(), kBadRowsSaid); ++i)
                if (bad_rows.size() <= i || bad_rows[i].problem != made.bad[i].problem)
                    rooms.journal.log(journal::Level::warning, journal::msg::note,
                                      fmt::format("inventory of outlets: {} was skipped: {}", made.bad[i].where, made.bad[i].problem));
            bad_rows = std::move(made.bad);
            inventory_problem.clear();
            read_at = now();
            if (made.difference.empty() && stock && stock->modes == made.stock->modes && !define_again) {
                say_inventory();
                return read_ended(news);
            }
            use(std::move(made.stock), news);
        });
}

/// The targets are those of the fresh inventory once the history has them.
void Part::Impl::use(StockPtr fresh, Reread news) {
    const auto before = std::exchange(stock, fresh);
    if (before && (news.added > 0 || news.changed > 0 || news.deactivated > 0))
        rooms.journal.log(journal::Level::info, journal::msg::note,
                          fmt::format("inventory of outlets: {} added, {} changed, {} deactivated; {} active", news.added, news.changed,
                                      news.deactivated, fresh->active));
    keep(fresh);
    define([this, news, weak = weak_from_this()](Result<void> defined) mutable {
        if (weak.expired()) return;
        news.defined = std::move(defined);
        say_inventory();
        read_ended(news);
    });
}

void Part::Impl::read_ended(const Reread& news) {
    // Reading and comparing thousands leaves megabytes of small free blocks behind.
    if (stock && stock->outlets.size() > kManyOutlets) rooms.lane.run([](std::stop_token) { ::malloc_trim(0); });
    for (const auto& reader : std::exchange(readers, {})) reader(news);
}

/// So that a start without the source knows its outlets.
void Part::Impl::keep(const StockPtr& fresh) {
    rooms.store.write([fresh, at = now()](history::Session& s) { return s.put_outlets(rows_of(*fresh), at); },
                      [this, weak = weak_from_this()](Result<void> written) {
                          if (!weak.expired() && !written) define_again = true;  // the next reading writes it
                      });
}

void Part::Impl::say_inventory() {
    const auto where = describe(options.settings.inventory);
    if (!inventory_problem.empty()) {
        if (stock && !stock->outlets.empty())
            return publish_own("inventory", core::Status::warning, "degraded",
                               fmt::format("the last known inventory of {} outlets is used: {}", stock->outlets.size(), inventory_problem));
        return publish_own("inventory", core::Status::unreachable, "degraded", "no outlet is known: " + inventory_problem);
    }
    if (!bad_rows.empty())
        return publish_own("inventory", core::Status::warning, "degraded",
                           fmt::format("{} skipped: {}: {}{}; from {}", rows_words(bad_rows.size()), bad_rows.front().where, bad_rows.front().problem,
                                       bad_rows.size() > 1 ? " and others" : "", where));
    publish_own("inventory", core::Status::ok, "working", fmt::format("{} outlets are looked at, from {}", stock ? stock->active : 0, where));
}

}  // namespace bkmon::outlets
