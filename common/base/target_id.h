#pragma once
#include <compare>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace bkmon {

/// "<kind>/<name>[/<name>…]", e.g. "deposit/sirpacam_douala_newbell/SDMC_2023". Each component keeps [A-Za-z0-9._-];
/// every other byte is percent-encoded. Comparison ignores case; the spelling is kept for display.
class TargetId {
public:
    TargetId() = default;
    /// Encodes each part. `parts` are raw names.
    static TargetId of(std::string_view kind, std::initializer_list<std::string_view> parts);
    /// Reads the encoded form. Errc::invalid when it is no id.
    static Result<TargetId> parse(std::string_view text);

    const std::string& str() const { return text_; }
    const std::string& key() const { return key_; }  ///< lower case: for maps and the history
    std::string kind() const;
    bool empty() const { return text_.empty(); }

    friend bool operator==(const TargetId& a, const TargetId& b) { return a.key_ == b.key_; }
    friend auto operator<=>(const TargetId& a, const TargetId& b) { return a.key_ <=> b.key_; }

private:
    std::string text_, key_;
};

/// One component, encoded.
std::string encode_component(std::string_view raw);

}  // namespace bkmon
