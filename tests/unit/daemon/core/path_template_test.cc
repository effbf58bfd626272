#include "daemon/core/path_template.h"

#include <gmock/gmock.h>

#include "daemon/core/job_names.h"

namespace bkmon::core {
namespace {

using ::testing::HasSubstr;

const PathFields kFields{"SIRPACAM_DOUALA_NEWBELL", "SIRPACAM", "DOUALA", "NEWBELL", "SDMC_2023", "2023", "06", "12", "sdmc.sql.gz"};

std::string expanded(const std::string& text, const PathFields& fields = kFields) {
    const auto t = PathTemplate::parse(text);
    if (!t) return t.error().what;
    const auto path = t->expand(fields);
    return path ? *path : path.error().what;
}

TEST(PathTemplate, FillsEachField) {
    EXPECT_EQ(expanded("{agent}/{database}/{file}"), "SIRPACAM_DOUALA_NEWBELL/SDMC_2023/sdmc.sql.gz");
    EXPECT_EQ(expanded("{company}/{city}/{year}/{file}"), "SIRPACAM/DOUALA/2023/sdmc.sql.gz");
    EXPECT_EQ(expanded("x-{district}.{year}{month}{day}_{file}"), "x-NEWBELL.20230612_sdmc.sql.gz");
}

TEST(PathTemplate, RefusesWhatIsNoPathInTheVault) {
    for (const auto& [text, why] : std::vector<std::pair<std::string, std::string>>{
             {"", "empty"},
             {"/{file}", "empty component"},
             {"{file}/", "empty component"},
             {"a//b", "empty component"},
             {"../{file}", "dot"},
             {".held/{file}", "dot"},
             {"{databse}/{file}", "unknown field '{databse}' (did you mean '{database}'?)"},
             {"{zzzzzz}", "known: {agent}"},
             {"{Agent}", "did you mean '{agent}'?"},
             {"{file", "brace"},
             {"file}", "brace"},
             {"{}", "unknown field '{}'"},
             {"a b/{file}", "'a b': only letters"},
             {"\x1b/{file}", "'\\x1b'"},
             {"a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q", "more than 16"},
         }) {
        const auto t = PathTemplate::parse(text);
        ASSERT_FALSE(t) << text;
        EXPECT_THAT(t.error().what, HasSubstr(why)) << text;
    }
}

TEST(PathTemplate, AFieldThatIsEmptyOrUnacceptableIsNamed) {
    auto fields = kFields;
    fields.district.clear();
    EXPECT_THAT(expanded("{district}/{file}", fields), HasSubstr("{district} is empty"));
    for (const auto& bad : std::vector<std::string>{"a/b", "..", ".x", "a b", "é", std::string(129, 'a')}) {
        fields.file = bad;
        EXPECT_THAT(expanded("{agent}/{file}", fields), HasSubstr("cannot be a name in the vault")) << bad;
    }
    fields.file = std::string(128, 'a');
    EXPECT_EQ(expanded("{file}", fields), fields.file);
    fields.file = ".x";
    EXPECT_EQ(expanded("a{file}", fields), "a.x") << "what counts is the whole component";
}

bool collide(const std::string& a, const PathFields& fa, const std::string& b, const PathFields& fb) {
    const ReachablePaths x(*PathTemplate::parse(a), fa), y(*PathTemplate::parse(b), fb);
    EXPECT_EQ(x.could_collide(y), y.could_collide(x));
    const auto common = std::min(x.fixed_components(), y.fixed_components());
    EXPECT_TRUE(!x.could_collide(y) || forms_meet(x.form(common), y.form(common))) << "the forms must not hide a collision";
    return x.could_collide(y);
}

PathFields job(const std::string& agent, const std::string& database, const std::string& year = "") {
    const auto name = split_agent(agent);
    return {agent, name.company, name.city, name.district, database, year, "", "", ""};
}

TEST(ReachablePaths, TheUsualLayoutsDoNotCollide) {
    const auto* field = "{company}/{city}/{year}/{file}";
    EXPECT_FALSE(collide(field, job("A_B_C", "X"), field, job("A_B_C", "Y"))) << "one agent, two databases: two file names";
    EXPECT_FALSE(collide(field, job("A_B_C", "X"), field, job("A_B_D", "Y")));
    EXPECT_TRUE(collide(field, job("A_B_C", "X"), field, job("A_B_D", "x"))) << "two agents of one city with one database";
    EXPECT_FALSE(collide(field, job("A_B_C", "X", "2023"), field, job("A_B_D", "X", "2024"))) << "fixed years keep them apart";
    EXPECT_TRUE(collide(field, job("A_B_C", "X", "2023"), field, job("A_B_D", "X")));
    EXPECT_FALSE(collide("{agent}/{database}/{file}", job("A_B_C", "X"), "{agent}/{database}/{file}", job("A_B_D", "X")));
    EXPECT_FALSE(collide("{agent}/{database}/{file}", job("A_B_C", "X"), "{agent}/{database}/{file}", job("A_B_C", "Y")));
}

TEST(ReachablePaths, FindsWhatCouldMeet) {
    EXPECT_TRUE(collide("{company}/{file}", job("A_B", "X"), "{company}/{database}", job("A_B", "Y"))) << "a file may have any name";
    EXPECT_TRUE(collide("{company}/db{year}", job("A_B", "X"), "{company}/db2023", job("A_B", "Y")));
    EXPECT_FALSE(collide("{company}/db{year}", job("A_B", "X"), "{company}/db23", job("A_B", "Y")));
    EXPECT_TRUE(collide("{year}{month}", job("A_B", "X"), "{month}{year}", job("A_B", "Y")));
    EXPECT_TRUE(collide("{database}", job("A_B", "DB_{year}"), "{database}", job("C_D", "db_2024")));
    EXPECT_FALSE(collide("{database}", job("A_B", "DB_{year}"), "{database}", job("C_D", "db_{year}x")));
    EXPECT_TRUE(collide("a-{file}", job("A_B", "X"), "{file}-b", job("A_B", "Y")));
    EXPECT_FALSE(collide("a-{file}", job("A_B", "X"), "b{file}", job("A_B", "Y")));
    EXPECT_TRUE(collide("{agent}", job("acme", "X"), "{agent}", job("ACME", "Y"))) << "case does not keep paths apart";
    const std::string nul("\0\0h", 3);
    EXPECT_TRUE(collide("s{agent}/x", job(nul, "X"), "s{agent}/x", job(nul, "X"))) << "no byte of a name is an end";
}

TEST(ReachablePaths, OneShapeWithAFileMeetsOnlyForOneDatabase) {
    EXPECT_FALSE(collide("{company}/{file}-{year}", job("A_B", "X", "2023"), "{company}/{file}-{year}", job("A_C", "Y")));
    EXPECT_TRUE(collide("{company}/{file}-{year}", job("A_B", "X", "2023"), "{company}/{file}-{year}", job("A_C", "X")));
    EXPECT_FALSE(collide("{agent}-{file}", job("A1_B", "X"), "{agent}-{file}", job("A2_B", "X")));
}

TEST(ReachablePaths, AFileMayNotBeTheOthersFolder) {
    EXPECT_TRUE(collide("{company}/{file}", job("A_B", "X"), "{company}/{city}/{file}", job("A_B", "Y")));
    EXPECT_TRUE(collide("all", job("A_B", "X"), "all/{file}", job("A_B", "Y")));
    EXPECT_FALSE(collide("all", job("A_B", "X"), "some/{file}", job("A_B", "Y")));
}

TEST(JobNames, SplitsTheAgentFolder) {
    const auto full = split_agent("SIRPACAM_DOUALA_NEWBELL");
    EXPECT_EQ(full.company, "SIRPACAM");
    EXPECT_EQ(full.city, "DOUALA");
    EXPECT_EQ(full.district, "NEWBELL");
    EXPECT_EQ(split_agent("SIRPACAM_DOUALA_NEWBELL_2").district, "NEWBELL_2");
    EXPECT_EQ(split_agent("SIRPACAM").city, "");
    EXPECT_EQ(split_agent("SIRPACAM_DOUALA").city, "DOUALA");
    EXPECT_EQ(split_agent("").company, "");
}

TEST(JobNames, MatchesADatabase) {
    std::string year;
    EXPECT_TRUE(database_matches("SDMC_AKWA_{year}", "sdmc_akwa_2024", &year));
    EXPECT_EQ(year, "2024");
    EXPECT_FALSE(database_matches("SDMC_AKWA_{year}", "SDMC_AKWA_24", &year));
    EXPECT_FALSE(database_matches("SDMC_AKWA_{year}", "SDMC_AKWA_20245", &year));
    EXPECT_FALSE(database_matches("SDMC_AKWA_{year}", "SDMC_AKWA_2O24", &year));
    EXPECT_FALSE(database_matches("SDMC_AKWA_{year}", "SDMC_AKWA_{year}", &year));
    EXPECT_TRUE(database_matches("{year}_{year}", "2024_2024"));
    EXPECT_FALSE(database_matches("{year}_{year}", "2024_2025"));
    year = "kept";
    EXPECT_TRUE(database_matches("X", "x", &year));
    EXPECT_EQ(year, "kept");
    EXPECT_FALSE(database_matches("", "x"));
}

TEST(JobNames, ChecksAPattern) {
    EXPECT_TRUE(check_database_pattern("SDMC AKWA {year}"));
    for (const std::string bad : {"", "  ", "a{month}", "a{", "}b", "a\nb", "a{year"}) EXPECT_FALSE(check_database_pattern(bad)) << bad;
    EXPECT_TRUE(check_database_pattern(std::string(128, 'a')));
    EXPECT_FALSE(check_database_pattern(std::string(129, 'a')));
}

TEST(JobNames, OverlappingPatternsHaveOneMask) {
    for (const auto& [a, b, overlap] : std::vector<std::tuple<std::string, std::string, bool>>{{"DB_{year}", "db_2024", true},
                                                                                               {"DB_{year}", "db_{YEAR}", true},
                                                                                               {"DB_{year}", "db_20x4", false},
                                                                                               {"a", "b", false},
                                                                                               {"a2023", "a2024", false},
                                                                                               {"{year}1", "1{year}", true}}) {
        EXPECT_EQ(patterns_overlap(a, b), overlap) << a << " " << b;
        EXPECT_EQ(patterns_overlap(b, a), overlap);
        EXPECT_TRUE(!overlap || masked_form(pattern_form(a)) == masked_form(pattern_form(b)));
    }
}

}  // namespace
}  // namespace bkmon::core
