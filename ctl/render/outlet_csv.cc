#include "ctl/render/outlet_csv.h"

#include <fmt/format.h>

#include "common/base/json_writer.h"

namespace bkmon::ctl {

namespace {

constexpr std::size_t kLegacyColumns = 9;

std::string text(const protocol::Params& row, std::string_view name) {
    auto value = row.string(name);
    return value && *value ? std::move(**value) : std::string();
}

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    const char low = static_cast<char>(c | 0x20);
    return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

/// The outlet's code of "outlet/<code>/<mode>", as the inventory spells it.
std::string code_of(const std::string& target) {
    const auto begin = target.find('/') + 1;
    const std::string part = target.substr(begin, target.find('/', begin) - begin);
    std::string code;
    for (std::size_t i = 0; i < part.size(); ++i) {
        const int high = part[i] == '%' && i + 2 < part.size() ? hex_digit(part[i + 1]) : -1;
        const int low = high >= 0 ? hex_digit(part[i + 2]) : -1;
        if (low < 0) {
            code += part[i];
            continue;
        }
        code += static_cast<char>(high * 16 + low);
        i += 2;
    }
    return code;
}

bool is_good(const std::string& status) { return status == "ok" || status == "unchanged"; }

void put_size(JsonWriter& w, const protocol::Params& row, OutletColumns columns) {
    const auto size = row.integer("size_bytes");
    const bool known = size && *size && **size >= 0;
    w.key("BackupFileSize");
    if (known && columns == OutletColumns::legacy)
        w.value(legacy_size(static_cast<std::uint64_t>(**size)));
    else
        known ? w.value(**size) : w.null();
}

std::string outlet_row(const protocol::Params& row, OutletColumns columns) {
    const std::string status = text(row, "status");
    const bool legacy = columns == OutletColumns::legacy;
    JsonWriter w;
    w.begin_object().field("OutletServer", code_of(text(row, "target"))).field("ScanDate", text(row, "date"));
    w.field("Status", !legacy ? status : is_good(status) ? "Successful" : "Error");
    w.key("LastBackupTaken").raw(row.dump("backup_at")).key("BackupFile").raw(row.dump("file"));
    put_size(w, row, columns);
    w.key("Duration").raw(row.dump("duration")).field("ErrorDetails", is_good(status) ? std::string() : text(row, "reason"));
    w.key("DriveLetter").raw(row.dump("drive")).key("Address").raw(row.dump("address")).key("Name").raw(row.dump("name"));
    return w.key("ReasonCode").raw(row.dump("reason_code")).end_object().take();
}

}  // namespace

std::string legacy_size(std::uint64_t bytes) {
    constexpr const char* kUnits[] = {"KB", "MB", "GB", "TB"};
    double value = static_cast<double>(bytes) / 1024;
    std::size_t unit = 0;
    for (; value >= 1024 && unit + 1 < std::size(kUnits); ++unit) value /= 1024;
    return fmt::format("{:.2f} {}", value, kUnits[unit]);
}

std::vector<std::string_view> outlet_columns(OutletColumns columns) {
    std::vector<std::string_view> names{"OutletServer", "ScanDate",     "Status",      "LastBackupTaken", "BackupFile", "BackupFileSize",
                                        "Duration",     "ErrorDetails", "DriveLetter", "Address",         "Name",       "ReasonCode"};
    if (columns == OutletColumns::legacy) names.resize(kLegacyColumns);
    return names;
}

std::vector<protocol::Params> outlet_rows(const std::vector<protocol::Params>& report, OutletColumns columns) {
    std::vector<protocol::Params> rows;
    rows.reserve(report.size());
    for (const protocol::Params& row : report)
        if (auto made = protocol::Params::parse(outlet_row(row, columns))) rows.push_back(std::move(*made));
    return rows;
}

}  // namespace bkmon::ctl
