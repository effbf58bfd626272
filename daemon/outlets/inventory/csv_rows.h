#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bkmon::outlets {

/// Rows of a CSV, one after the other. Lines end with LF, CRLF or CR. Pure.
class CsvRows {
public:
    /// `text` must outlive this; `line` is what its first line is called.
    CsvRows(std::string_view text, char separator, std::size_t line = 1) : text_(text), separator_(separator), line_(line) {}

    struct Row {
        std::size_t line = 0;             ///< where it begins, from 1
        std::vector<std::string> fields;  ///< blanks around them are gone; raw bytes otherwise
        const char* problem = nullptr;    ///< why it cannot be read; its fields mean nothing then
    };
    /// The next row that is not empty. A quoted field may go over several lines, up to 4 KiB in all; a row whose quotes are broken ends with its
    /// first line.
    std::optional<Row> next();

private:
    Row read();
    bool read_field(Row& row, bool& last);
    bool read_quoted(Row& row, std::string& field);
    void skip_line();
    bool at_end() const { return at_ >= text_.size(); }

    std::string_view text_;
    char separator_;
    std::size_t at_ = 0, line_, limit_ = 0;
};

}  // namespace bkmon::outlets
