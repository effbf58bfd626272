#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include "ctl/render/paint.h"
#include "ctl/render/terminal.h"

namespace bkmon::ctl {

struct Column {
    std::string name;
    bool right = false;    ///< aligned right
    bool shrink = false;   ///< may become narrower than its content, down to `least`
    bool middle = false;   ///< cut in the middle instead of at the end
    std::size_t want = 8;  ///< before it gets less than this, columns that may be dropped are
    int drop = 0;          ///< left out when there is no room, greatest first; 0: never
    std::size_t least = 8;
};

struct Cell {
    std::string text;  ///< as it came; made fit for a terminal by the table
    Tone tone = Tone::plain;
};

/// Rows under headings, fitted to the terminal: first the columns that may be dropped go, then the wide ones shrink with "…".
/// Without a width nothing is cut. Wide characters count as two columns.
class Table {
public:
    explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
    void add(std::vector<Cell> cells);  ///< as many as there are columns
    bool empty() const { return rows_.empty(); }
    std::size_t size() const { return rows_.size(); }
    std::string text(const Terminal& terminal, bool headings) const;

private:
    std::vector<std::size_t> natural_widths(bool headings) const;
    std::string line(const Terminal& terminal, const std::vector<std::size_t>& widths, const std::vector<bool>& kept,
                     const std::vector<Cell>& cells) const;

    std::vector<Column> columns_;
    std::vector<std::vector<Cell>> rows_;
};

}  // namespace bkmon::ctl
