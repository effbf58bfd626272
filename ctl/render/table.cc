#include "ctl/render/table.h"

#include <algorithm>

#include "common/base/text.h"
#include "ctl/render/words.h"

namespace bkmon::ctl {

namespace {

constexpr std::size_t kGap = 2;

std::size_t total_of(const std::vector<bool>& kept, const std::vector<std::size_t>& widths) {
    std::size_t total = 0;
    std::size_t columns = 0;
    for (std::size_t i = 0; i < widths.size(); ++i) {
        if (kept[i]) total += widths[i], ++columns;
    }
    return columns == 0 ? 0 : total + (columns - 1) * kGap;
}

/// Which columns stay, so that each that shrinks gets what it wants.
std::vector<bool> keep(const std::vector<Column>& columns, const std::vector<std::size_t>& natural, std::size_t width) {
    std::vector<bool> kept(columns.size(), true);
    std::vector<std::size_t> wanted(natural);
    for (std::size_t i = 0; i < columns.size(); ++i) {
        if (columns[i].shrink) wanted[i] = std::min(columns[i].want, natural[i]);
    }
    while (total_of(kept, wanted) > width) {
        std::size_t victim = columns.size();
        for (std::size_t i = 0; i < columns.size(); ++i) {
            if (kept[i] && columns[i].drop > 0 && (victim == columns.size() || columns[i].drop > columns[victim].drop)) victim = i;
        }
        if (victim == columns.size()) break;
        kept[victim] = false;
    }
    return kept;
}

/// Takes one column at a time, first from whoever has most above what it wants, then from the widest, until it fits or nothing may shrink.
void shrink(const std::vector<Column>& columns, const std::vector<bool>& kept, std::vector<std::size_t>& widths, std::size_t width) {
    for (std::size_t total = total_of(kept, widths); total > width; --total) {
        std::size_t victim = columns.size();
        std::pair<std::size_t, std::size_t> most;  // above what it wants; width
        for (std::size_t i = 0; i < columns.size(); ++i) {
            if (!kept[i] || !columns[i].shrink || widths[i] <= columns[i].least) continue;
            const std::pair can(widths[i] - std::min(widths[i], columns[i].want), widths[i]);
            if (victim == columns.size() || can > most) victim = i, most = can;
        }
        if (victim == columns.size()) return;
        --widths[victim];
    }
}

}  // namespace

void Table::add(std::vector<Cell> cells) {
    for (Cell& cell : cells) cell.text = shown(cell.text);
    cells.resize(columns_.size());
    rows_.push_back(std::move(cells));
}

std::vector<std::size_t> Table::natural_widths(bool headings) const {
    std::vector<std::size_t> widths(columns_.size(), 0);
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        if (headings) widths[i] = display_width(columns_[i].name);
        for (const auto& row : rows_) widths[i] = std::max(widths[i], display_width(row[i].text));
    }
    return widths;
}

std::string Table::line(const Terminal& terminal, const std::vector<std::size_t>& widths, const std::vector<bool>& kept,
                        const std::vector<Cell>& cells) const {
    std::string out;
    std::size_t pending = 0;  // spaces owed before the next visible text: no line ends in blanks
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        if (!kept[i]) continue;
        const std::string text = columns_[i].middle ? fit_middle(cells[i].text, widths[i]) : fit_width(cells[i].text, widths[i]);
        const std::size_t used = display_width(text);
        const std::size_t padding = widths[i] - std::min(widths[i], used);
        if (columns_[i].right) pending += padding;
        if (!text.empty()) {
            out += std::string(pending, ' ') + paint(terminal, cells[i].tone, text);
            pending = 0;
        }
        pending += kGap + (columns_[i].right ? 0 : padding);
    }
    return out + "\n";
}

std::string Table::text(const Terminal& terminal, bool headings) const {
    std::vector<std::size_t> widths = natural_widths(headings);
    std::vector<bool> kept(columns_.size(), true);
    if (terminal.width > 0) {
        kept = keep(columns_, widths, terminal.width);
        shrink(columns_, kept, widths, terminal.width);
    }
    std::string out;
    if (headings) {
        std::vector<Cell> names;
        for (const Column& column : columns_) names.push_back({column.name, Tone::strong});
        out += line(terminal, widths, kept, names);
    }
    for (const auto& row : rows_) out += line(terminal, widths, kept, row);
    return out;
}

}  // namespace bkmon::ctl
