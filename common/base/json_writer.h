#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "common/base/time.h"

namespace bkmon {

/// Appends compact JSON to one string: no tree, no heavy header, a fraction of a microsecond a field. Strings that are not
/// valid UTF-8 get U+FFFD for each bad byte, so that the result always is. Misuse (a key outside an object) is a bug and not checked.
class JsonWriter {
public:
    JsonWriter() = default;
    /// With room for so many bytes: a long document is not moved while it grows.
    explicit JsonWriter(std::size_t room) { out_.reserve(room); }
    JsonWriter& begin_object();
    JsonWriter& end_object();
    JsonWriter& begin_array();
    JsonWriter& end_array();
    JsonWriter& key(std::string_view name);
    JsonWriter& value(std::string_view text);
    JsonWriter& value(const char* text) { return value(std::string_view(text)); }
    JsonWriter& value(const std::string& text) { return value(std::string_view(text)); }
    JsonWriter& value(std::int64_t number);
    JsonWriter& value(std::uint64_t number);
    JsonWriter& value(int number) { return value(static_cast<std::int64_t>(number)); }
    JsonWriter& value(unsigned number) { return value(static_cast<std::uint64_t>(number)); }
    JsonWriter& value(double number);  ///< NaN and infinities become null
    JsonWriter& value(bool flag);
    JsonWriter& value(Time t);  ///< RFC 3339, UTC
    JsonWriter& null();
    JsonWriter& raw(std::string_view json);  ///< text that is JSON already

    template <class T>
    JsonWriter& value(const std::optional<T>& v) {
        return v ? value(*v) : null();
    }
    template <class T>
    JsonWriter& field(std::string_view name, const T& v) {
        return key(name).value(v);
    }

    const std::string& str() const { return out_; }
    std::string take() { return std::exchange(out_, {}); }  ///< the writer is empty after it

private:
    void separate();
    std::string out_;
};

/// The text as a JSON string, quotes included.
std::string json_quote(std::string_view text);

}  // namespace bkmon
