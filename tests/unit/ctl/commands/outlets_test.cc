// outlets list, modes, scan, follow, import.
#include <gtest/gtest.h>

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <thread>

#include "tests/unit/ctl/commands/fake_daemon.h"
#include "tests/unit/ctl/commands/harness.h"

namespace bkmon::test {
namespace {

using Then = FakeDaemon::Then;
constexpr const char* kList = "io.bkmon.Outlets.List";
constexpr const char* kModes = "io.bkmon.Outlets.Modes";
constexpr const char* kScan = "io.bkmon.Outlets.Scan";
constexpr const char* kFollow = "io.bkmon.Outlets.Follow";
constexpr const char* kImport = "io.bkmon.Outlets.Import";

Seat pipe_to(const FakeDaemon& daemon) {
    Seat seat;
    seat.socket = daemon.socket();
    return seat;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::string outlet(const std::string& code, const std::string& modes, const std::string& active = "true") {
    return R"({"code":")" + code + R"(","name":"Shop of )" + code + R"(","address":"10.0.0.1","active":)" + active +
           R"(,"labels":{"region":"north"},"modes":[)" + modes + "]}";
}

std::string in_mode(const std::string& mode, const std::string& status, const std::string& severity, const std::string& drive) {
    return R"({"mode":")" + mode + R"(","target":"outlet/X/)" + mode + R"(","status":")" + status + R"(","severity":")" + severity +
           R"(","reason_code":"too_old","reason":"newest is 3 days old","drive":)" + drive + "}";
}

std::string inventory(const std::string& problem = "null") {
    return R"({"source":"/etc/bkmon/outlets.csv","read_at":"2026-11-22T03:00:05Z","problem":)" + problem +
           R"(,"bad":[{"where":"line 7","problem":"no address"}],"active":2,"inactive":1})";
}

void answer_list(FakeDaemon& daemon, const std::string& problem = "null") {
    const std::string first = outlet("SHOP1", in_mode("d-drive", "ok", "OK", "null") + "," + in_mode("ibstorage", "missing", "CRITICAL", R"("F:")"));
    daemon.pages(kList, {R"({"inventory":)" + inventory(problem) + R"(,"total":3,"outlets":[)" + first + "]}",
                         R"({"inventory":null,"total":3,"outlets":[)" + outlet("YARD1", in_mode("d-drive", "unreachable", "CRITICAL", "null")) + "," +
                             outlet("CLOSED", "", "false") + "]}"});
}

/// How a scan stands.
std::string progress(int done, int total, const std::string& state = "running", const std::string& run = R"("r9")",
                     const std::string& error = "null") {
    return R"({"run":)" + run + R"(,"mode":"d-drive","date":"2026-11-22","back_dated":false,"state":")" + state + R"(","error":)" + error +
           R"(,"done":)" + std::to_string(done) + R"(,"total":)" + std::to_string(total) + R"(,"counts":{"ok":)" +
           std::to_string(std::max(done - 2, 0)) +
           R"(,"unchanged":0,"warning":0,"held":0,"late":0,"missing":1,"failed":0,"corrupt":0,"unreachable":1,"unknown":0,"paused":0},"rate":83.4,"left":12.2,"duration":1.5,"text":"SHOP)" +
           std::to_string(done) +
           R"(: ok","growing":2,"in_future":1,"retried":3,"added":4,"changed":0,"deactivated":1,"bad_rows":1,"inventory_problem":null,"worst":[{"target":"outlet/YARD1/d-drive","status":"unreachable","reason":"no answer","reason_code":"timeout","alike":0},{"target":"outlet/SHOP1/d-drive","status":"missing","reason":"newest is 3 days old","reason_code":"too_old","alike":57}]})";
}

std::string scanned(const std::string& scan, bool joined = false, bool final = false) {
    return R"({"joined":)" + std::string(joined ? "true" : "false") + R"(,"scan":)" + scan + R"(,"final":)" + (final ? "true}" : "false}");
}

std::string followed(const std::string& scan, bool final = false) { return R"({"scan":)" + scan + R"(,"final":)" + (final ? "true}" : "false}"); }

