#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace bkmon::core {

/// A JSON value as it was written: numbers stay text, so that nobody's size goes through a double. For input that others control.
struct JsonNode {
    enum class Kind { null, boolean, number, text, array, object };
    Kind kind = Kind::null;
    bool flag = false;              ///< boolean
    std::string text;               ///< text decoded, number as written
    std::vector<std::string> keys;  ///< object: keys[i] names items[i], in the order of the text
    std::vector<JsonNode> items;    ///< array and object

    /// The member of that name; nullptr when there is none or this is no object.
    const JsonNode* find(std::string_view key) const;
};

struct JsonLimits {
    std::size_t bytes = std::size_t{1} << 20;
    std::size_t depth = 16;  ///< objects and arrays inside each other
    std::size_t nodes = 100000;
};

/// Reads one JSON value. Errc::invalid says what is wrong and where (line and column, or the path of the member). Refused beside the
/// syntax: more than the limits, keys that occur twice, invalid UTF-8, NUL bytes, trailing bytes, numbers beyond a double. A UTF-8 BOM is skipped.
/// Pure, any thread.
Result<JsonNode> parse_json(std::string_view bytes, const JsonLimits& limits = {});

/// Compact JSON of a tree.
std::string json_text(const JsonNode& node);

}  // namespace bkmon::core
