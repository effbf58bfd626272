#pragma once
#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "daemon/core/settings/deposits.h"

namespace bkmon::inspect {

/// How `content:` is spelled on the inspector's command line.
inline constexpr std::array<std::pair<std::string_view, core::Content>, 7> kContentWords{{
    {"auto", core::Content::auto_detect},
    {"mysql", core::Content::mysql},
    {"postgresql", core::Content::postgresql},
    {"sqlite", core::Content::sqlite},
    {"mssql", core::Content::mssql},
    {"archive", core::Content::archive},
    {"opaque", core::Content::opaque},
}};

inline std::string_view word_of(core::Content content) {
    for (const auto& [word, c] : kContentWords)
        if (c == content) return word;
    return "auto";
}

inline std::optional<core::Content> content_of(std::string_view word) {
    for (const auto& [w, c] : kContentWords)
        if (w == word) return c;
    return std::nullopt;
}

}  // namespace bkmon::inspect