TEST(Outlets, ListShowsOneColumnForEachMode) {
    FakeDaemon daemon;
    answer_list(daemon);
    const Ended ended = ctl({"outlets", "list", "SHOP*", "YARD1", "--label", "region=north"}, pipe_to(daemon));
    EXPECT_EQ(ended.code, 0);
    EXPECT_EQ(ended.out,
              "OUTLET  NAME            ADDRESS   d-drive      ibstorage   LABELS\n"
              "SHOP1   Shop of SHOP1   10.0.0.1  ok           missing F:  region=north\n"
              "YARD1   Shop of YARD1   10.0.0.1  unreachable  -           region=north\n"
              "CLOSED  Shop of CLOSED  10.0.0.1  not active   not active  region=north\n"
              "\n"
              "3 outlets; the inventory has 2 and 1 that are not active, from /etc/bkmon/outlets.csv, read 4 min ago\n"
              "1 row skipped: bkmonctl outlets list --bad\n");
    EXPECT_TRUE(same_json(daemon.parameters(kList), R"({"outlets":["SHOP*","YARD1"],"labels":["region=north"]})"));
    for (const std::size_t width : {40U, 60U, 80U})
        EXPECT_LE(widest(ctl({"outlets", "list", "--no-legend"}, on_terminal(daemon.socket(), width, 24)).out), width);
}

TEST(Outlets, ListAsCsvHasARowForEachMode) {
    FakeDaemon daemon;
    answer_list(daemon);
    EXPECT_EQ(ctl({"outlets", "list", "--csv"}, pipe_to(daemon)).out,
              "code,name,address,active,mode,target,status,severity,reason_code,reason,drive,labels\r\n"
              "SHOP1,Shop of SHOP1,10.0.0.1,true,d-drive,outlet/X/d-drive,ok,OK,too_old,newest is 3 days old,,region=north\r\n"
              "SHOP1,Shop of SHOP1,10.0.0.1,true,ibstorage,outlet/X/ibstorage,missing,CRITICAL,too_old,newest is 3 days old,F:,region=north\r\n"
              "YARD1,Shop of YARD1,10.0.0.1,true,d-drive,outlet/X/d-drive,unreachable,CRITICAL,too_old,newest is 3 days old,,region=north\r\n"
              "CLOSED,Shop of CLOSED,10.0.0.1,false,,,,,,,,region=north\r\n");
    const Ended json = ctl({"outlets", "list", "--json"}, pipe_to(daemon));
    EXPECT_TRUE(has(json.out, R"("source":"/etc/bkmon/outlets.csv")"));
    EXPECT_TRUE(has(json.out, R"("code":"CLOSED")"));
}

