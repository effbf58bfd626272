#include "daemon/outlets/inventory/inventory.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <set>
#include <unordered_map>

#include "common/base/text.h"
#include "daemon/core/outlet_names.h"
#include "daemon/outlets/inventory/csv_rows.h"

namespace bkmon::outlets {
namespace {

using core::Outlet;

constexpr std::size_t kMostColumns = 200;
constexpr std::string_view kMark = "\xEF\xBB\xBF";

enum class Column { ignored, code, address, name, active, label };

/// What a column of that name is.
Column column_of(std::string_view name) {
    const auto text = lower(name);
    if (text.empty()) return Column::ignored;
    if (text == "code" || text == "outletcode") return Column::code;
    if (text == "address" || text == "ipaddress") return Column::address;
    if (text == "name" || text == "outletname") return Column::name;
    if (text == "active" || text == "activedepot") return Column::active;
    return Column::label;
}

struct Header {
    std::vector<Column> columns;
    std::vector<std::string> names;
};

bool fits(const std::vector<std::string>& names) {
    const auto has = [&](Column wanted) { return std::any_of(names.begin(), names.end(), [&](const auto& n) { return column_of(n) == wanted; }); };
    return has(Column::code) && has(Column::address);
}

Result<Header> read_header(const std::vector<std::string>& names) {
    Header header;
    if (names.size() > kMostColumns) return fail(Errc::invalid, fmt::format("there are more than {} columns", kMostColumns));
    if (!fits(names)) return fail(Errc::invalid, "the first line names no columns 'code' and 'address' (or OutletCode and IPAddress)");
    std::set<std::string> seen;
    for (const auto& name : names) {
        const auto column = column_of(name);
        const auto key = column == Column::label ? "label " + lower(name) : std::to_string(static_cast<int>(column));
        if (column != Column::ignored && !seen.insert(key).second)
            return fail(Errc::invalid, fmt::format("there is more than one column like '{}'", printable(name, 100)));
        if (column == Column::label)
            if (auto good = core::check_outlet_label(name, ""); !good) return fail(Errc::invalid, "a column: " + good.error().what);
        header.columns.push_back(column);
        header.names.push_back(name);
    }
    return header;
}

/// Nothing: it is neither yes nor no.
std::optional<bool> truth(std::string_view text) {
    const auto word = lower(text);
    for (const std::string_view yes : {"", "y", "yes", "true", "1", "s", "si", "s\xC3\xAD", "o", "oui"})
        if (word == yes) return true;
    for (const std::string_view no : {"n", "no", "non", "false", "0"})
        if (word == no) return false;
    return {};
}

/// Collects outlets, row by row.
class Collector {
public:
    explicit Collector(Header header) : header_(std::move(header)) {}

    /// Fields beyond the header's must be empty.
    void add(std::string where, const std::vector<std::string>& fields) {
        auto outlet = read(fields);
        if (!outlet) return bad(std::move(where), std::move(outlet.error().what));
        const auto [first, fresh] = seen_.try_emplace(lower(outlet->code), where);
        if (!fresh) return bad(std::move(where), fmt::format("the code '{}' is there already ({})", printable(outlet->code, 100), first->second));
        found_.outlets.push_back(std::move(*outlet));
    }
    void bad(std::string where, std::string problem) { found_.bad.push_back({std::move(where), std::move(problem)}); }
    bool full() const { return found_.outlets.size() + found_.bad.size() >= kMaxInventoryRows; }

