#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace bkmon::protocol {

/// The parameters of a call, or any JSON object received, without the heavy JSON header. A getter fails with Errc::invalid
/// ("parameter 'limit' is not a whole number") when the member is of another type; absent and null are nullopt. Immutable, cheap to copy.
class Params {
public:
    Params();  ///< an empty object
    /// An object; depth at most 32; valid UTF-8; no duplicate keys; at most `max_values` values in all, since a short text can hold very many.
    static Result<Params> parse(std::string_view json, std::size_t max_values = static_cast<std::size_t>(-1));
    Result<std::optional<std::string>> string(std::string_view name) const;
    Result<std::optional<std::int64_t>> integer(std::string_view name) const;
    Result<std::optional<double>> number(std::string_view name) const;
    Result<std::optional<bool>> boolean(std::string_view name) const;
    Result<std::optional<std::vector<std::string>>> strings(std::string_view name) const;
    std::optional<Params> object(std::string_view name) const;
    std::vector<Params> objects(std::string_view name) const;  ///< members of an array that are objects
    std::vector<std::string> names() const;
    std::string dump() const;                       ///< compact JSON
    std::string dump(std::string_view name) const;  ///< one member as JSON text; "null" when absent

private:
    struct Impl;
    std::shared_ptr<const Impl> impl_;
};

}  // namespace bkmon::protocol
