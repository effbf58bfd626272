#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "common/protocol/params.h"

namespace bkmon::ctl {

enum class OutletColumns : std::uint8_t {
    all,    ///< twelve; bkmon's own words for a status, sizes in bytes
    legacy  ///< the first nine; Successful or Error, sizes like "2.45 GB"
};

/// The column names, and the rows of Targets.Report (of outlets) as objects of these members, for csv_text().
std::vector<std::string_view> outlet_columns(OutletColumns columns);
std::vector<protocol::Params> outlet_rows(const std::vector<protocol::Params>& report, OutletColumns columns);

/// "2.45 GB": two decimals, units of 1024 as Windows writes them.
std::string legacy_size(std::uint64_t bytes);

}  // namespace bkmon::ctl
