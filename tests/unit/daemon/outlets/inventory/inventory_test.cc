#include "daemon/outlets/inventory/inventory.h"

#include <gmock/gmock.h>

#include "common/base/text.h"
#include "tests/support/cpu_spent.h"

namespace bkmon::outlets {
namespace {

using core::Outlet;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// "code address name active {labels}" of each.
std::vector<std::string> shown(const Inventory& inventory) {
    std::vector<std::string> out;
    for (const auto& o : inventory.outlets) {
        auto text = o.code + "|" + o.address + "|" + o.name + "|" + (o.active ? "yes" : "no");
        for (const auto& [name, value] : o.labels) text += "|" + name + "=" + value;
        out.push_back(text);
    }
    return out;
}
std::vector<std::string> bad(const Inventory& inventory) {
    std::vector<std::string> out;
    for (const auto& b : inventory.bad) out.push_back(b.where + ": " + b.problem);
    return out;
}
Inventory read(std::string_view text) {
    auto inventory = from_csv(text);
    EXPECT_TRUE(inventory) << (inventory ? "" : inventory.error().what) << "\n" << text;
    return inventory ? std::move(*inventory) : Inventory{};
}
/// What printable() escaped has backslashes, which it would double.
std::string without_backslashes(std::string text) {
    for (auto at = text.find('\\'); at != std::string::npos; at = text.find('\\', at)) text.erase(at, 1);
    return text;
}
/// Why it is no inventory.
std::string refused(std::string_view text) {
    const auto inventory = from_csv(text);
    EXPECT_FALSE(inventory) << text;
    if (inventory) return "";
    EXPECT_EQ(inventory.error().code, Errc::invalid);
    EXPECT_EQ(printable(without_backslashes(inventory.error().what), 4096), without_backslashes(inventory.error().what));
    return inventory.error().what;
}

Outlet outlet(std::string code, std::string address = "10.0.0.1", bool active = true) {
    Outlet o;
    o.code = std::move(code);
    o.address = std::move(address);
    o.active = active;
    return o;
}

TEST(Csv, RowsBecomeOutlets) {
    const auto inventory =
        read("code,address,name,active,region,City\nS2,10.0.0.2,Akwa,Y,littoral,Douala\nS1,srv.example.org,,,,\nS3,2001:db8::1,New Bell,n,,Edea\n");
    EXPECT_THAT(shown(inventory),
                ElementsAre("S1|srv.example.org||yes", "S2|10.0.0.2|Akwa|yes|City=Douala|region=littoral", "S3|2001:db8::1|New Bell|no|City=Edea"));
    EXPECT_THAT(bad(inventory), IsEmpty());
}

TEST(Csv, TheUsualTableIsUnderstood) {
    EXPECT_THAT(shown(read("OutletCode,IPAddress,ActiveDepot\nS1,10.0.0.1,Y\nS2,10.0.0.2,N\n")), ElementsAre("S1|10.0.0.1||yes", "S2|10.0.0.2||no"));
    EXPECT_THAT(shown(read("ACTIVEDEPOT;ipaddress;OUTLETCODE\nN;10.0.0.1;S1\n")), ElementsAre("S1|10.0.0.1||no"));
}

TEST(Csv, OrderOfColumnsAndCaseOfTheirNamesDoNotMatter) {
    EXPECT_THAT(shown(read(" Name , ADDRESS,x,Code\nn,10.0.0.1,y,S1\n")), ElementsAre("S1|10.0.0.1|n|yes|x=y"));
}

TEST(Csv, WhatSpreadsheetsWriteIsUnderstood) {
    const std::vector<std::string> same{"code,address,name\nS1,10.0.0.1,a b\n",
                                        "code;address;name\r\nS1;10.0.0.1;a b\r\n",
                                        "code\taddress\tname\nS1\t10.0.0.1\ta b",
                                        "\xEF\xBB\xBF"
                                        "code,address,name\nS1,10.0.0.1,a b\n",
                                        "code,address,name\rS1,10.0.0.1,a b\r",
                                        "sep=;\r\ncode;address;name\r\nS1;10.0.0.1;a b\r\n",
                                        "\"code\",\"address\",\"name\"\n\"S1\",\"10.0.0.1\",\"a b\"\n",
                                        "\n\ncode,address,name\n\n,,\nS1,10.0.0.1,a b\n   \n,,,\n",
                                        "code , address, name\n S1 ,10.0.0.1 , \"a b\" \n",
                                        "code,address,name,\nS1,10.0.0.1,a b,\n"};
    for (const auto& text : same) {
        const auto inventory = read(text);
        EXPECT_THAT(shown(inventory), ElementsAre("S1|10.0.0.1|a b|yes")) << text;
        EXPECT_THAT(bad(inventory), IsEmpty()) << text;
    }
}

TEST(Csv, QuotesHoldWhatElseSeparates) {
    const auto inventory = read("code,address,name,note\nS1,10.0.0.1,\"Akwa, \"\"the\"\" shop\",\"two\r\nlines\"\nS2,10.0.0.2,\"\",x\n");
    EXPECT_THAT(shown(inventory), ElementsAre("S1|10.0.0.1|Akwa, \"the\" shop|yes|note=two lines", "S2|10.0.0.2||yes|note=x"));
}

TEST(Csv, ABadRowIsNamedAndSkipped) {
    const auto inventory = read(
        "code,address,name,active\n"
        "S1,10.0.0.1,,\n"
        ",10.0.0.2,,\n"
        "S3,,,\n"
        "S4,10.0.0.400,,\n"
        "S5,10.0.0.5,,perhaps\n"
        "S6,10.0.0.6,,Y,more\n"
        "s1,10.0.0.7,,\n"
        "S8*,10.0.0.8,,\n"
        "S9,0.0.0.0,,\n"
        "S10,smb://10.0.0.1/d$,,\n"
        "S11,10.0.0.11\n");
    EXPECT_THAT(shown(inventory), ElementsAre("S1|10.0.0.1||yes", "S11|10.0.0.11||yes"));
    EXPECT_THAT(bad(inventory),
                ElementsAre("line 3: the code is empty", "line 4: the address is empty",
                            "line 5: '10.0.0.400' is neither an IP address nor the name of a host", "line 6: active: 'perhaps' is neither yes nor no",
                            "line 7: it has more than the 4 columns of the first line", "line 8: the code 's1' is there already (line 2)",
                            "line 9: the code 'S8*' holds one of * ? [ ] / \\", "line 10: '0.0.0.0' stands for no server",
                            "line 11: 'smb://10.0.0.1/d$' is neither an IP address nor the name of a host"));
}

TEST(Csv, AQuoteThatDoesNotEndCostsItsOwnLine) {
    const auto inventory = read(
        "code,address,name\nS1,10.0.0.1,\"oops\nS2,10.0.0.2,b\nS3,10.0.0.3,a \"b\" c\nS4,10.0.0.4,\"a\"b\nS5,10.0.0.5,\"x\ny\"\nS6,10.0.0.6,c\n");
    EXPECT_THAT(bad(inventory), ElementsAre("line 2: something stands behind a closing quote", "line 4: a quote stands in the middle of a field",
                                            "line 5: something stands behind a closing quote"));
    EXPECT_THAT(shown(inventory), ElementsAre("S2|10.0.0.2|b|yes", "S5|10.0.0.5|x y|yes", "S6|10.0.0.6|c|yes"));
    EXPECT_THAT(bad(read("code,address,name\nS1,10.0.0.1,\"oops\nS2,10.0.0.2,b\n")), ElementsAre("line 2: a quote is not closed"));
}

TEST(Csv, AnOpenQuoteDoesNotReachForAnotherOneFarAway) {
    std::string text = "code,address,name\nBAD,10.0.0.1,\"x\n";
    for (int i = 0; i < 1000; ++i) text += "S" + std::to_string(i) + ",10.0.0.1,b\n";
    const auto inventory = read(text + "LAST,10.0.0.1,\"y\"\n");
    EXPECT_EQ(inventory.outlets.size(), 1001u) << "one line is lost, not all up to the next quote";
    EXPECT_THAT(bad(inventory), ElementsAre("line 2: a quote is not closed"));
}

TEST(Csv, ManyOpenQuotesTakeNoTime) {
    Inventory inventory;
    const auto spent = [&](int quotes) {
        std::string text = "code,address,name\n";
        for (int i = 0; i < quotes; ++i) text += "S" + std::to_string(i) + ",10.0.0.1,\"x\\\n";
        text += "LAST,10.0.0.1,b\n";
        return test::cpu_spent([&] { inventory = read(text); });
    };
    const auto tenth = spent(2000);
    EXPECT_LT(spent(20000), test::kTenTimesAsMuch * tenth + 0.1);
    ASSERT_EQ(inventory.outlets.size(), 1u);
    EXPECT_EQ(inventory.outlets[0].code, "LAST");
}

TEST(Csv, WordsForActive) {
    std::string text = "code,address,active\n";
    const std::vector<std::string> yes{"", "y", "Yes", "TRUE", "1", "Si", "s\xC3\xAD", "oui", "O", "s"}, no{"n", "No", "false", "0", "NON"};
    for (std::size_t i = 0; i < yes.size(); ++i) text += "Y" + std::to_string(i) + ",10.0.0.1," + yes[i] + "\n";
    for (std::size_t i = 0; i < no.size(); ++i) text += "N" + std::to_string(i) + ",10.0.0.1," + no[i] + "\n";
    const auto inventory = read(text);
    EXPECT_THAT(bad(inventory), IsEmpty());
    ASSERT_EQ(inventory.outlets.size(), yes.size() + no.size());
    for (const auto& o : inventory.outlets) EXPECT_EQ(o.active, o.code[0] == 'Y') << o.code;
}

TEST(Csv, WhatIsNoInventoryIsRefused) {
    EXPECT_THAT(refused(""), HasSubstr("it is empty"));
    EXPECT_THAT(refused("\n\r\n  \n"), HasSubstr("it is empty"));
    EXPECT_THAT(refused("S1,10.0.0.1\n"), HasSubstr("names no columns 'code' and 'address'"));
    EXPECT_THAT(refused("code,name\nS1,x\n"), HasSubstr("names no columns"));
    EXPECT_THAT(refused("code,address,Code\n"), HasSubstr("more than one column like 'Code'"));
    EXPECT_THAT(refused("code,address,OutletCode\n"), HasSubstr("more than one column like 'OutletCode'"));
    EXPECT_THAT(refused("code,address,region,REGION\n"), HasSubstr("more than one column like 'REGION'"));
    EXPECT_THAT(refused("code,address,a=b\n"), HasSubstr("a column: 'a=b' cannot be the name of a label"));
    EXPECT_THAT(refused("code,address,\x1b[2J\n"), HasSubstr("the label '\\x1b[2J' holds characters that cannot be shown"));
    EXPECT_THAT(refused("code,address,\"x\nS1,10.0.0.1,\n"), HasSubstr("the first line: a quote is not closed"));
    EXPECT_THAT(refused(std::string_view("code,address\nS1,10.0.0.1\0\n", 26)), HasSubstr("not UTF-8 text"));
    EXPECT_THAT(refused("\xFF\xFE"
                        "c"),
                HasSubstr("not UTF-8 text"));
    std::string wide = "code,address";
    for (int i = 0; i < 300; ++i) wide += ",l" + std::to_string(i);
    EXPECT_THAT(refused(wide), HasSubstr("more than 200 columns"));
}

TEST(Csv, HostileBytesNeverReachASentence) {
    const std::vector<std::string> evil{"\x1b[31mred",
                                        "a\x07"
                                        "b",
                                        "\xE2\x80\xAE"
                                        "evil",
                                        "\xC2\x9B"
                                        "0m",
                                        "a\xFF"
                                        "b",
                                        "x\"y",
                                        std::string(100000, 'A'),
                                        "\xE2\x80\x8B",
                                        "%s%n{}{0}",
                                        "'; DROP TABLE"};
    for (const auto& e : evil)
        for (const auto& row :
             {e + ",10.0.0.1,n,Y,l", "S1," + e + ",n,Y,l", "S1,10.0.0.1," + e + ",Y,l", "S1,10.0.0.1,n," + e + ",l", "S1,10.0.0.1,n,Y," + e}) {
            const auto inventory = read("code,address,name,active,label\n" + row + "\n");
            ASSERT_EQ(inventory.bad.size() + inventory.outlets.size(), 1u) << row;
            for (const auto& b : inventory.bad) {
                EXPECT_EQ(printable(without_backslashes(b.problem), 4096), without_backslashes(b.problem));
                EXPECT_LT(b.problem.size(), 400u);
            }
            // What became an outlet may be shown as it is.
            for (const auto& o : inventory.outlets)
                for (const auto& text : {o.code, o.address, o.name}) EXPECT_EQ(printable(text, 4096), text);
        }
}

TEST(Csv, TenThousandRows) {
    std::string text = "code,address,name,active,region\n";
    for (int i = 0; i < 10000; ++i)
        text += "S" + std::to_string(10000 + i) + ",10.1." + std::to_string(i / 256) + "." + std::to_string(i % 256) + ",Shop " + std::to_string(i) +
                "," + (i % 10 == 0 ? "N" : "Y") + ",r" + std::to_string(i % 7) + "\n";
    const auto inventory = read(text);
    ASSERT_EQ(inventory.outlets.size(), 10000u);
    EXPECT_EQ(inventory.outlets[9999].code, "S19999");
    EXPECT_EQ(inventory.outlets[9999].address, "10.1.39.15");
    EXPECT_THAT(bad(inventory), IsEmpty());
    EXPECT_TRUE(difference(inventory.outlets, read(to_csv(inventory.outlets)).outlets).empty());
}

TEST(Csv, TooManyRowsAreRefused) {
    std::string text = "code,address\n";
    for (std::size_t i = 0; i < kMaxInventoryRows + 1; ++i) text += "x\n";
    const auto inventory = from_csv(text);
    ASSERT_FALSE(inventory);
    EXPECT_EQ(inventory.error().code, Errc::no_space);
}

TEST(Table, RowsOfADatabaseAreReadAlike) {
    const auto inventory = from_table({"OutletCode", "ipaddress", "ACTIVEDEPOT", "region"}, {{"S1", "10.0.0.1", "Y", std::nullopt},
                                                                                             {"S2", std::nullopt, "Y", "x"},
                                                                                             {" S3 ", "10.0.0.3", std::nullopt, "x"},
                                                                                             {"s3", "10.0.0.4", "N", "x"}});
    ASSERT_TRUE(inventory);
    EXPECT_THAT(shown(*inventory), ElementsAre("S1|10.0.0.1||yes", "S3|10.0.0.3||yes|region=x"));
    EXPECT_THAT(bad(*inventory), ElementsAre("row 2: the address is empty", "row 4: the code 's3' is there already (row 3)"));
    const auto wrong = from_table({"a", "b"}, {});
    ASSERT_FALSE(wrong);
    EXPECT_THAT(wrong.error().what, HasSubstr("the query gives no columns 'code' and 'address'"));
    EXPECT_FALSE(from_table({"code", "address", "code"}, {}));
}

TEST(ToCsv, IsReadBackAsItWas) {
    auto a = outlet("A,1", "10.0.0.1");
    a.name = "the \"best\" shop";
    a.labels = {{"region", "littoral"}, {"note", " with, comma"}};
    a.labels["note"] = "with, comma";
    auto b = outlet("B", "srv.example.org", false);
    b.labels = {{"Size", "XL"}};
    const auto text = to_csv({a, b});
    EXPECT_EQ(text,
              "code,address,name,active,note,region,Size\n\"A,1\",10.0.0.1,\"the \"\"best\"\" shop\",Y,\"with, comma\",littoral,\n"
              "B,srv.example.org,,N,,,XL\n");
    EXPECT_TRUE(difference({a, b}, read(text).outlets).empty());
    EXPECT_EQ(to_csv({}), "code,address,name,active\n");
}

TEST(ToCsv, LabelsThatWouldBeAnotherColumnAreLeftOut) {
    auto a = outlet("A");
    a.labels = {{"Code", "x"}, {"region", "r"}};
    auto b = outlet("B");
    b.labels = {{"REGION", "s"}};
    EXPECT_EQ(to_csv({a, b}), "code,address,name,active,region\nA,10.0.0.1,,Y,r\nB,10.0.0.1,,Y,s\n");
}

TEST(Differences, SayWhatBecomesOfWhom) {
    auto named = outlet("same");
    named.name = "new";
    auto labelled = outlet("label");
    labelled.labels["a"] = "b";
    const std::vector<Outlet> before{outlet("same"),
                                     outlet("label"),
                                     outlet("gone"),
                                     outlet("off"),
                                     outlet("on", "10.0.0.1", false),
                                     outlet("moved"),
                                     outlet("kept"),
                                     outlet("sleeps", "10.0.0.1", false),
                                     outlet("left", "10.0.0.1", false)};
    const std::vector<Outlet> after{named,
                                    labelled,
                                    outlet("OFF", "10.0.0.1", false),
                                    outlet("on"),
                                    outlet("moved", "10.0.0.9"),
                                    outlet("kept"),
                                    outlet("sleeps", "10.0.0.1", false),
                                    outlet("new"),
                                    outlet("waits", "10.0.0.1", false)};
    const auto d = difference(before, after);
    EXPECT_THAT(d.added, ElementsAre("new", "waits"));
    EXPECT_THAT(d.changed, ElementsAre("label", "moved", "same"));
    EXPECT_THAT(d.deactivated, ElementsAre("gone", "left", "off"));
    EXPECT_THAT(d.reactivated, ElementsAre("on"));
    EXPECT_FALSE(d.empty());
    EXPECT_TRUE(difference(before, before).empty());
    EXPECT_TRUE(difference({}, {}).empty());
}

TEST(Differences, AnotherSpellingIsAChange) { EXPECT_THAT(difference({outlet("a")}, {outlet("A")}).changed, ElementsAre("A")); }

}  // namespace
}  // namespace bkmon::outlets
