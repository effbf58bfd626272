#include "daemon/core/incident.h"

#include <array>

namespace bkmon::core {
namespace {
constexpr std::array<std::string_view, 6> kWords{"opened", "worse", "better", "reminder", "recovered", "flapping"};
}

std::string_view name_of(Word word) { return kWords[static_cast<std::size_t>(word)]; }

std::optional<Word> word_of(std::string_view name) {
    for (std::size_t i = 0; i < kWords.size(); ++i)
        if (kWords[i] == name) return static_cast<Word>(i);
    return std::nullopt;
}

}  // namespace bkmon::core
