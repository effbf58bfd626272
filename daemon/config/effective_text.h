#pragma once
#include <string>
#include <vector>

#include "daemon/config/config.h"

namespace bkmon::config {

/// Effective settings as one text: they are kept as long as bkmond runs and hardly ever asked for, and ten thousand jobs have tens of thousands.
class EffectiveText {
public:
    EffectiveText() = default;
    explicit EffectiveText(const std::vector<EffectiveSetting>& settings);
    std::vector<EffectiveSetting> all() const;
    /// The same settings in the same order, wherever they were set.
    bool same_values(const EffectiveText& other) const;

private:
    std::string bytes_;  ///< of each text how much of the one before in its column it begins with, how long the rest is, and the rest
};

}  // namespace bkmon::config
