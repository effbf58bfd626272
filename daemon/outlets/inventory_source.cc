#include "daemon/outlets/inventory_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "common/base/text.h"
#include "daemon/outlets/inventory_files.h"
#include "daemon/platform/mariadb/query.h"

namespace bkmon::outlets {
namespace {

using core::InventoryCommand;
using core::InventorySql;
using core::OutletInventory;
using Done = std::function<void(Result<Inventory>)>;

std::string named(const InventorySql& sql) {
    const bool v6 = sql.host.find(':') != std::string::npos;
    return fmt::format("the database '{}' on {}{}{}:{}", printable(sql.database, 100), v6 ? "[" : "", printable(sql.host, 260), v6 ? "]" : "",
                       sql.port);
}
std::string named(const InventoryCommand& command) { return "the command " + printable(command.argv.empty() ? "" : command.argv[0], 300); }

/// What was read must be an inventory: nobody closes all shops in one night, but tables get emptied and files cut short.
Result<Inventory> accepted(const std::string& source, Result<Inventory> read) {
    if (!read) return fail(in(source, std::move(read.error())));
    if (!read->outlets.empty()) return read;
    if (read->bad.empty()) return fail(Errc::invalid, source + ": it names no outlets at all");
    return fail(Errc::invalid,
                fmt::format("{}: none of its {} rows is right: {}: {}", source, read->bad.size(), read->bad[0].where, read->bad[0].problem));
}

Inventory from_list(const std::vector<core::Outlet>& list) {
    Inventory inventory{list, {}};
    std::sort(inventory.outlets.begin(), inventory.outlets.end(), [](const auto& a, const auto& b) { return lower(a.code) < lower(b.code); });
    return inventory;
}

Result<Inventory> from_file(files::FileOps& ops, const std::string& file) {
    auto text = read_whole(ops, file, kMaxInventoryBytes);
    if (!text) return fail(in(printable(file, 300), std::move(text.error())));
    return accepted(printable(file, 300), from_csv(*text));
}

Result<Inventory> from_sql(const InventorySql& sql, const SecretReader& secret) {
    auto password = secret(sql.password_file, sql.password_credential);
    if (!password) return fail(in("the password for " + named(sql), std::move(password.error())));
    mariadb::Server server;
    server.host = sql.host;
    server.port = static_cast<std::uint16_t>(sql.port);
    server.user = sql.user;
    server.password = std::move(*password);
    server.database = sql.database;
    server.ca_file = sql.ca_file;
    server.tls = sql.tls;
    server.timeout = sql.timeout;
    const auto table = mariadb::query(server, sql.query.empty() ? core::kOutletQuery : sql.query, {}, kMaxInventoryRows);
    if (!table) return fail(Error(table.error()));  // it names the server itself
    return accepted(named(sql), from_table(table->columns, table->rows));
}

/// Nothing: it ended well.
std::optional<Error> trouble(const InventoryCommand& command, const loop::ChildResult& result) {
    const auto said = printable(trim(result.err), 300);
    const auto with = [&](std::string what) { return named(command) + ": " + std::move(what) + (said.empty() ? "" : ": " + said); };
    if (result.timed_out) return Error{Errc::timeout, with("it did not end within " + duration_text(command.timeout)), 0};
    if (result.output_too_long) return Error{Errc::no_space, with("it printed more than " + size_words(kMaxInventoryBytes)), 0};
    if (result.signal != 0) return Error{Errc::unavailable, with(fmt::format("it died of signal {}", result.signal)), 0};
    if (result.exit_code != 0) return Error{Errc::unavailable, with(fmt::format("it ended with status {}", result.exit_code)), 0};
    return {};
}

}  // namespace

struct InventorySource::Impl : std::enable_shared_from_this<Impl> {
    Impl(Rooms r, std::shared_ptr<files::FileOps> f) : rooms(r), files(std::move(f)) {}

    /// `work` on the lane.
    template <class T>
    void submit(std::function<Result<T>()> work, std::function<void(Result<T>)> done) {
        loop::submit(
            rooms.lane, rooms.loop, weak_from_this(), [work = std::move(work)](std::stop_token) { return work(); }, std::move(done));
    }
    void post(Result<Inventory> result, Done done) {
        auto shared = std::make_shared<Result<Inventory>>(std::move(result));
        static_cast<void>(rooms.loop.post(Task([weak = weak_from_this(), shared, done = std::move(done)] {
            if (!weak.expired()) done(std::move(*shared));
        })));
    }

    void run(const InventoryCommand& command, Done done) {
        loop::ChildSpec spec;
        spec.argv = command.argv;
        spec.env = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"};
        spec.max_output = kMaxInventoryBytes;
        spec.deadline = command.timeout;
        const auto id = next++;
        auto child = rooms.children.spawn(std::move(spec), [weak = weak_from_this(), id, command, done](loop::ChildResult result) {
            const auto self = weak.lock();
            if (!self) return;
            const auto gone = self->running.extract(id);
            if (auto error = trouble(command, result)) return done(fail(std::move(*error)));
            self->submit<Inventory>([out = std::move(result.out), source = named(command)] { return accepted(source, from_csv(out)); }, done);
        });
        if (!child) return post(fail(in(named(command), std::move(child.error()))), std::move(done));
        running.emplace(id, std::move(*child));
    }

    Rooms rooms;
    std::shared_ptr<files::FileOps> files;
    std::map<int, std::unique_ptr<loop::Child>> running;
    int next = 0;
    bool writing = false;
};

InventorySource::InventorySource(Rooms rooms, std::shared_ptr<files::FileOps> files)
    : impl_(std::make_shared<Impl>(rooms, files ? std::move(files) : std::shared_ptr<files::FileOps>(files::system_files()))) {}
InventorySource::~InventorySource() = default;

void InventorySource::read(const OutletInventory& from, SecretReader secret, Done done) {
    auto& me = *impl_;
    if (from.command) return me.run(*from.command, std::move(done));
    if (from.sql) return me.submit<Inventory>([sql = *from.sql, secret = std::move(secret)] { return from_sql(sql, secret); }, std::move(done));
    if (!from.csv.empty()) return me.submit<Inventory>([files = me.files, file = from.csv] { return from_file(*files, file); }, std::move(done));
    me.post(from_list(from.list), std::move(done));
}

void InventorySource::write(const std::string& file, std::string csv, std::function<void(Result<void>)> done) {
    auto& me = *impl_;
    if (me.writing) {
        static_cast<void>(me.rooms.loop.post(Task([weak = std::weak_ptr(impl_), done = std::move(done)] {
            if (!weak.expired()) done(fail(Errc::busy, "another import is being written: try again in a moment"));
        })));
        return;
    }
    me.writing = true;
    me.submit<void>([files = me.files, file, csv = std::move(csv)] { return replace_whole(*files, file, csv); },
                    [&me, done = std::move(done)](Result<void> written) {
                        me.writing = false;
                        done(std::move(written));
                    });
}

std::string describe(const OutletInventory& from) {
    if (from.command) return named(*from.command);
    if (from.sql) return named(*from.sql);
    return from.csv.empty() ? "the list in the configuration" : printable(from.csv, 300);
}

}  // namespace bkmon::outlets
