#pragma once
// The deposits part on real files, with time moved by hand, a history in memory and an inspector that says what the test wants.
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "daemon/deposits/part.h"
#include "tests/support/fake_store.h"
#include "tests/support/forwarding_files.h"
#include "tests/support/manual_loop.h"
#include "tests/support/recording_journal.h"
#include "tests/support/temp_tree.h"

namespace bkmon::test {

/// Real files whose times run with the manual clock: a file is as old as the test's time says, not as the machine's.
class ShiftedFiles final : public ForwardingFiles {
public:
    explicit ShiftedFiles(const Clock& clock) : clock_(clock) {}

    Result<files::FileStat> stat(int fd) override { return shifted(ForwardingFiles::stat(fd)); }
    Result<files::FileStat> stat_at(int dir, std::string_view relative) override {
        if (judged_stat_errno != 0 && relative.starts_with(deposits::kJudgedPrefix)) return sys_fail("stat", judged_stat_errno);
        return shifted(ForwardingFiles::stat_at(dir, relative));
    }
    int judged_stat_errno = 0;  ///< why what is about to be removed cannot be looked at
    Result<void> sync(int) override { return {}; }
    Result<void> unlink(int dir, std::string_view name) override {
        return unlink_errno == 0 ? ForwardingFiles::unlink(dir, name) : sys_fail("remove", unlink_errno);
    }
    Result<void> rename_new(int dir_a, std::string_view a, int dir_b, std::string_view b) override {
        return a == stuck ? sys_fail("rename", EIO) : ForwardingFiles::rename_new(dir_a, a, dir_b, b);
    }
    std::string stuck;                          ///< the name of a file that cannot be renamed
    int unlink_errno = 0;                       ///< why nothing can be removed
    std::optional<std::uint32_t> folder_owner;  ///< of every folder, instead of whoever runs the test

private:
    Result<files::FileStat> shifted(Result<files::FileStat> stat) {
        if (!stat) return stat;
        if (folder_owner && stat->is_directory()) stat->uid = *folder_owner;
        const auto real = std::pair(stat->ino, stat->ctime_ns);
        const auto offset = to_ms(clock_.now()) * 1000000 - to_ms(system_clock().now()) * 1000000;
        stat->ctime_ns += offsets_.try_emplace(real, offset).first->second;
        return stat;
    }
    const Clock& clock_;
    std::map<std::pair<std::uint64_t, std::int64_t>, std::int64_t> offsets_;
};

/// Says of every file what the test set; whole by default.
class SayingInspector final : public inspect::Inspector {
public:
    explicit SayingInspector(loop::EventLoop& loop) : loop_(loop) { findings.state = inspect::Findings::State::whole; }
    std::unique_ptr<Job> inspect(inspect::Request, std::function<void(inspect::Findings)> done) override {
        auto alive = std::make_shared<int>(0);
        if (!hang)
            loop_.post(Task([done = std::move(done), weak = std::weak_ptr<int>(alive), f = findings] {
                if (!weak.expired()) done(f);
            }));
        struct Answer final : Job {
            std::shared_ptr<int> alive;
        };
        auto job = std::make_unique<Answer>();
        job->alive = alive;
        return job;
    }
    inspect::Findings findings;
    bool hang = false;

private:
    loop::EventLoop& loop_;
};

class DepositsTest : public ::testing::Test {
protected:
    DepositsTest() {
        // Noon of a day on which nothing changes, UTC; files get this time too.
        loop.manual_clock().wall = *parse_rfc3339("2026-11-22T12:00:00Z");
        for (const char* dir : {"deposits/SHOP_CITY_NORTH/log", "deposits/SHOP_CITY_NORTH/database", "vault", "state"}) tree.make_dirs(dir);
        settings.configured = true;
        settings.root = tree.at("deposits");
        settings.vault = tree.at("vault");
        settings.reserve_bytes = 0;
        add_job("MAIN");
    }

    core::DepositJob& add_job(const std::string& database) {
        core::DepositJob job = settings.defaults;
        job.agent = "SHOP_CITY_NORTH";
        job.database = database;
        job.schedule = "0 13 * * *";
        job.timezone = "UTC";
        settings.jobs.push_back(job);
        return settings.jobs.back();
    }

