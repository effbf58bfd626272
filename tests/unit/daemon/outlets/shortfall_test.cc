// bkmon/outlets: what bkmon itself could not do, said once and for as long as it holds.
#include "daemon/outlets/shortfall.h"

#include "tests/unit/daemon/outlets/bench.h"

namespace bkmon::outlets {
namespace {

const char* const kNoWorker = "the worker cannot be started: it ended with code 1";

class OwnFaults : public test::OutletsTest {
protected:
    OwnFaults() {
        settings.modes.push_back(settings.modes[0]);
        settings.modes[1].name = "ibstorage";
        add_outlet(4);
        shop(4).door = smb::Outcome::refused;
    }
    void workers_start(bool they_do) {
        for (int i = 1; i <= 3; ++i)
            shop(i).answer = [this, they_do](const smb::Order&, int) {
                if (they_do) return test::found("a.bak", 4096, loop.clock().now() - std::chrono::hours(1));
                smb::Visit v;
                v.outcome = smb::Outcome::internal;
                v.detail = kNoWorker;
                return v;
            };
    }
    std::ptrdiff_t told() {
        const auto rows = store.tables().events_after(0, 1000000);
        return std::count_if(rows->begin(), rows->end(),
                             [](const auto& e) { return e.type == "verdict" && e.target == TargetId::of("bkmon", {"outlets"}); });
    }
    const std::string in_d_drive = "failed: d-drive: bkmon itself could not look at 3 of 4 outlets: " + std::string(kNoWorker);
};

TEST_F(OwnFaults, WorkersThatDoNotStartAreOneFaultAndNoThousand) {
    workers_start(false);
    start();
    EXPECT_EQ(own("outlets"), "ok: the outlets are scanned");
    scan();
    EXPECT_EQ(status(1), "unreachable scan_fault");
    EXPECT_EQ(status(4), "unreachable refused");
    EXPECT_EQ(own("outlets"), in_d_drive);
    const auto before = told();
    scan();
    EXPECT_EQ(own("outlets"), in_d_drive);
    EXPECT_EQ(told(), before) << "neither taken back when the next scan begins, nor said again";
    workers_start(true);
    scan();
    EXPECT_EQ(own("outlets"), "ok: the outlets are scanned");
}

TEST_F(OwnFaults, ScanThatLooksAtNobodyMendsNothing) {
    workers_start(false);
    start();
    scan();
    scan({"d-drive", {code(4)}, false, false, "", {}});
    EXPECT_EQ(own("outlets"), in_d_drive);
}

TEST_F(OwnFaults, NeitherARestartNorAnotherModesScanMendsIt) {
    workers_start(false);
    start();
    scan();
    start();
    EXPECT_EQ(own("outlets"), in_d_drive);
    workers_start(true);
    scan({"ibstorage", {}, false, false, "", {}});
    EXPECT_EQ(own("outlets"), in_d_drive);
    scan();
    EXPECT_EQ(own("outlets"), "ok: the outlets are scanned");
}

TEST_F(OwnFaults, MissingPasswordOfOneModeOutlivesTheScanOfAnother) {
    start();
    no_secret = true;
    begin();
    start();
    no_secret = false;
    scan({"ibstorage", {}, false, false, "", {}});
    EXPECT_EQ(own("outlets").find("failed: not scanned: d-drive: "), 0U) << own("outlets");
    scan();
    EXPECT_EQ(own("outlets"), "ok: the outlets are scanned");
}

TEST_F(OwnFaults, ModeThatIsTakenOutTakesItsFaultsAlong) {
    workers_start(false);
    start();
    scan();
    settings.modes.erase(settings.modes.begin());
    reconfigure();
    EXPECT_EQ(own("outlets"), "ok: the outlets are scanned");
}

TEST_F(OwnFaults, ModeThatWasTakenOutDuringARestartToo) {
    workers_start(false);
    start();
    scan();
    settings.modes.erase(settings.modes.begin());
    start();
    EXPECT_EQ(own("outlets"), "ok: the outlets are scanned");
}

TEST(Shortfall, ComesBackFromItsEvidence) {
    Shortfall it;
    it.not_scanned("d-drive", "'/etc/bkmon/smb.password' cannot be read");
    it.own_fault("ib\"storage", "3 of 4 outlets: \\x1b");
    EXPECT_EQ(Shortfall::from(it.evidence()).sentence(), it.sentence());
    EXPECT_EQ(it.sentence(), "not scanned: d-drive: '/etc/bkmon/smb.password' cannot be read; "
                             "ib\"storage: bkmon itself could not look at 3 of 4 outlets: \\x1b");
}

TEST(Shortfall, OtherEvidenceHasNone) {
    for (const char* text : {"", "{}", "[]", "null", R"({"not_scanned": 1, "own_faults": []})", R"({"own_faults": {"d-drive": {}}})", R"({"own_faults)"})
        EXPECT_TRUE(Shortfall::from(text).empty()) << text;
}

}  // namespace
}  // namespace bkmon::outlets
