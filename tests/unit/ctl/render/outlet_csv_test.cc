#include "ctl/render/outlet_csv.h"

#include <gtest/gtest.h>

#include "ctl/render/csv.h"

namespace bkmon::ctl {
namespace {

std::vector<protocol::Params> report() {
    std::vector<protocol::Params> rows;
    for (
        const char* row :
        {R"j({"target":"outlet/OUTLET001/d-drive","kind":"outlet","date":"2026-11-21","status":"ok","severity":"OK","reason_code":"fresh","reason":"2 h old","at":"2026-11-21T07:00:03Z","due_at":null,"backup_at":"2026-11-21T02:10:00Z","file":"Store_20261121.bak","size_bytes":2630667468,"sha256":null,"duration":0.25,"drive":"D:","address":"10.1.2.3","name":"Main Street, 5"})j",
         R"j({"target":"outlet/shop%202%2c/ibstorage","kind":"outlet","date":"2026-11-21","status":"missing","severity":"CRITICAL","reason_code":"too_old","reason":"newest is 3 days old: \"x.bak\"","at":"2026-11-21T07:00:03Z","due_at":null,"backup_at":"2026-11-18T02:10:00Z","file":"=x.bak","size_bytes":1024,"sha256":null,"duration":12,"drive":"F:","address":"fd00::7","name":null})j",
         R"j({"target":"outlet/OUTLET003/d-drive","kind":"outlet","date":"2026-11-22","status":"unchanged","severity":"WARNING","reason_code":"same_content","reason":"as yesterday","at":"2026-11-22T07:00:03Z","backup_at":null,"file":null,"size_bytes":null,"duration":null,"drive":null,"address":"10.1.2.5","name":""})j"})
        rows.push_back(protocol::Params::parse(row).value());
    return rows;
}

std::string csv(OutletColumns columns) { return csv_text(outlet_columns(columns), outlet_rows(report(), columns), true, false); }

TEST(OutletCsv, HasExactlyTheColumnsThatScriptsRelyOn) {
    EXPECT_EQ(csv(OutletColumns::all),
              "OutletServer,ScanDate,Status,LastBackupTaken,BackupFile,BackupFileSize,Duration,ErrorDetails,DriveLetter,Address,Name,ReasonCode\r\n"
              "OUTLET001,2026-11-21,ok,2026-11-21T02:10:00Z,Store_20261121.bak,2630667468,0.25,,D:,10.1.2.3,\"Main Street, 5\",fresh\r\n"
              "\"shop 2,\",2026-11-21,missing,2026-11-18T02:10:00Z,'=x.bak,1024,12,\"newest is 3 days old: \"\"x.bak\"\"\",F:,fd00::7,,too_old\r\n"
              "OUTLET003,2026-11-22,unchanged,,,,,,,10.1.2.5,,same_content\r\n");
}

TEST(OutletCsv, LegacyHasNineColumnsAndTheOldWords) {
    EXPECT_EQ(csv(OutletColumns::legacy),
              "OutletServer,ScanDate,Status,LastBackupTaken,BackupFile,BackupFileSize,Duration,ErrorDetails,DriveLetter\r\n"
              "OUTLET001,2026-11-21,Successful,2026-11-21T02:10:00Z,Store_20261121.bak,2.45 GB,0.25,,D:\r\n"
              "\"shop 2,\",2026-11-21,Error,2026-11-18T02:10:00Z,'=x.bak,1.00 KB,12,\"newest is 3 days old: \"\"x.bak\"\"\",F:\r\n"
              "OUTLET003,2026-11-22,Successful,,,,,,\r\n");
}

TEST(OutletCsv, LegacySizes) {
    EXPECT_EQ(legacy_size(0), "0.00 KB");
    EXPECT_EQ(legacy_size(1536), "1.50 KB");
    EXPECT_EQ(legacy_size(1048575), "1024.00 KB");
    EXPECT_EQ(legacy_size(5ULL << 20), "5.00 MB");
    EXPECT_EQ(legacy_size(3ULL << 40), "3.00 TB");
    EXPECT_EQ(legacy_size(5000ULL << 40), "5000.00 TB");
}

TEST(OutletCsv, ACodeIsAsTheInventorySpellsIt) {
    for (const auto& [target, code] : std::vector<std::pair<std::string, std::string>>{{"outlet/A%25/d", "A%"},
                                                                                       {"outlet/A%2/d", "A%2"},
                                                                                       {"outlet/%C3%A9/d", "\xc3\xa9"},
                                                                                       {"outlet/%zz/d", "%zz"},
                                                                                       {"outlet/only", "only"},
                                                                                       {"odd", "odd"}}) {
        const auto row = protocol::Params::parse(R"({"target":")" + target + R"(","status":"ok"})").value();
        EXPECT_EQ(*outlet_rows({row}, OutletColumns::all).at(0).string("OutletServer").value(), code) << target;
    }
}

}  // namespace
}  // namespace bkmon::ctl
