#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "common/base/text.h"
#include "daemon/platform/journal/journal.h"

namespace bkmon::test {
namespace {

const std::filesystem::path kCatalog = std::filesystem::path(BKMON_SOURCE_DIR) / "systemd/bkmon.catalog";

constexpr std::array kMessages{
#define BKMON_LIST(name, id) journal::msg::name,
    BKMON_MESSAGES(BKMON_LIST)
#undef BKMON_LIST
};

struct CatalogEntry {
    std::map<std::string, std::string> headers;
    std::vector<std::string> paragraphs;
};

/// As systemd reads it: "-- id", headers, an empty line, text.
std::map<std::string, CatalogEntry> read_catalog() {
    std::map<std::string, CatalogEntry> entries;
    std::ifstream file(kCatalog);
    CatalogEntry* entry = nullptr;
    bool in_headers = false;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("-- ")) {
            const auto [at, added] = entries.try_emplace(line.substr(3));
            EXPECT_TRUE(added) << line << " stands twice";
            entry = &at->second;
            in_headers = true;
        } else if (entry == nullptr || line.starts_with("#")) {
            continue;
        } else if (in_headers && !line.empty()) {
            const auto colon = line.find(": ");
            EXPECT_NE(colon, std::string::npos) << line;
            entry->headers[line.substr(0, colon)] = line.substr(colon + 2);
        } else if (line.empty()) {
            in_headers = false;
            entry->paragraphs.emplace_back();
        } else {
            entry->paragraphs.back() += line + "\n";
        }
    }
    for (auto& [id, e] : entries) std::erase(e.paragraphs, "");
    return entries;
}

TEST(Catalog, HasOneEntryForEachMessageAndNoneMore) {
    const auto entries = read_catalog();
    std::set<std::string> in_code, in_catalog;
    for (const auto& message : kMessages) EXPECT_TRUE(in_code.emplace(message.id).second) << message.name << " shares its id";
    for (const auto& [id, entry] : entries) in_catalog.insert(id);
    EXPECT_EQ(in_catalog, in_code);
}

TEST(Catalog, IdsAreOfTheJournalsForm) {
    for (const auto& message : kMessages) {
        EXPECT_EQ(message.id.size(), 32U) << message.name;
        EXPECT_EQ(message.id.find_first_not_of("0123456789abcdef"), std::string::npos) << message.name;
    }
}

TEST(Catalog, EachEntrySaysWhatItMeansAndWhatToDo) {
    for (const auto& [id, entry] : read_catalog()) {
        EXPECT_TRUE(entry.headers.contains("Subject")) << id;
        EXPECT_TRUE(entry.headers.contains("Documentation")) << id;
        EXPECT_EQ(entry.headers.at("Defined-By"), "bkmon") << id;
        EXPECT_GE(entry.paragraphs.size(), 2U) << id << " has no paragraph that tells the operator what to do";
        for (const auto& p : entry.paragraphs) EXPECT_TRUE(valid_utf8(p));
    }
}

std::string output_of(const std::string& command, int& exit_code) {
    FILE* const pipe = ::popen(command.c_str(), "r");
    std::string out;
    for (int c; pipe != nullptr && (c = std::fgetc(pipe)) != EOF;) out.push_back(static_cast<char>(c));
    exit_code = pipe != nullptr ? ::pclose(pipe) : -1;
    return out;
}

TEST(Catalog, SystemdReadsIt) {
    if (std::system("journalctl --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "needs journalctl";
    std::string pattern = "/tmp/bkmon-catalog-XXXXXX";
    const std::filesystem::path root = ::mkdtemp(pattern.data());
    std::filesystem::create_directories(root / "usr/lib/systemd/catalog");
    std::filesystem::create_directories(root / "var/lib/systemd/catalog");
    std::filesystem::copy_file(kCatalog, root / "usr/lib/systemd/catalog/bkmon.catalog");
    int exit_code = 0;
    const auto said = output_of("journalctl --update-catalog --root=" + root.string() + " 2>&1", exit_code);
    EXPECT_EQ(exit_code, 0) << said;
    EXPECT_EQ(said, "") << "systemd complains";
    const auto list = output_of("journalctl --list-catalog --root=" + root.string() + " 2>&1", exit_code);
    EXPECT_EQ(exit_code, 0) << list;
    for (const auto& message : kMessages) {
        const auto at = list.find(message.id);
        ASSERT_NE(at, std::string::npos) << message.name << " is not in " << list;
        EXPECT_TRUE(list.substr(at, 60).find(" bkmon: ") != std::string::npos) << list.substr(at, 60);
    }
    std::filesystem::remove_all(root);
}

}  // namespace
}  // namespace bkmon::test