    Inventory take() {
        std::vector<std::pair<std::string, std::size_t>> order;
        order.reserve(found_.outlets.size());
        for (std::size_t i = 0; i < found_.outlets.size(); ++i) order.emplace_back(lower(found_.outlets[i].code), i);
        std::sort(order.begin(), order.end());
        Inventory sorted;
        sorted.bad = std::move(found_.bad);
        sorted.outlets.reserve(order.size());
        for (const auto& o : order) sorted.outlets.push_back(std::move(found_.outlets[o.second]));
        return sorted;
    }

private:
    Result<Outlet> read(const std::vector<std::string>& fields) const {
        Outlet outlet;
        for (std::size_t i = 0; i < fields.size(); ++i) {
            if (!valid_utf8(fields[i])) return fail(Errc::invalid, "it is not UTF-8 (a spreadsheet saves that as 'CSV UTF-8')");
            if (i >= header_.columns.size()) {
                if (!fields[i].empty())
                    return fail(Errc::invalid, fmt::format("it has more than the {} columns of the first line", header_.columns.size()));
                continue;
            }
            if (auto set_to = set(outlet, i, fields[i]); !set_to) return fail(std::move(set_to.error()));
        }
        if (auto good = core::check_outlet_code(outlet.code); !good) return fail(std::move(good.error()));
        if (auto good = core::check_address(outlet.address); !good) return fail(std::move(good.error()));
        return outlet;
    }
    Result<void> set(Outlet& outlet, std::size_t i, const std::string& field) const {
        switch (header_.columns[i]) {
            case Column::ignored: return {};
            case Column::code: outlet.code = field; return {};
            case Column::address: outlet.address = field; return {};
            case Column::name: outlet.name = one_line(field); return core::check_outlet_name(outlet.name);
            case Column::active:
                if (const auto yes = truth(field)) return outlet.active = *yes, Result<void>();
                return fail(Errc::invalid, fmt::format("active: '{}' is neither yes nor no", printable(field, 40)));
            case Column::label:
                if (field.empty()) return {};
                return core::check_outlet_label(header_.names[i], outlet.labels[header_.names[i]] = one_line(field));
        }
        return {};
    }
    /// Cells of a spreadsheet may have several lines.
    static std::string one_line(std::string text) {
        for (auto at = text.find("\r\n"); at != std::string::npos; at = text.find("\r\n", at)) text.erase(at, 1);
        std::replace_if(
            text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
        return text;
    }

    Header header_;
    Inventory found_;
    std::unordered_map<std::string, std::string> seen_;
};

Failure too_many() { return fail(Errc::no_space, fmt::format("there are more than {} rows", kMaxInventoryRows)); }

/// The rows, by the separator of the first line; or by that of a line "sep=;" in front of it, as spreadsheets write it.
CsvRows rows_of(std::string_view text) {
    if (lower(text.substr(0, 4)) == "sep=" && text.size() > 5 && (text[5] == '\n' || text[5] == '\r'))
        return {text.substr(text.substr(5, 2) == "\r\n" ? 7 : 6), text[4], 2};
    for (const char separator : {',', ';', '\t'})
        if (const auto first = CsvRows(text, separator).next(); first && !first->problem && fits(first->fields)) return {text, separator};
    return {text, ','};
}

std::string yes_no(bool yes) { return yes ? "Y" : "N"; }

bool same(const Outlet& a, const Outlet& b) { return a.code == b.code && a.name == b.name && a.address == b.address && a.labels == b.labels; }

}  // namespace

Result<Inventory> from_csv(std::string_view text) {
    if (text.substr(0, kMark.size()) == kMark) text.remove_prefix(kMark.size());
    if (text.find('\0') != std::string_view::npos || text.substr(0, 2) == "\xFF\xFE" || text.substr(0, 2) == "\xFE\xFF")
        return fail(Errc::invalid, "it is not UTF-8 text (a spreadsheet saves that as 'CSV UTF-8')");
    auto rows = rows_of(text);
    const auto first = rows.next();
    if (!first) return fail(Errc::invalid, "it is empty: the first line names the columns, such as code,address,name,active");
    if (first->problem) return fail(Errc::invalid, fmt::format("the first line: {}", first->problem));
    auto header = read_header(first->fields);
    if (!header) return fail(std::move(header.error()));
    Collector collector(std::move(*header));
    while (const auto row = rows.next()) {
        if (collector.full()) return too_many();
        auto where = fmt::format("line {}", row->line);
        if (row->problem)
            collector.bad(std::move(where), row->problem);
        else
            collector.add(std::move(where), row->fields);
    }
    return collector.take();
}

Result<Inventory> from_table(const std::vector<std::string>& columns, const std::vector<std::vector<std::optional<std::string>>>& rows) {
    if (!fits(columns))
        return fail(Errc::invalid,
                    "the query gives no columns 'code' and 'address': name them so (SELECT OutletCode AS code, IPAddress AS address …)");
    auto header = read_header(columns);
    if (!header) return fail(std::move(header.error()));
    if (rows.size() > kMaxInventoryRows) return too_many();
    Collector collector(std::move(*header));
    std::vector<std::string> fields;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        fields.clear();
        for (const auto& value : rows[i]) fields.push_back(trim(value.value_or("")));
        collector.add(fmt::format("row {}", i + 1), fields);
    }
    return collector.take();
}

std::string to_csv(const std::vector<Outlet>& outlets) {
    std::map<std::string, std::string> labels;  // as a header they ignore case: the first spelling stands for all
    for (const auto& o : outlets)
        for (const auto& [name, value] : o.labels)
            if (column_of(name) == Column::label) labels.try_emplace(lower(name), name);
    std::string text = "code,address,name,active";
    for (const auto& [key, name] : labels) text += "," + csv_field(name);
    text += "\n";
    for (const auto& o : outlets) {
        text += csv_field(o.code) + "," + csv_field(o.address) + "," + csv_field(o.name) + "," + yes_no(o.active);
        for (const auto& [key, name] : labels) {
            const auto own = std::find_if(o.labels.begin(), o.labels.end(), [&key = key](const auto& l) { return lower(l.first) == key; });
            text += "," + (own == o.labels.end() ? std::string() : csv_field(own->second));
        }
        text += "\n";
    }
    return text;
}

Difference difference(const std::vector<Outlet>& before, const std::vector<Outlet>& after) {
    std::map<std::string, std::pair<const Outlet*, const Outlet*>> both;
    for (const auto& o : before) both[lower(o.code)].first = &o;
    for (const auto& o : after) both[lower(o.code)].second = &o;
    Difference d;
    for (const auto& [key, pair] : both) {
        const auto [was, is] = pair;
        if (!was)
            d.added.push_back(is->code);
        else if (!is || (was->active && !is->active))
            d.deactivated.push_back(was->code);
        else if (!was->active && is->active)
            d.reactivated.push_back(is->code);
        else if (!same(*was, *is))
            d.changed.push_back(is->code);
    }
    return d;
}

}  // namespace bkmon::outlets
