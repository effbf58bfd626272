#pragma once
#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "daemon/config/sources.h"

namespace bkmon::config {

inline Loaded read(const std::string& yaml) { return load_sources({{"bkmon.yaml", yaml}}); }

/// "file:line:col: message" each.
inline std::vector<std::string> lines(const Loaded& loaded) {
    std::vector<std::string> out;
    for (const auto& p : loaded.problems) out.push_back(p.where.empty() ? p.message : p.where + ": " + p.message);
    return out;
}
inline std::vector<std::string> problems(const std::string& yaml) { return lines(read(yaml)); }

/// One mistake, and what is to be said about it.
struct Wrong {
    std::string yaml;
    std::string where;    ///< after "bkmon.yaml:"
    std::string message;  ///< a part of it
};

/// Each has its one problem, at its place.
inline void expect_each(const std::vector<Wrong>& cases) {
    for (const auto& c : cases) {
        const auto found = read(c.yaml).problems;
        ASSERT_EQ(found.size(), 1u) << c.yaml << "\n" << ::testing::PrintToString(problems(c.yaml));
        EXPECT_EQ(found[0].where, "bkmon.yaml:" + c.where) << c.yaml;
        EXPECT_THAT(found[0].message, ::testing::HasSubstr(c.message)) << c.yaml;
    }
}

/// A configuration without problems.
inline core::Settings good(const std::string& yaml) {
    auto loaded = read(yaml);
    EXPECT_EQ(loaded.text(), "") << yaml;
    return loaded.settings;
}

/// A deposits section whose jobs are these lines, each indented below `jobs:`.
inline std::string jobs(const std::string& text) { return "deposits:\n  jobs:\n" + text; }

}  // namespace bkmon::config
