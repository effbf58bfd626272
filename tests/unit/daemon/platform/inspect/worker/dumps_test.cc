#include <gtest/gtest.h>

#include "tests/unit/daemon/platform/inspect/worker/making.h"

namespace bkmon::inspect::test {
namespace {

using core::Content;

const std::string kPgHead =
    "--\n-- PostgreSQL database dump\n--\n\n\\restrict mjaxIB0QPa9i\n\n-- Dumped from database version 18.1 (Debian 18.1-1)\n"
    "-- Dumped by pg_dump version 18.1\n\nSET statement_timeout = 0;\n";
const std::string kPgTable = "CREATE TABLE public.t (\n    a integer\n);\n\nCOPY public.t (a) FROM stdin;\n1\n\\.\n\n";
const std::string kPgEnd = "--\n-- PostgreSQL database dump complete\n--\n\n";
const std::string kUnrestrict = "\\unrestrict mjaxIB0QPa9i\n\n";
const std::string kSqlite = "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n";

TEST(MysqlDump, SaysWhatItIs) {
    const auto f = look("SDMC_2023.sql", mysql_dump());
    EXPECT_EQ(verdict(f), "whole") << testing::PrintToString(f);
    EXPECT_EQ(f.format, "mysqldump");
    EXPECT_EQ(f.database, "SDMC_2023");
    EXPECT_EQ(f.server, "10.11.19-MariaDB-0+deb12u1");
    EXPECT_NE(f.detail.find("-- Dump completed on 2025-06-12 12:56:06"), std::string::npos) << f.detail;
    EXPECT_FALSE(f.written_at);  // local time of an unknown zone
}

TEST(MysqlDump, EveryCutLosesTheEndMark) {
    const std::string dump = mysql_dump(std::string(100000, 'x') + "\n");
    for (std::size_t at = 200; at < dump.size() - 30; at += dump.size() / 50) EXPECT_EQ(look("x.sql", dump.substr(0, at)).code, "no_end_mark") << at;
}

TEST(MysqlDump, WordsBehindTheEndAreNoEnd) {
    EXPECT_EQ(look("x.sql", mysql_dump() + "mysqldump: Error 2013: Lost connection\n").code, "no_end_mark");
    EXPECT_EQ(look("x.sql", mysql_dump() + std::string(4096, '\0')).code, "no_end_mark");
    EXPECT_EQ(verdict(look("x.sql", mysql_dump() + "\r\n\n")), "whole");
    const auto f = look("x.sql", mysql_dump() + "\x1b[31mred\n");
    EXPECT_EQ(f.detail.find('\x1b'), std::string::npos) << "printable";
}

TEST(MysqlDump, TheEndMarkIsNotAskedForWhenTheJobSaysSo) {
    const std::string cut = mysql_dump().substr(0, 400);
    EXPECT_EQ(look("x.sql", cut).code, "no_end_mark");
    EXPECT_EQ(look("x.sql", cut, {.end_mark = false}).state, Findings::State::whole);
}

TEST(MysqlDump, WithoutCommentsThereIsNothingToAskUnlessTheJobNamesIt) {
    const std::string bare = "/*!40101 SET NAMES utf8 */;\nCREATE TABLE `t` (`a` int);\nINSERT INTO `t` VALUES (1);\n";
    EXPECT_EQ(verdict(look("x.sql", bare)), "not_applicable");
    EXPECT_EQ(verdict(look("x.sql", bare, {.content = Content::mysql})), "damaged no_end_mark");
    EXPECT_EQ(verdict(look("x.sql", bare, {.content = Content::mysql, .end_mark = false})), "whole");
    EXPECT_EQ(verdict(look("x.sql.gz", gzip(bare))), "whole");  // proven by the compression
}

TEST(MysqlDump, WithoutAnyTableItIsEmpty) {
    const std::string empty =
        "-- MySQL dump 10.13  Distrib 8.0.36, for Linux (x86_64)\n--\n-- Host: db    Database: shop\n-- Server version\t8.0.36\n\n-- Dump completed "
        "on 2025-06-12\n";
    EXPECT_EQ(verdict(look("x.sql", empty)), "whole empty");
    EXPECT_EQ(verdict(look("x.sql", mysql_dump(""))), "whole") << "a table without rows is something";
    for (const char* row : {"INSERT INTO `t` VALUES (1);", "REPLACE INTO `t` VALUES (1);", "INSERT  IGNORE INTO `t` VALUES (1);"})
        EXPECT_EQ(verdict(look("x.sql", empty.substr(0, empty.find("-- Dump")) + row + "\n-- Dump completed\n")), "whole") << row;
}

TEST(MysqlDump, AStatementOverTheBorderOfTwoReadsIsSeen) {
    const std::string head = "-- MySQL dump 10.13  Distrib 8.0.36\n-- Host: db    Database: shop\n",
                      end = "\nINSERT INTO `t` VALUES (1);\n-- Dump completed\n";
    for (std::size_t shift = 0; shift < 24; ++shift) {
        const std::string dump = head + "--" + std::string((1 << 18) - head.size() - 2 - shift, ' ') + end;
        EXPECT_EQ(verdict(look("x.sql", dump)), "whole") << shift;
    }
}

TEST(MysqlDump, SeveralDatabasesInOneDumpHaveNoOneName) {
    const std::string head =
        "-- MySQL dump 10.13  Distrib 8.0.36\n-- Host: db    Database: a\n--\n-- Current Database: `a`\n--\nCREATE TABLE `t` (`a` int);\n";
    const std::string end = "-- Dump completed on 2025-06-12\n";
    EXPECT_EQ(look("x.sql", head + end).database, "a");
    EXPECT_EQ(look("x.sql", head + std::string(300000, '-') + "\n--\n-- Current Database: `b`\n--\n" + end).database, "");
}

TEST(PgDump, EndsWithAndWithoutWhatNewServersWrite) {
    for (const std::string& end : {kPgEnd, kPgEnd + kUnrestrict, kPgEnd + "\n\n"}) {
        const auto f = look("x.sql", kPgHead + kPgTable + end);
        EXPECT_EQ(verdict(f), "whole") << testing::PrintToString(f);
        EXPECT_EQ(f.server, "PostgreSQL 18.1 (Debian 18.1-1)");
    }
    EXPECT_EQ(look("x.sql", kPgHead + kPgTable).code, "no_end_mark");
    EXPECT_EQ(look("x.sql", kPgHead + kPgTable + kUnrestrict).code, "no_end_mark");
    EXPECT_EQ(look("x.sql", kPgHead + kPgTable + kPgEnd + kUnrestrict + "x").code, "no_end_mark");
    EXPECT_EQ(verdict(look("x.sql", kPgHead + kPgEnd + kUnrestrict)), "whole empty");
}

TEST(PgDump, WithCreateItNamesItsDatabase) {
    EXPECT_EQ(look("x.sql", kPgHead + "-- \\connect sales\n" + kPgTable + kPgEnd).database, "");  // only at the start of a line
    EXPECT_EQ(look("x.sql", kPgHead + "\n\\connect sales\n" + kPgTable + kPgEnd).database, "sales");
}

TEST(PgDump, AClusterEndsAsAClusterNotAsOneOfItsDatabases) {
    const std::string cluster = "--\n-- PostgreSQL database cluster dump\n--\n\n" + kPgHead + kPgTable + kPgEnd;
    EXPECT_EQ(look("all.sql", cluster).code, "no_end_mark");
    EXPECT_EQ(verdict(look("all.sql", cluster + "--\n-- PostgreSQL database cluster dump complete\n--\n\n")), "whole");
}

TEST(SqliteDump, CommitRollbackAndNothing) {
    EXPECT_EQ(verdict(look("x.sql", kSqlite + "CREATE TABLE t(a);\nINSERT INTO t VALUES(1);\nCOMMIT;\n")), "whole");
    EXPECT_EQ(verdict(look("x.sql", kSqlite + "COMMIT;\n")), "whole empty");
    EXPECT_EQ(look("x.sql", kSqlite + "CREATE TABLE t(a);\nINSERT INTO t VALUES(1);\n").code, "no_end_mark");
    const auto f = look("x.sql", kSqlite + "CREATE TABLE t(a);\nROLLBACK; -- due to errors\n");
    EXPECT_EQ(f.code, "no_end_mark");
    EXPECT_NE(f.detail.find("due to errors"), std::string::npos);
}

TEST(Content, WhatTheJobSaysMustBeThere) {
    EXPECT_EQ(verdict(look("x", mysql_dump(), {.content = Content::postgresql})), "damaged wrong_type");
    EXPECT_EQ(verdict(look("x.gz", gzip(mysql_dump()), {.content = Content::mssql})), "damaged wrong_type");
    EXPECT_EQ(verdict(look("x", noise(70000), {.content = Content::mysql})), "damaged wrong_type");
    EXPECT_EQ(verdict(look("x", mysql_dump(), {.content = Content::mysql})), "whole");
    EXPECT_EQ(verdict(look("x.gz", gzip(noise(5000)), {.content = Content::archive})), "whole");
    EXPECT_EQ(verdict(look("x.dat", mysql_dump(), {.content = Content::archive})), "damaged wrong_type");
    EXPECT_EQ(verdict(look("x.zst", mysql_dump(), {.content = Content::mysql})), "whole") << "the job names what is there, whatever the file's name";
}

TEST(Content, OpaqueAndEncryptedAreLeftAlone) {
    EXPECT_EQ(verdict(look("x.sql.gz", "rubbish", {.content = Content::opaque})), "not_applicable");
    for (const char* name : {"x.sql.gz.gpg", "x.AGE", "x.sql.enc"}) EXPECT_EQ(verdict(look(name, noise(9000))), "not_applicable") << name;
    EXPECT_EQ(look("x.backup", "Salted__" + noise(900)).format, "encrypted");
    EXPECT_EQ(look("x.backup", "age-encryption.org/v1\n-> X25519 abc\n").format, "encrypted");
    EXPECT_EQ(look("x.backup", std::string("\x85\x01\x0c\x03", 4) + noise(900)).format, "encrypted");
    EXPECT_EQ(verdict(look("x.sql.gpg", "")), "whole empty");
}

TEST(Content, ATextDumpThatIsNoTextIsWrong) {
    const auto f = look("x.sql", noise(100000));
    EXPECT_EQ(verdict(f), "damaged wrong_type");
    EXPECT_NE(f.detail.find("encryption"), std::string::npos) << f.detail;
    EXPECT_EQ(verdict(look("x.sql.gz", gzip(noise(100000)))), "damaged wrong_type");
    EXPECT_EQ(verdict(look("x.sql", std::string(200000, '\0'))), "damaged wrong_type");
    EXPECT_EQ(verdict(look("x.sql", std::string("\xff\xfe") + std::string("C\0R\0E\0A\0", 8))), "not_applicable") << "UTF-16";
}

TEST(Content, UnknownBytesUnderAnUnknownName) {
    EXPECT_EQ(verdict(look("backup.dat", noise(100000))), "not_applicable");
    EXPECT_EQ(verdict(look("backup.dat", std::string(100000, '\0'))), "damaged wrong_type");
    EXPECT_EQ(verdict(look("backup.dat", std::string(100000, '\0') + "x")), "not_applicable");
    EXPECT_EQ(verdict(look("notes.sql", " \n\t\n")), "whole empty");
}

TEST(Reading, ADeviceThatFailsOrAFileThatChangesIsNoVerdict) {
    Inquiry inquiry;
    inquiry.name = "x.sql";
    inquiry.size = 100;
    const ReadAt broken_device = [](std::uint64_t at, std::span<unsigned char> to) -> std::optional<std::size_t> {
        if (at > 0) return std::nullopt;
        std::fill_n(to.begin(), 4, 'x');
        return 4;
    };
    EXPECT_EQ(verdict(inspect_stream(broken_device, inquiry)), "not_inspected inspection_failed");
    const ReadAt shorter = [](std::uint64_t, std::span<unsigned char>) -> std::optional<std::size_t> { return 0; };
    EXPECT_EQ(verdict(inspect_stream(shorter, inquiry)), "not_inspected inspection_failed");
}

}  // namespace
}  // namespace bkmon::inspect::test
