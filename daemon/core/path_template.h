#pragma once
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace bkmon::core {

/// What a path template may be filled with.
struct PathFields {
    std::string agent, company, city, district, database, year, month, day, file;
};

enum class PathField { agent, company, city, district, database, year, month, day, file };
inline constexpr std::array<std::string_view, 9> kPathFields{"agent", "company", "city", "district", "database", "year", "month", "day", "file"};

/// A name that may be a component of a path in the vault: [A-Za-z0-9._-]{1,128}, not starting with a dot (such names are the vault's own).
bool acceptable_component(std::string_view name);

/// "{company}/{city}/{year}/{file}", read. A value; any thread.
class PathTemplate {
public:
    /// Errc::invalid names what is wrong: an unknown field (with the nearest known), an open brace, an absolute path, an empty or
    /// unacceptable component.
    static Result<PathTemplate> parse(std::string_view text);

    /// The path relative to the vault. Errc::invalid names an empty field or an unacceptable component.
    Result<std::string> expand(const PathFields& fields) const;

    bool uses(PathField field) const;
    const std::string& text() const { return text_; }

    struct Piece {
        bool is_field = false;
        PathField field{};
        std::string literal;
    };
    const std::vector<std::vector<Piece>>& components() const { return components_; }

private:
    std::string text_;
    std::vector<std::vector<Piece>> components_;
};

/// Where the backups of one job may go: the template with what is fixed for the job filled in.
/// `fields.database` may hold {year}; `year` empty: the backup's; month, day and file are never fixed.
class ReachablePaths {
public:
    ReachablePaths(const PathTemplate& path, const PathFields& fields);

    /// True when backups of both could get one path, or the path of one could be a folder of the other's. Case is ignored. Agents name files
    /// after their databases: {file} in the same place collides only where both jobs could mean one database, or the rest of the name differs.
    bool could_collide(const ReachablePaths& other) const;

    /// The first `components` components as one form (job_names.h); for finding among thousands of jobs the few that must be compared:
    /// paths that could collide have forms that meet, as long as neither has {file} in these components.
    std::string form(std::size_t components) const;
    /// How many leading components are without {file}.
    std::size_t fixed_components() const;
    std::size_t size() const { return components_.size(); }

    /// Stands for a whole file name in a component; digits that may be any are kUnknownDigit.
    static constexpr char kName = '\x02';

private:
    std::vector<std::string> components_;
    std::string database_;  ///< its form
};

}  // namespace bkmon::core