    /// Everything new but the files and the history: bkmond after a restart.
    void start() {
        part.reset();
        registry = std::make_unique<targets::Registry>(loop, store);
        runs_engine = std::make_unique<runs::RunEngine>(loop, store);
        scheduler = std::make_unique<runs::Scheduler>(loop, store);
        registry->load([](Result<void> done) { ASSERT_TRUE(done); });
        runs_engine->load([](Result<void> done) { ASSERT_TRUE(done); });
        scheduler->load([](Result<void> done) { ASSERT_TRUE(done); });
        loop.run_posted();
        std::vector<targets::TargetSpec> own(4);
        own[0].id = TargetId::of("bkmon", {"vault"});
        own[1].id = TargetId::of("bkmon", {"deposits"});
        own[2].id = TargetId::of("bkmon", {"unexpected"});
        own[3].id = TargetId::of("bkmon", {"verify"});
        registry->define("bkmon", own, [](Result<void> done) { ASSERT_TRUE(done); });
        loop.run_posted();
        deposits::Part::Rooms rooms{loop, lane, lane, lane, *scrub_lane, *disk, store, *registry, *runs_engine, *scheduler, inspector, journal};
        deposits::Part::Options options;
        options.settings = settings;
        options.state_dir = tree.at("state");
        part = std::make_unique<deposits::Part>(rooms, options);
        part->start([](Result<void> done) { ASSERT_TRUE(done) << done.error().what; });
        pass(seconds(3));
    }

    /// In small steps, so that nothing is skipped.
    void pass(milliseconds d) {
        const auto step = d > std::chrono::hours(2)     ? milliseconds(std::chrono::minutes(10))
                          : d > std::chrono::minutes(5) ? milliseconds(30000)
                                                        : milliseconds(500);
        for (milliseconds gone{0}; gone < d; gone += step) loop.advance(std::min(step, d - gone));
        loop.run_posted();
    }
    void until(const char* when) { pass(*parse_rfc3339(when) - loop.clock().now()); }

    static std::string stage(const std::string& data, bool ok = true) {
        return std::string("{\"status\": ") + (ok ? "true" : "false") + ", \"sha256_checksum\": \"" + files::Sha256::of(data) +
               "\", \"size\": " + std::to_string(data.size()) + ", \"error_message\": " + (ok ? "null" : "\"no space on till 3\"") + "}";
    }
    std::string report(const std::string& database, const std::string& data, Time end, bool ok = true) const {
        return "{\"operation_end_time\": \"" + rfc3339(end) +
               "\", \"agent_id\": \"shop_city_north\", \"overall_status\": \"completed\", \"databases\": {\"" + database +
               "\": {\"BACKUP\": " + stage(data, ok) + ", \"COMPRESS\": " + stage(data) + ", \"TRANSFER\": " + stage(data) +
               ", \"staged_file_name\": \"" + database + ".bin\", \"logs_summary\": \"\"}}}";
    }
    void put_file(const std::string& database, const std::string& data) { tree.put("deposits/SHOP_CITY_NORTH/database/" + database + ".bin", data); }
    void put_report(const std::string& text, const std::string& name = "STATUS.json") { tree.put("deposits/SHOP_CITY_NORTH/log/" + name, text); }
    /// A whole push, made now.
    void push(const std::string& data, const std::string& database = "MAIN") {
        put_file(database, data);
        put_report(report(database, data, loop.clock().now()));
        look();
    }
    void look() {
        ASSERT_TRUE(part->rescan(""));
        pass(seconds(3));
    }

    const targets::Target& target(const std::string& database = "MAIN") {
        return *registry->find(TargetId::of("deposit", {"SHOP_CITY_NORTH", database}));
    }
    core::Verdict shown(const std::string& database = "MAIN") { return registry->shown(target(database)); }
    std::string status(const std::string& database = "MAIN") { return std::string(core::name_of(shown(database).status)); }
    std::vector<std::string> days(const std::string& database = "MAIN") {
        history::DailyQuery query;
        query.target_glob = "deposit/shop_city_north/" + database;
        std::vector<std::string> out;
        const auto rows = store.tables().daily(query);
        if (!rows) return {"<" + rows.error().what + ">"};
        for (const auto& row : *rows) out.push_back(row.date + " " + std::string(core::name_of(row.verdict.status)));
        return out;
    }
    std::size_t verdicts(const std::string& status_name) {
        const auto rows = store.tables().verdicts({"deposit/*", "", core::status_of(status_name), {}, {}, 0, 1000});
        return rows ? rows->size() : 9999;
    }
    std::string in_vault(const std::string& database = "MAIN") { return tree.get("vault/SHOP_CITY_NORTH/" + database + "/" + database + ".bin"); }

    TempTree tree;
    ManualLoop loop;
    InlineLane lane;
    loop::Lane* scrub_lane = &lane;
    ShiftedFiles files{loop.clock()};
    files::FileOps* disk = &files;  ///< what the part is given: a test may stand between
    FakeStore store{loop};
    RecordingJournal journal;
    SayingInspector inspector{loop};
    core::DepositSettings settings;
    std::unique_ptr<targets::Registry> registry;
    std::unique_ptr<runs::RunEngine> runs_engine;
    std::unique_ptr<runs::Scheduler> scheduler;
    std::unique_ptr<deposits::Part> part;
};

}  // namespace bkmon::test
