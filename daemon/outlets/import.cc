// A CSV that shall become the inventory: what it would change first.
#include <fmt/format.h>

#include <utility>

#include "daemon/outlets/part_impl.h"

namespace bkmon::outlets {

void Part::import(std::string csv, bool write, std::function<void(Result<Import>)> done) {
    auto& me = *impl_;
    const auto& to = me.options.settings.inventory;
    if (to.csv.empty())
        return done(
            fail(Errc::invalid, fmt::format("the inventory comes from {}: import needs outlets.inventory.csv in the configuration", describe(to))));
    const auto weak = impl_->weak_from_this();
    loop::submit(
        me.rooms.lane, me.rooms.loop, weak,
        [csv, file = to.csv, before = me.stock](std::stop_token) -> Result<Import> {
            auto read = from_csv(csv);
            if (!read) return fail(std::move(read.error()));
            Import import;
            import.difference = difference(before ? before->outlets : std::vector<core::Outlet>(), read->outlets);
            import.inventory = std::move(*read);
            import.file = file;
            return import;
        },
        [&me, weak, csv, write, done = std::move(done)](Result<Import> checked) mutable {
            if (!checked || !write) return done(std::move(checked));
            if (const auto& bad = checked->inventory.bad; !bad.empty())
                return done(fail(Errc::invalid, fmt::format("nothing was written: {}: {}{}", bad.front().where, bad.front().problem,
                                                            bad.size() > 1 ? fmt::format(" (and {} more rows)", bad.size() - 1) : "")));
            auto import = std::make_shared<Import>(std::move(*checked));
            me.source.write(import->file, std::move(csv), [&me, weak, import, done = std::move(done)](Result<void> written) {
                if (weak.expired()) return;
                if (!written) return done(fail(std::move(written.error())));
                ++me.source_round;
                me.read_inventory([import, done](const Impl::Reread& news) {
                    if (!news.defined) return done(fail(Error(news.defined.error())));
                    done(std::move(*import));
                });
            });
        });
}

}  // namespace bkmon::outlets
