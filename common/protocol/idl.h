#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace bkmon::protocol {

/// The Varlink interface description language (https://varlink.org/Interface-Definition), read into a tree.

struct Field;

struct Type {
    enum class Kind : std::uint8_t { boolean, integer, real, text, object, structure, enumeration, named, array, map, nullable };
    Kind kind = Kind::object;
    std::string name;                     ///< named: which type
    std::vector<Field> fields;            ///< structure
    std::vector<std::string> values;      ///< enumeration
    std::shared_ptr<const Type> element;  ///< array, map, nullable
};

struct Field {
    std::string name;
    Type type;
};

struct Method {
    Type in, out;  ///< structures
};

struct Interface {
    std::string name;
    std::map<std::string, Type, std::less<>> types;
    std::map<std::string, Method, std::less<>> methods;
    std::map<std::string, Type, std::less<>> errors;
};

/// Errc::invalid as "line 12: …". Refuses what is declared twice and types that are not declared.
Result<Interface> parse_interface(std::string_view text);

/// Replies carry every declared member (null when empty); calls may leave out nullable ones. Nobody may send undeclared members.
enum class Members : std::uint8_t { all, nullable_may_miss };

/// Errc::invalid names the first place that does not fit: "targets[3].size_bytes: not a whole number". `json` is a whole value.
Result<void> check(const Interface& interface, const Type& type, std::string_view json, Members members);

/// For a method or an error by its full name ("io.bkmon.Targets.Status"), by the interfaces built in.
Result<void> check_call(std::string_view method, std::string_view parameters);
Result<void> check_reply(std::string_view method, std::string_view parameters);
Result<void> check_error(std::string_view error, std::string_view parameters);

/// Names of a method's parameters; empty for an unknown method. Parsed once, then kept.
const std::vector<std::string>& parameter_names(std::string_view method);

}  // namespace bkmon::protocol
