#pragma once
#include <compare>
#include <memory>
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

    const std::string& str() const { return names_ ? names_->text : nothing(); }
    const std::string& key() const { return names_ ? names_->key : nothing(); }  ///< lower case: for maps and the history
    std::string kind() const;
    bool empty() const { return str().empty(); }

    friend bool operator==(const TargetId& a, const TargetId& b) { return a.names_ == b.names_ || a.key() == b.key(); }
    friend auto operator<=>(const TargetId& a, const TargetId& b) { return a.key() <=> b.key(); }

private:
    struct Names {
        std::string text, key;
    };
    static const std::string& nothing();
    static TargetId named(std::string text);

    std::shared_ptr<const Names> names_;  ///< shared by all copies: thousands of targets are named in a dozen places each
};

/// One component, encoded.
std::string encode_component(std::string_view raw);

}  // namespace bkmon
