#pragma once
#include <string>

#include "common/base/json_writer.h"
#include "daemon/history/rows.h"
#include "daemon/targets/registry.h"

namespace bkmon::control {

/// The types of the interface files. Any thread.
void put_verdict(JsonWriter& w, const history::VerdictRow& row);
/// `outlet`: whose row it is, as the inventory has it; nullptr for other kinds, or when nothing is known of it.
void put_day(JsonWriter& w, const history::DailyRow& row, const history::OutletRow* outlet);
void put_run(JsonWriter& w, const history::RunRow& row);
void put_counts(JsonWriter& w, const targets::Counts& counts);
/// null when empty.
JsonWriter& put_text(JsonWriter& w, std::string_view name, std::string_view text);

/// Rows joined by commas, at most `each` to a chunk.
class Chunks {
public:
    explicit Chunks(std::size_t each = 200) : each_(each) {}
    template <class Put>
    void add(Put put) {
        if (in_last_ == each_ || chunks_.empty()) {
            chunks_.emplace_back();
            in_last_ = 0;
        }
        JsonWriter w;
        put(w);
        if (in_last_++ > 0) chunks_.back() += ',';
        chunks_.back() += w.str();
        ++count_;
    }
    std::vector<std::string> take() { return std::move(chunks_); }
    std::size_t count() const { return count_; }

private:
    std::size_t each_, in_last_ = 0, count_ = 0;
    std::vector<std::string> chunks_;
};

}  // namespace bkmon::control