TEST(Outlets, AnInventoryThatCannotBeReadIsSaid) {
    FakeDaemon daemon;
    answer_list(daemon, R"("no such table\u001b[2J")");
    const Ended ended = ctl({"outlets", "list"}, pipe_to(daemon));
    EXPECT_TRUE(has(ended.out, "it cannot be read now, the one of then is in use: no such table\\x1b[2J\n")) << ended.out;
}

TEST(Outlets, BadRowsAreListedByLine) {
    FakeDaemon daemon;
    answer_list(daemon);
    EXPECT_EQ(ctl({"outlets", "list", "--bad"}, pipe_to(daemon)).out,
              "WHERE   PROBLEM\nline 7  no address\n\n1 row skipped; in /etc/bkmon/outlets.csv\n");
    EXPECT_EQ(ctl({"outlets", "list", "--bad", "--csv"}, pipe_to(daemon)).out, "where,problem\r\nline 7,no address\r\n");
    EXPECT_TRUE(
        same_json(ctl({"outlets", "list", "--bad", "--json"}, pipe_to(daemon)).out, R"({"bad":[{"where":"line 7","problem":"no address"}]})"));
}

TEST(Outlets, ModesSayWhereAndWhen) {
    FakeDaemon daemon;
    daemon.reply(
        kModes,
        R"j({"modes":[{"name":"ibstorage","shares":["e$","f$"],"folder":"BackupFull","patterns":["*.bak"],"min_size":1024,"max_age":93600.0,)j"
        R"j("verify":"header","schedules":["0 7 * * *","0 9 * * * (only pending)"],"timezone":"UTC","targets":1000,"scanning":"r9"},)j"
        R"j({"name":"old","shares":["d$"],"folder":"","patterns":["*"],"min_size":0,"max_age":null,"verify":"none","schedules":[],)j"
        R"j("timezone":"UTC","targets":0,"scanning":null}]})j");
    const Ended ended = ctl({"outlets", "modes"}, pipe_to(daemon));
    EXPECT_TRUE(has(ended.out, "ibstorage  e$,f$   BackupFull  *.bak     1 d 2 h  header  0 7 * * *; 0 9 * * * (only pending)     1000  r9\n"))
        << ended.out;
    EXPECT_TRUE(has(ended.out, "any"));
    EXPECT_TRUE(has(ctl({"outlets", "modes", "--csv"}, pipe_to(daemon)).out, "ibstorage,e$;f$,BackupFull,*.bak,1024,93600.0,header"));
}

TEST(OutletsScan, ShowsProgressAndThenTheWorstFirst) {
    FakeDaemon daemon;
    daemon.pages(kScan, {scanned(progress(10, 100)), scanned(progress(11, 100)), scanned(progress(50, 100)),
                         scanned(progress(100, 100, "done"), false, true)});
    const Ended ended =
        ctl({"outlets", "scan", "--mode", "d-drive", "--outlet", "SHOP*", "YARD1", "--problems", "--date", "2026-11-20"}, pipe_to(daemon));
    EXPECT_EQ(ended.code, 0);
    EXPECT_EQ(ended.err,
              "10/100 83/s  13 s left  8 ok, 1 missing, 1 unreachable  SHOP10: ok\n"
              "50/100 83/s  13 s left  48 ok, 1 missing, 1 unreachable  SHOP50: ok\n");
    EXPECT_EQ(ended.out,
              "d-drive on 2026-11-22: 100 outlets in 1 s (83 a second)\n"
              "  found      98 ok, 1 missing, 1 unreachable\n"
              "  inventory  4 added, 1 deactivated, 1 skipped as bad (bkmonctl outlets list --bad)\n"
              "  besides    2 still being written: what was known of them stays\n"
              "             1 dated in the future: clocks to look at\n"
              "             3 looked at twice\n"
              "worst first\n"
              "  unreachable  outlet/YARD1/d-drive  no answer\n"
              "  missing      outlet/SHOP1/d-drive  newest is 3 days old\n"
              "  missing      and 57 more           too_old\n"
              "all problems: bkmonctl status --kind outlet --problems\n");
    EXPECT_TRUE(same_json(daemon.parameters(kScan), R"({"mode":"d-drive","outlets":["SHOP*","YARD1"],"problems":true,"date":"2026-11-20"})"))
        << daemon.parameters(kScan);
    EXPECT_LE(widest(plain(ctl({"outlets", "scan", "--mode", "d-drive"}, on_terminal(daemon.socket(), 60, 24)).out)), 80U);
}

TEST(OutletsScan, JsonIsOneDocumentAndTheProgressBesideIt) {
    FakeDaemon daemon;
    daemon.pages(kScan, {scanned(progress(10, 100)), scanned(progress(100, 100, "done"), false, true)});
    const Ended ended = ctl({"outlets", "scan", "--mode", "d-drive", "--json"}, pipe_to(daemon));
    EXPECT_EQ(ended.code, 0);
    ASSERT_EQ(lines_of(ended.out).size(), 1U);
    EXPECT_EQ(ended.out.rfind(R"({"run":"r9","mode":"d-drive","date":"2026-11-22","total":100,"counts":{)", 0), 0U) << ended.out;
    EXPECT_TRUE(has(ended.out, R"("duration":1.5)"));
    ASSERT_EQ(lines_of(ended.err).size(), 1U);
    EXPECT_TRUE(same_json(lines_of(ended.err)[0], progress(10, 100)));
    const Ended csv = ctl({"outlets", "scan", "--mode", "d-drive", "--csv"}, pipe_to(daemon));
    EXPECT_EQ(lines_of(csv.out)[0].rfind("run,mode,date,state,total,ok,unchanged,warning,held,late,missing,", 0), 0U);
    EXPECT_EQ(lines_of(csv.out)[1].rfind("r9,d-drive,2026-11-22,done,100,98,0,0,0,0,1,0,0,1,0,0,1.5,", 0), 0U) << csv.out;
}

TEST(OutletsScan, WithoutAModeAllOfThemOneAfterTheOther) {
    FakeDaemon daemon;
    daemon.reply(kModes, R"({"modes":[{"name":"d-drive"},{"name":"ibstorage"}]})");
    daemon.pages(kScan, {scanned(progress(100, 100, "done"), false, true)});
    const Ended ended = ctl({"outlets", "scan", "--pending", "--json"}, pipe_to(daemon));
    EXPECT_EQ(lines_of(ended.out).size(), 2U);
    std::vector<std::string> asked;
    for (const auto& call : daemon.received())
        if (call.method == kScan) asked.push_back(call.parameters);
    ASSERT_EQ(asked.size(), 2U);
    EXPECT_TRUE(same_json(asked[0], R"({"mode":"d-drive","pending":true})"));
    EXPECT_TRUE(same_json(asked[1], R"({"mode":"ibstorage","pending":true})"));
    FakeDaemon none;
    none.reply(kModes, R"({"modes":[]})");
    EXPECT_EQ(ctl({"outlets", "scan"}, pipe_to(none)).code, 4);
}

TEST(OutletsScan, GoingAlongIsSaid) {
    FakeDaemon daemon;
    daemon.pages(kScan, {scanned(progress(10, 100), true), scanned(progress(100, 100, "done"), true, true)});
    EXPECT_TRUE(
        has(ctl({"outlets", "scan", "--mode", "d-drive"}, pipe_to(daemon)).err, "a scan of this mode is under way: this goes along with it\n"));
    EXPECT_TRUE(has(ctl({"outlets", "scan", "--mode", "d-drive", "--json"}, pipe_to(daemon)).out, R"("joined":true)"));
}

TEST(OutletsScan, NothingToDoIsDone) {
    FakeDaemon daemon;
    daemon.pages(kScan, {scanned(progress(0, 0, "done", "null"), false, true)});
    const Ended ended = ctl({"outlets", "scan", "--mode", "d-drive", "--pending"}, pipe_to(daemon));
    EXPECT_EQ(ended.code, 0);
    EXPECT_EQ(ended.out, "d-drive on 2026-11-22: nothing to look at\n");
}

TEST(OutletsScan, OneThatDidNotEndWellIsNoSuccess) {
    for (const auto& [state, words] : std::vector<std::pair<std::string, std::string>>{{"failed", "the scan failed: no space"},
                                                                                       {"cancelled", "the scan was cancelled: no space"},
                                                                                       {"interrupted", "the scan was interrupted"}}) {
        FakeDaemon daemon;
        daemon.pages(kScan, {scanned(progress(40, 100, state, R"("r9")", R"("no space")"), false, true)});
        const Ended ended = ctl({"outlets", "scan", "--mode", "d-drive"}, pipe_to(daemon));
        EXPECT_EQ(ended.code, 1);
        EXPECT_TRUE(has(ended.err, words)) << ended.err;
        EXPECT_TRUE(has(ended.out, "40 of 100 outlets")) << ended.out;
        EXPECT_EQ(ctl({"outlets", "scan", "--mode", "d-drive", "--json"}, pipe_to(daemon)).code, 1);
    }
}

TEST(OutletsScan, GoesOnAfterADropByItsRun) {
    FakeDaemon daemon;
    daemon.pages(kScan, {scanned(progress(10, 100))}, Then::close);
    daemon.pages(kFollow, {followed(progress(60, 100)), followed(progress(100, 100, "done"), true)});
    const Ended ended = ctl({"outlets", "scan", "--mode", "d-drive"}, pipe_to(daemon));
    EXPECT_EQ(ended.code, 0);
    EXPECT_TRUE(same_json(daemon.parameters(kFollow), R"({"run":"r9"})"));
    EXPECT_TRUE(has(ended.out, "100 outlets"));
}

TEST(OutletsScan, ADaemonStartedAnewSaysHowItEnded) {
    FakeDaemon daemon;
    daemon.pages(kScan, {scanned(progress(10, 100))}, Then::close);
    daemon.error(kFollow, "io.bkmon.Outlets.NoSuchScan", R"({"run":"r9"})");
    daemon.reply(
        "io.bkmon.Runs.Show",
        R"({"run":{"id":"r9","kind":"scan","what":"d-drive","state":"interrupted","started_at":null,"ended_at":null,"done":10,"total":100,"error":"bkmond was stopped"}})");
    const Ended ended = ctl({"outlets", "scan", "--mode", "d-drive"}, pipe_to(daemon));
    EXPECT_EQ(ended.code, 1);
    EXPECT_TRUE(has(ended.err, "run r9 was interrupted: bkmond was stopped")) << ended.err;
}

TEST(OutletsScan, DetachStartsItAndCtrlCLeavesIt) {
    FakeDaemon daemon;
    daemon.pages(kScan, {scanned(progress(1, 100))}, Then::hang);
    EXPECT_EQ(ctl({"outlets", "scan", "--mode", "d-drive", "--detach"}, pipe_to(daemon)).out,
              "d-drive: run r9 goes on; follow it: bkmonctl outlets follow r9\n");
    EXPECT_TRUE(has(ctl({"outlets", "scan", "--mode", "d-drive", "--detach", "--json"}, pipe_to(daemon)).out, R"("run":"r9")"));
    const std::size_t before = daemon.received().size();
    std::thread press([&] {
        for (int i = 0; i < 500 && daemon.received().size() == before; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        ::kill(::getpid(), SIGINT);
    });
    const Ended ended = ctl({"outlets", "scan", "--mode", "d-drive"}, pipe_to(daemon));
    press.join();
    EXPECT_EQ(ended.code, 1);
    EXPECT_TRUE(has(ended.err, "detached; the scan goes on, follow it again: bkmonctl outlets follow r9")) << ended.err;
    EXPECT_TRUE(daemon.parameters("io.bkmon.Runs.Cancel").empty());
}

TEST(OutletsScan, RefusalsSayWhatToDo) {
    struct Case {
        std::string error, parameters;
        int code;
        std::string words;
    };
    for (const auto& c :
         {Case{"NoSuchMode", R"({"mode":"e","modes":["d-drive","ibstorage"]})", 4, "there is no mode 'e'; there are d-drive, ibstorage"},
          Case{"NoSuchOutlet", R"({"outlet":"SHOP9","nearest":"SHOP1"})", 4, "there is no outlet 'SHOP9'; did you mean 'SHOP1'?"},
          Case{"NoSuchOutlet", R"({"outlet":"Q","nearest":null})", 4, "`bkmonctl outlets list` shows them"},
          Case{"CannotScan", R"({"message":"2027-01-01 has not come yet"})", 1, "2027-01-01 has not come yet"}}) {
        FakeDaemon daemon;
        daemon.error(kScan, "io.bkmon.Outlets." + c.error, c.parameters);
        const Ended ended = ctl({"outlets", "scan", "--mode", "e"}, pipe_to(daemon));
        EXPECT_EQ(ended.code, c.code);
        EXPECT_TRUE(has(ended.err, c.words)) << ended.err;
    }
    EXPECT_EQ(ctl({"outlets", "scan", "--mode", "e", "--date", "neverday"}, {}).code, 2);
}

TEST(OutletsFollow, ShowsTheEnd) {
    FakeDaemon daemon;
    daemon.pages(kFollow, {followed(progress(10, 100)), followed(progress(100, 100, "done"), true)});
    const Ended ended = ctl({"outlets", "follow", "r9"}, pipe_to(daemon));
    EXPECT_EQ(ended.code, 0);
    EXPECT_TRUE(has(ended.out, "worst first\n"));
    EXPECT_EQ(lines_of(ctl({"outlets", "follow", "r9", "--csv"}, pipe_to(daemon)).out).size(), 2U);
    FakeDaemon gone;
    gone.error(kFollow, "io.bkmon.Outlets.NoSuchScan", R"({"run":"r9"})");
    const Ended lost = ctl({"outlets", "follow", "r9"}, pipe_to(gone));
    EXPECT_EQ(lost.code, 4);
    EXPECT_TRUE(has(lost.err, "`bkmonctl runs show r9`"));
}

class OutletsImport : public testing::Test {
protected:
    OutletsImport() { write("code,address\nNEW1,10.0.0.5\n"); }
    void write(const std::string& text) const { std::ofstream(file()) << text; }
    std::string file() const { return daemon.folder() + "/new.csv"; }
    void answer(const std::string& bad, bool written, const std::string& added = R"("NEW1")") {
        daemon.reply(kImport, R"({"file":"/etc/bkmon/outlets.csv","outlets":3,"added":[)" + added + R"(],"changed":[],"deactivated":[)" +
                                  (added.empty() ? "" : R"("YARD1")") + R"(],"reactivated":[],"bad":[)" + bad + R"(],"written":)" +
                                  (written ? "true}" : "false}"));
    }
    std::size_t calls() const { return daemon.received().size(); }
    FakeDaemon daemon;
};

TEST_F(OutletsImport, ShowsTheDifferenceAndWritesNothing) {
    answer(R"({"where":"line 4","problem":"no address"})", false);
    const Ended ended = ctl({"outlets", "import", file()}, pipe_to(daemon));
    EXPECT_EQ(ended.code, 0);
    EXPECT_EQ(ended.out,
              "CHANGE       OUTLET\n"
              "added        NEW1\n"
              "deactivated  YARD1\n"
              "bad row      line 4: no address\n"
              "\n3 good rows, 1 added, 1 deactivated, 1 bad row\n");
    EXPECT_TRUE(same_json(daemon.parameters(kImport), R"({"csv":"code,address\nNEW1,10.0.0.5\n","write":false})"));
    EXPECT_EQ(ctl({"outlets", "import", file(), "--csv"}, pipe_to(daemon)).out,
              "change,outlet,where,problem\r\nadded,NEW1,,\r\ndeactivated,YARD1,,\r\nbad,,line 4,no address\r\n");
}

TEST_F(OutletsImport, AsksBeforeItWrites) {
    answer("", false);
    EXPECT_EQ(ctl({"outlets", "import", file(), "--write"}, pipe_to(daemon)).code, 2);  // --yes is needed
    EXPECT_EQ(calls(), 1U);
    Seat seat = on_terminal(daemon.socket(), 80, 24);
    seat.in_tty = true;
    seat.input = "n\n";
    EXPECT_EQ(ctl({"outlets", "import", file(), "--write"}, seat).code, 1);
    EXPECT_EQ(calls(), 2U);
    answer("", false);
    answer("", true);
    const Ended ended = ctl({"outlets", "import", file(), "--write", "--yes"}, pipe_to(daemon));
    EXPECT_EQ(ended.code, 0);
    EXPECT_TRUE(has(ended.err, "written to /etc/bkmon/outlets.csv; the one before is beside it as .old")) << ended.err;
    EXPECT_TRUE(has(daemon.parameters(kImport), R"("write":true)"));
    EXPECT_TRUE(has(ctl({"outlets", "import", file(), "--write", "--yes", "--json"}, pipe_to(daemon)).out, R"("written":true)"));
}

TEST_F(OutletsImport, BadRowsAreNotWritten) {
    answer(R"({"where":"line 4","problem":"no address"})", false);
    const Ended ended = ctl({"outlets", "import", file(), "--write", "--yes"}, pipe_to(daemon));
    EXPECT_EQ(ended.code, 1);
    EXPECT_TRUE(has(ended.err, "1 bad row: nothing was written; mend them first"));
    EXPECT_EQ(calls(), 1U);
}

TEST_F(OutletsImport, WhatIsTheSameIsNotWritten) {
    answer("", false, "");
    const Ended ended = ctl({"outlets", "import", file(), "--write", "--yes"}, pipe_to(daemon));
    EXPECT_EQ(ended.code, 0);
    EXPECT_EQ(ended.out, "the same as the inventory in use: 3 good rows\n");
    EXPECT_EQ(calls(), 1U);
}

TEST_F(OutletsImport, AFileThatCannotBeSentIsSaidBeforeAnythingIsAsked) {
    EXPECT_TRUE(has(ctl({"outlets", "import", daemon.folder() + "/none"}, pipe_to(daemon)).err, "cannot read"));
    write("code,address\nCAF\xe9,10.0.0.5\n");
    EXPECT_TRUE(has(ctl({"outlets", "import", file()}, pipe_to(daemon)).err, "is not UTF-8"));
    write(std::string(2'000'000, 'x'));
    EXPECT_TRUE(has(ctl({"outlets", "import", file()}, pipe_to(daemon)).err, "too large for one call"));
    EXPECT_EQ(calls(), 0U);
}

}  // namespace
}  // namespace bkmon::test
