#include "daemon/outlets/inventory/csv_rows.h"

#include <algorithm>

#include "common/base/text.h"

namespace bkmon::outlets {
namespace {

constexpr std::size_t kMostOfLines = 4096;  // of one row over several lines: what is longer is a quote that was never closed

bool ends_line(char c) { return c == '\n' || c == '\r'; }

}  // namespace

void CsvRows::skip_line() {
    while (!at_end() && !ends_line(text_[at_])) ++at_;
    if (at_end()) return;
    at_ += text_.substr(at_, 2) == "\r\n" ? 2 : 1;
    ++line_;
}

/// Behind the opening quote; leaves the place behind the closing one.
bool CsvRows::read_quoted(Row& row, std::string& field) {
    for (; at_ < limit_; ++at_) {
        const char c = text_[at_];
        if (c == '"' && text_.substr(at_, 2) != "\"\"") return ++at_, true;
        if (c == '"') ++at_;
        if (c == '\n' || (c == '\r' && text_.substr(at_, 2) != "\r\n")) ++line_;
        field += c;
    }
    row.problem = "a quote is not closed";
    return false;
}

/// One field and what ends it. False: the row cannot be read.
bool CsvRows::read_field(Row& row, bool& last) {
    std::string field;
    while (!at_end() && (text_[at_] == ' ' || (text_[at_] == '\t' && separator_ != '\t'))) ++at_;
    if (!at_end() && text_[at_] == '"') {
        ++at_;
        if (!read_quoted(row, field)) return false;
        while (!at_end() && text_[at_] == ' ') ++at_;
        if (!at_end() && text_[at_] != separator_ && !ends_line(text_[at_])) {
            row.problem = "something stands behind a closing quote";
            return false;
        }
    } else {
        const auto begin = at_;
        while (!at_end() && text_[at_] != separator_ && !ends_line(text_[at_])) ++at_;
        field = text_.substr(begin, at_ - begin);
        if (field.find('"') != std::string::npos) {
            row.problem = "a quote stands in the middle of a field";
            return false;
        }
    }
    row.fields.push_back(trim(field));
    last = at_end() || ends_line(text_[at_]);
    if (!last) ++at_;
    return true;
}

CsvRows::Row CsvRows::read() {
    Row row;
    row.line = line_;
    const auto begin = at_;
    limit_ = std::min(text_.size(), begin + kMostOfLines);
    // A first line longer than that may be as long as it likes.
    const auto end = text_.find_first_of("\r\n", begin);
    limit_ = std::max(limit_, std::min(end, text_.size()));
    for (bool last = false; !last;) {
        if (read_field(row, last)) continue;
        at_ = begin;
        line_ = row.line;
        break;
    }
    skip_line();
    return row;
}

std::optional<CsvRows::Row> CsvRows::next() {
    while (!at_end()) {
        auto row = read();
        const bool empty = std::all_of(row.fields.begin(), row.fields.end(), [](const std::string& f) { return f.empty(); });
        if (row.problem || !empty) return row;
    }
    return std::nullopt;
}

}  // namespace bkmon::outlets
