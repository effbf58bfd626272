// One call to the files fails, or all from it on, while a deposit is taken in: scan, report, archive, copy, vault, taking away.
#include <algorithm>
#include <cerrno>
#include <chrono>

#include "tests/support/facts.h"
#include "tests/support/faulty_files.h"
#include "tests/unit/daemon/deposits/bench.h"

namespace bkmon::test {
namespace {

class IntakeFaultSweep : public DepositsTest {
protected:
    struct Fault {
        std::uint64_t n;
        int error;
        bool from_then_on;
    };

    /// An empty machine that has one healthy backup, of yesterday.
    void begin_again() {
        part.reset();
        scheduler.reset();
        runs_engine.reset();
        registry.reset();
        loop.run_posted();
        store.tables() = FakeTables();
        journal.clear();
        for (const char* name : {"vault", "state", "deposits"}) std::filesystem::remove_all(tree.at(name));
        for (const char* dir : {"deposits/SHOP_CITY_NORTH/log", "deposits/SHOP_CITY_NORTH/database", "vault", "state"}) tree.make_dirs(dir);
        loop.manual_clock().wall = *parse_rfc3339("2026-11-22T13:10:00Z");
        faulty.heal();
        start();
        push("the first");
        ASSERT_EQ(status(), "ok") << shown().reason;
        pass(std::chrono::minutes(2));
        journal.clear();
    }

    bool healthy_one_is_there() {
        for (const auto& e : std::filesystem::recursive_directory_iterator(tree.at("vault"))) {
            if (!e.is_regular_file()) continue;
            const auto bytes = tree.get(std::filesystem::relative(e.path(), tree.at("")).string());
            if (bytes == "the first" || bytes == "the second") return true;
        }
        return false;
    }
    /// The kept report that is not whole; its name says what it hashes to.
    std::string half_in_archive() {
        const auto root = std::filesystem::path(tree.at("state")) / "reports";
        if (!std::filesystem::exists(root)) return {};
        for (const auto& e : std::filesystem::recursive_directory_iterator(root)) {
            if (!e.is_regular_file() || e.file_size() == 0 || e.path().extension() == ".part") continue;  // empty: of one that could not be read
            const auto bytes = tree.get(std::filesystem::relative(e.path(), tree.at("")).string());
            if (e.path().filename().string().find(files::Sha256::of(bytes).substr(0, 16)) == std::string::npos)
                return e.path().filename().string() + " of " + std::to_string(bytes.size()) + " bytes";
        }
        return {};
    }

    std::string run(const Fault& fault, bool& fired) {
        begin_again();
        faulty.fail_at(fault.n, fault.error, fault.from_then_on);
        put_file("MAIN", "the second");
        put_report(report("MAIN", "the second", loop.clock().now()));
        static_cast<void>(part->rescan(""));
        pass(seconds(20));
        fired = faulty.faults() > 0;
        if (!healthy_one_is_there()) return "no healthy backup is left";
        if (fault.from_then_on && faulty.faults() > 20 && in_vault() != "the second" && journal.entries().empty()) return "nobody was told";
        faulty.heal();
        pass(std::chrono::minutes(4));
        if (status() != "ok" || in_vault() != "the second") return "it did not heal: " + status() + ", " + shown().reason;
        const auto rows = store.tables().healthy(target().spec.id, 100);
        if (!rows || rows->size() != 2) return "the history knows " + std::to_string(rows ? rows->size() : 0) + " healthy ones instead of 2";
        if (!store.tables().deposit_states()->empty()) return "a row is left half done";
        if (tree.names("vault/.tmp") != "") return "a temporary file is left: " + tree.names("vault/.tmp");
        if (const auto half = half_in_archive(); !half.empty()) return "half a report is kept in the archive: " + half;
        if (faulty.retried_syncs() != 0) return "an fsync that failed was asked for again";
        return {};
    }

    FaultyFiles faulty{files};
};

TEST_F(IntakeFaultSweep, EveryCallOfAnIntake) {
    disk = &faulty;
    const auto begin = std::chrono::steady_clock::now();
    std::int64_t faults = 0, violations = 0;
    for (const int error : {ENOSPC, EDQUOT, EIO, EROFS, EMFILE, ENOMEM})
        for (const bool from_then_on : {false, true})
            for (std::uint64_t n = 1; n < 2000; n += full_sweep() ? 1 : 47) {
                bool fired = false;
                const auto bad = run({n, error, from_then_on}, fired);
                if (HasFatalFailure()) return;
                if (!bad.empty() && violations++ < 8)
                    ADD_FAILURE() << "error " << error << (from_then_on ? " from call " : " at call ") << n << ": " << bad;
                if (!fired) break;
                ++faults;
            }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    fact("faults_of_an_intake", {{"faults", faults}, {"violations", violations}}, took.count());
    EXPECT_EQ(violations, 0);
    EXPECT_GT(faults, full_sweep() ? 1000 : 20);
}

}  // namespace
}  // namespace bkmon::test
