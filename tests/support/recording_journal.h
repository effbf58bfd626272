#pragma once
#include <algorithm>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/platform/journal/journal.h"

namespace bkmon::test {

/// Keeps what was logged. Any thread.
class RecordingJournal final : public journal::Journal {
public:
    struct Entry {
        journal::Level level;
        std::string id, name, text;
        Fields fields;

        /// The value of a field, or nothing.
        std::optional<std::string> field(std::string_view wanted) const {
            for (const auto& [field_name, value] : fields)
                if (field_name == wanted) return value;
            return {};
        }
    };

    void log(journal::Level level, const journal::Message& message, std::string text, Fields fields = {}) override {
        const std::lock_guard lock(mutex_);
        entries_.push_back({level, std::string(message.id), std::string(message.name), std::move(text), std::move(fields)});
    }

    std::vector<Entry> entries() const {
        const std::lock_guard lock(mutex_);
        return entries_;
    }
    std::vector<Entry> entries(const journal::Message& message) const {
        auto all = entries();
        std::erase_if(all, [&](const Entry& e) { return e.id != message.id; });
        return all;
    }
    std::size_t count(const journal::Message& message) const { return entries(message).size(); }
    /// True when an entry of that kind holds the words.
    bool says(const journal::Message& message, std::string_view words) const {
        const auto of_kind = entries(message);
        return std::any_of(of_kind.begin(), of_kind.end(), [&](const Entry& e) { return e.text.find(words) != std::string::npos; });
    }
    void clear() {
        const std::lock_guard lock(mutex_);
        entries_.clear();
    }

private:
    mutable std::mutex mutex_;
    std::vector<Entry> entries_;
};

}  // namespace bkmon::test
