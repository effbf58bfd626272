#include "daemon/alerts/text/fold.h"

#include "common/base/text.h"

namespace bkmon::alerts {
namespace {

/// The words of a line. Punctuation that French sets after a space stays with its word.
std::vector<std::string> words_of(std::string_view line) {
    std::vector<std::string> words;
    for (auto& word : split(line, ' ')) {
        const bool clings = word == ":" || word == ";" || word == "?" || word == "!";
        if (clings && !words.empty())
            words.back() += " " + word;
        else
            words.push_back(std::move(word));
    }
    return words;
}

void end_row(std::string& out, std::string_view row) {
    while (!row.empty() && row.back() == ' ') row.remove_suffix(1);
    out += row;
    out += '\n';
}

void fold_line(std::string& out, std::string_view line, std::size_t columns) {
    const auto indent = std::min(line.find_first_not_of(' '), line.size());
    if (indent >= 4 || display_width(line) <= columns) {
        out += line;
        out += '\n';
        return;
    }
    const std::string next(indent % 2 == 1 ? indent : indent == 2 ? 6 : indent + 2, ' ');
    std::string row(indent, ' ');
    std::size_t width = indent;
    bool empty = true;
    for (const auto& word : words_of(line.substr(indent))) {
        const auto wide = display_width(word);
        if (!empty && width + 1 + wide > columns) {
            end_row(out, row);
            row = next;
            width = next.size();
            empty = true;
        }
        if (empty && word.empty()) continue;  // spaces where it was folded would look like the beginning of something else
        if (!empty) {
            row += ' ';
            ++width;
        }
        row += word;
        width += wide;
        empty = false;
    }
    end_row(out, row);
}

}  // namespace

std::string fold(std::string_view text, std::size_t columns) {
    std::string out;
    bool gap = false;
    for (const auto& part : split(text, '\n')) {
        std::string_view line = part;
        if (line != "-- ")
            while (!line.empty() && (line.back() == ' ' || line.back() == '\r')) line.remove_suffix(1);
        if (line.empty()) {
            gap = !out.empty();
            continue;
        }
        if (gap) out += '\n';
        gap = false;
        fold_line(out, line, columns);
    }
    return out;
}

}  // namespace bkmon::alerts
