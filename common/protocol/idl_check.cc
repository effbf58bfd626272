#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/protocol/idl.h"

namespace bkmon::protocol {

namespace {
using nlohmann::json;

/// Holds a value against a type; on the first misfit `where_` and `why_` say it.
class Checker {
public:
    Checker(const Interface& interface, Members members) : interface_(interface), members_(members) {}

    bool fits(const Type& type, const json& value, const std::string& path) {
        switch (type.kind) {
            case Type::Kind::boolean: return value.is_boolean() || misfit(path, "not true or false");
            case Type::Kind::integer: return value.is_number_integer() || misfit(path, "not a whole number");
            case Type::Kind::real: return value.is_number() || misfit(path, "not a number");
            case Type::Kind::text: return value.is_string() || misfit(path, "not a text");
            case Type::Kind::object: return value.is_object() || misfit(path, "not an object");
            case Type::Kind::enumeration: return is_one_of(type, value) || misfit(path, "not one of the values declared");
            case Type::Kind::nullable: return value.is_null() || fits(*type.element, value, path);
            case Type::Kind::array: return fits_array(*type.element, value, path);
            case Type::Kind::map: return fits_map(*type.element, value, path);
            case Type::Kind::structure: return fits_structure(type, value, path);
            case Type::Kind::named: return fits_named(type, value, path);
        }
        return false;
    }

    Failure problem() const { return fail(Errc::invalid, (where_.empty() ? "value" : where_) + ": " + why_); }

private:
    bool misfit(const std::string& path, std::string why) {
        where_ = path;
        why_ = std::move(why);
        return false;
    }
    static std::string below(const std::string& path, const std::string& name) { return path.empty() ? name : path + "." + name; }

    static bool is_one_of(const Type& type, const json& value) {
        return value.is_string() && std::find(type.values.begin(), type.values.end(), value.get_ref<const std::string&>()) != type.values.end();
    }
    bool fits_array(const Type& element, const json& value, const std::string& path) {
        if (!value.is_array()) return misfit(path, "not a list");
        for (std::size_t i = 0; i < value.size(); ++i)
            if (!fits(element, value[i], path + "[" + std::to_string(i) + "]")) return false;
        return true;
    }
    bool fits_map(const Type& element, const json& value, const std::string& path) {
        if (!value.is_object()) return misfit(path, "not an object");
        for (const auto& [name, member] : value.items())
            if (!fits(element, member, below(path, name))) return false;
        return true;
    }
    bool fits_structure(const Type& type, const json& value, const std::string& path) {
        if (!value.is_object()) return misfit(path, "not an object");
        for (const auto& [name, member] : value.items())
            if (std::none_of(type.fields.begin(), type.fields.end(), [&n = name](const Field& f) { return f.name == n; }))
                return misfit(below(path, name), "not declared");
        for (const auto& field : type.fields) {
            const auto it = value.find(field.name);
            if (it == value.end()) {
                if (field.type.kind == Type::Kind::nullable && members_ == Members::nullable_may_miss) continue;
                return misfit(below(path, field.name), "missing");
            }
            if (!fits(field.type, *it, below(path, field.name))) return false;
        }
        return true;
    }
    bool fits_named(const Type& type, const json& value, const std::string& path) {
        const auto it = interface_.types.find(type.name);
        return it == interface_.types.end() ? misfit(path, "type '" + type.name + "' is not declared") : fits(it->second, value, path);
    }

    const Interface& interface_;
    Members members_;
    std::string where_, why_;
};
}  // namespace

Result<void> check(const Interface& interface, const Type& type, std::string_view text, Members members) {
    const auto value = json::parse(text.begin(), text.end(), nullptr, false);
    if (value.is_discarded()) return fail(Errc::invalid, "value: not JSON");
    Checker checker(interface, members);
    if (!checker.fits(type, value, "")) return checker.problem();
    return {};
}

}  // namespace bkmon::protocol
