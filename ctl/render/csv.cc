#include "ctl/render/csv.h"

#include "common/base/text.h"
#include "ctl/render/json.h"
#include "ctl/render/words.h"

namespace bkmon::ctl {

namespace {

/// What a spreadsheet would run as a formula gets an apostrophe before it, and so does what begins with one: taking one away is always right.
std::string no_formula(std::string text) {
    if (!text.empty() && std::string_view("=+-@\t\r'").find(text.front()) != std::string_view::npos) text.insert(0, 1, '\'');
    return text;
}

}  // namespace

std::string csv_text(const std::vector<std::string_view>& members, const std::vector<protocol::Params>& rows, bool header, bool safe) {
    std::string out;
    const auto add = [&](std::string_view cell, bool first) {
        if (!first) out += ',';
        out += csv_field(safe ? shown(cell) : std::string(cell));
    };
    if (header) {
        for (std::size_t i = 0; i < members.size(); ++i) add(members[i], i == 0);
        out += "\r\n";
    }
    for (const protocol::Params& row : rows) {
        for (std::size_t i = 0; i < members.size(); ++i) {
            const std::string json = row.dump(members[i]);
            const std::string cell = json_cell(json);
            add(json.front() == '-' ? cell : no_formula(cell), i == 0);  // a number is none
        }
        out += "\r\n";
    }
    return out;
}

}  // namespace bkmon::ctl
