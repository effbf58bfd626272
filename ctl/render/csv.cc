#include "ctl/render/csv.h"

#include "common/base/text.h"
#include "ctl/render/json.h"
#include "ctl/render/words.h"

namespace bkmon::ctl {

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
        for (std::size_t i = 0; i < members.size(); ++i) add(json_cell(row.dump(members[i])), i == 0);
        out += "\r\n";
    }
    return out;
}

}  // namespace bkmon::ctl
