#include "daemon/core/path_template.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/text.h"
#include "daemon/core/job_names.h"

namespace bkmon::core {
namespace {

constexpr std::size_t kMaxBytes = 128, kMaxComponents = 16;

bool name_char(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-'; }

const std::string& value_of(PathField f, const PathFields& v) {
    switch (f) {
        case PathField::agent: return v.agent;
        case PathField::company: return v.company;
        case PathField::city: return v.city;
        case PathField::district: return v.district;
        case PathField::database: return v.database;
        case PathField::year: return v.year;
        case PathField::month: return v.month;
        case PathField::day: return v.day;
        case PathField::file: return v.file;
    }
    return v.file;
}

Result<PathField> field_of(std::string_view name) {
    const auto at = std::find(kPathFields.begin(), kPathFields.end(), name);
    if (at != kPathFields.end()) return static_cast<PathField>(at - kPathFields.begin());
    const auto near = nearest(name, {kPathFields.begin(), kPathFields.end()});
    return fail(Errc::invalid, fmt::format("unknown field '{{{}}}'{}", printable(name, 40),
                                           near.empty() ? " (known: {agent} {company} {city} {district} {database} {year} {month} {day} {file})"
                                                        : fmt::format(" (did you mean '{{{}}}'?)", near)));
}

Result<std::vector<PathTemplate::Piece>> read_component(std::string_view text) {
    if (text.empty()) return fail(Errc::invalid, "an empty component ('//', or '/' at an end): paths are relative to the vault");
    std::vector<PathTemplate::Piece> pieces;
    while (!text.empty()) {
        const auto brace = text.find_first_of("{}");
        if (brace != 0) {
            const auto literal = text.substr(0, brace);
            if (!std::all_of(literal.begin(), literal.end(), name_char))
                return fail(Errc::invalid, fmt::format("'{}': only letters, digits, '.', '_' and '-' may stand in a path", printable(literal, 60)));
            if (pieces.empty() && literal.front() == '.') return fail(Errc::invalid, "a component may not start with a dot");
            pieces.push_back({false, {}, std::string(literal)});
            text.remove_prefix(literal.size());
            continue;
        }
        const auto end = text.find('}');
        if (text.front() == '}' || end == std::string_view::npos) return fail(Errc::invalid, "a brace without its other half");
        auto field = field_of(text.substr(1, end - 1));
        if (!field) return fail(std::move(field.error()));
        pieces.push_back({true, *field, {}});
        text.remove_prefix(end + 1);
    }
    return pieces;
}

/// True when a text exists that both describe. `seen` marks pairs that led nowhere.
class Overlap {
public:
    Overlap(std::string_view a, std::string_view b) : a_(a), b_(b), seen_((a.size() + 1) * (b.size() + 1), false) {}
    bool from(std::size_t i, std::size_t j) {
        if (i == a_.size() && j == b_.size()) return true;
        const auto at = i * (b_.size() + 1) + j;
        if (seen_[at]) return false;
        seen_[at] = true;
        if (i == a_.size() || j == b_.size()) return false;
        // A name is one or more characters: it takes one of the other side and may go on, or ends.
        if (a_[i] == ReachablePaths::kName && (from(i, j + 1) || from(i + 1, j + 1))) return true;
        if (b_[j] == ReachablePaths::kName && (from(i + 1, j) || from(i + 1, j + 1))) return true;
        return fits(a_[i], b_[j]) && from(i + 1, j + 1);
    }

private:
    static bool fits(char x, char y) {
        const auto digit = [](char c) { return c >= '0' && c <= '9'; };
        return x == y || (x == kUnknownDigit && digit(y)) || (y == kUnknownDigit && digit(x));
    }
    std::string_view a_, b_;
    std::vector<bool> seen_;
};

}  // namespace

bool acceptable_component(std::string_view name) {
    return !name.empty() && name.size() <= kMaxBytes && name.front() != '.' && std::all_of(name.begin(), name.end(), name_char);
}

Result<PathTemplate> PathTemplate::parse(std::string_view text) {
    PathTemplate t;
    t.text_ = std::string(text);
    if (text.empty()) return fail(Errc::invalid, "the path is empty");
    for (const auto& component : split(text, '/')) {
        auto pieces = read_component(component);
        if (!pieces) return fail(std::move(pieces.error()));
        t.components_.push_back(std::move(*pieces));
    }
    if (t.components_.size() > kMaxComponents) return fail(Errc::invalid, fmt::format("more than {} components", kMaxComponents));
    return t;
}

Result<std::string> PathTemplate::expand(const PathFields& fields) const {
    std::string path;
    for (const auto& component : components_) {
        std::string name;
        for (const auto& piece : component) {
            const auto& part = piece.is_field ? value_of(piece.field, fields) : piece.literal;
            if (part.empty())
                return fail(Errc::invalid, fmt::format("path '{}': {{{}}} is empty", text_, kPathFields[static_cast<std::size_t>(piece.field)]));
            name += part;
        }
        if (!acceptable_component(name))
            return fail(
                Errc::invalid,
                fmt::format(
                    "path '{}': '{}' cannot be a name in the vault (letters, digits, '.', '_', '-' only, not starting with a dot, at most {} bytes)",
                    text_, printable(name, 160), kMaxBytes));
        path += (path.empty() ? "" : "/") + name;
    }
    return path;
}

bool PathTemplate::uses(PathField field) const {
    for (const auto& component : components_)
        for (const auto& piece : component)
            if (piece.is_field && piece.field == field) return true;
    return false;
}

ReachablePaths::ReachablePaths(const PathTemplate& path, const PathFields& fields) : database_(pattern_form(fields.database)) {
    const auto fixed = [&](PathField f) -> std::string {
        if (f == PathField::month || f == PathField::day) return std::string(2, kUnknownDigit);
        if (f == PathField::file) return std::string(1, kName);
        if (f == PathField::year && fields.year.empty()) return std::string(4, kUnknownDigit);
        return pattern_form(value_of(f, fields));
    };
    for (const auto& component : path.components()) {
        std::string name;
        for (const auto& piece : component) name += piece.is_field ? fixed(piece.field) : lower(piece.literal);
        components_.push_back(std::move(name));
    }
}

bool ReachablePaths::could_collide(const ReachablePaths& other) const {
    const auto common = std::min(components_.size(), other.components_.size());
    for (std::size_t i = 0; i < common; ++i) {
        const auto& a = components_[i];
        const auto& b = other.components_[i];
        const bool same_shape = a.find(kName) != std::string::npos && masked_form(a) == masked_form(b);
        if (!Overlap(a, b).from(0, 0) || (same_shape && !forms_meet(database_, other.database_))) return false;
    }
    return true;
}

std::size_t ReachablePaths::fixed_components() const {
    const auto name = std::find_if(components_.begin(), components_.end(), [](const std::string& c) { return c.find(kName) != std::string::npos; });
    return static_cast<std::size_t>(name - components_.begin());
}

std::string ReachablePaths::form(std::size_t components) const {
    std::string out;
    for (std::size_t i = 0; i < std::min(components, components_.size()); ++i) out += components_[i] + '/';
    return out;
}

}  // namespace bkmon::core
