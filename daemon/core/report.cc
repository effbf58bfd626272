#include "daemon/core/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>

#include "common/base/text.h"
#include "daemon/core/json_tree.h"
#include "daemon/core/schedule.h"

namespace bkmon::core {
namespace {

using Kind = JsonNode::Kind;

constexpr std::size_t kMaxNameBytes = 255;

struct StageNames {
    std::string_view current, older, older_start;
    Stage ReportDatabase::*member;
};
constexpr std::array kStageNames{StageNames{"BACKUP", "backup_process", "backup_process_start_time", &ReportDatabase::backup},
                                 StageNames{"COMPRESS", "compress_process", "compress_process_start_time", &ReportDatabase::compress},
                                 StageNames{"TRANSFER", "transfer_process", "transfer_process_start_time", &ReportDatabase::transfer}};

std::string shown(std::string_view raw) { return printable(raw, 100); }

bool says_nothing(const JsonNode* n) {
    if (!n || n->kind == Kind::null) return true;
    if (n->kind != Kind::text) return false;
    const auto word = lower(trim(n->text));
    return word.empty() || word == "null" || word == "none";
}

/// What a person wrote for a person: any value as text, "null" as nothing.
std::string words(const JsonNode* n) {
    if (says_nothing(n)) return {};
    return n->kind == Kind::text || n->kind == Kind::number ? n->text : json_text(*n);
}

bool is_scalar(const JsonNode& n) { return n.kind == Kind::text || n.kind == Kind::number || n.kind == Kind::boolean; }

struct Moment {
    Time at{};
    bool had_zone = true;
};

bool all_digits(std::string_view s) {
    return !s.empty() && std::all_of(s.begin(), s.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// "2025-06-12T12:53:52Z", "…+01:00", "…+0100", "2025-06-20 08:37:35.142592": the last is read in `zone`.
Result<Moment> read_moment(std::string_view raw, std::string_view zone) {
    constexpr std::size_t kSeconds = 19;  // YYYY-MM-DDThh:mm:ss
    const auto text = trim(raw);
    const auto bad = [&](std::string_view why) { return fail(Errc::invalid, fmt::format("'{}' is not a time{}", shown(raw), why)); };
    if (text.size() < kSeconds || text.size() > 64) return bad(" (2025-06-12T12:53:52Z)");
    auto civil = text.substr(0, kSeconds);
    if (civil[10] == ' ' || civil[10] == 't') civil[10] = 'T';
    std::string_view rest = std::string_view(text).substr(kSeconds);
    std::string fraction;
    if (rest.starts_with('.') || rest.starts_with(',')) {
        const auto end = std::min(rest.find_first_not_of("0123456789", 1), rest.size());
        fraction = std::string(rest.substr(1, end - 1));
        if (fraction.empty()) return bad("");
        rest.remove_prefix(end);
    }
    if (rest.starts_with(' ')) rest.remove_prefix(1);
    if (rest.empty()) {
        auto at = from_civil(civil, zone);
        if (!at) return bad("");
        fraction.resize(3, '0');
        int ms = 0;
        std::from_chars(fraction.data(), fraction.data() + 3, ms);
        return Moment{*at + milliseconds(ms), false};
    }
    std::string offset = lower(rest) == "utc" ? "Z" : std::string(rest);
    if (offset.size() == 5 && (offset[0] == '+' || offset[0] == '-') && all_digits(offset.substr(1))) offset.insert(3, ":");
    auto at = parse_rfc3339(civil + (fraction.empty() ? "" : "." + fraction) + offset);
    if (!at) return bad("");
    return Moment{*at, true};
}

/// Reads one database's entry. The first thing wrong makes the entry invalid; the rest is still read, so that a failed stage can be quoted.
class EntryReader {
public:
    EntryReader(const JsonNode& node, ReportDatabase& out, std::string_view zone) : node_(node), out_(out), zone_(zone) {}

    bool older = false, text = false;

    void read() {
        if (out_.name.empty()) return wrong("", "the database has no name");
        if (out_.name.size() > kMaxNameBytes) return wrong("", "the name of the database is too long");
        if (node_.kind != Kind::object) return wrong("", "not an object");
        for (const auto& names : kStageNames) read_stage(names);
        out_.staged_file_name_raw = scalar("staged_file_name");
        const auto separator = out_.staged_file_name_raw.find_last_of("/\\");
        out_.staged_file_name = separator == std::string::npos ? out_.staged_file_name_raw : out_.staged_file_name_raw.substr(separator + 1);
        out_.logs_summary = words(node_.find("logs_summary"));
        require_proof();
    }

private:
    void wrong(std::string_view member, std::string_view what) {
        if (!out_.invalid.empty()) return;
        out_.invalid = fmt::format("databases.{}{}{}: {}", shown(out_.name), member.empty() ? "" : ".", member, what);
    }
    std::string scalar(std::string_view key) {
        const auto* n = node_.find(key);
        if (says_nothing(n)) return {};
        if (is_scalar(*n)) return n->kind == Kind::boolean ? json_text(*n) : n->text;
        wrong(key, "not a text");
        return {};
    }

    void read_stage(const StageNames& names) {
        const auto* now = node_.find(names.current);
        const auto* then = node_.find(names.older);
        if (now && then) return wrong(names.current, fmt::format("there is a '{}' too", names.older));
        older |= then != nullptr;
        const auto* n = now ? now : then;
        if (says_nothing(n)) return;
        stage_ = now ? names.current : names.older;
        if (n->kind != Kind::object) return wrong(stage_, "not an object");
        auto& stage = out_.*names.member;
        stage.present = true;
        stage.status = status(n->find("status"));
        stage.start = time(*n, {"start_time", names.older_start}, stage.start_zone_assumed);
        stage.end = time(*n, {"end_time", "timestamp"}, stage.end_zone_assumed);
        stage.sha256 = checksum(*n);
        stage.size_bytes = size(*n);
        stage.error_message = words(n->find("error_message"));
    }

    std::string at(std::string_view key) const { return fmt::format("{}.{}", stage_, key); }

    std::optional<bool> status(const JsonNode* n) {
        if (says_nothing(n)) return {};
        if (n->kind == Kind::boolean) return n->flag;
        text |= n->kind == Kind::text;
        const auto word = lower(trim(n->text));
        for (const std::string_view good : {"true", "success", "successful", "succeeded", "ok", "completed", "done", "1"})
            if (word == good) return true;
        for (const std::string_view bad : {"false", "failed", "failure", "fail", "error", "ko", "0"})
            if (word == bad) return false;
        wrong(at("status"), fmt::format("'{}' is neither true nor false", shown(words(n))));
        return {};
    }

    std::optional<Time> time(const JsonNode& stage, std::initializer_list<std::string_view> keys, bool& zone_assumed) {
        for (const auto key : keys) {
            const auto* n = stage.find(key);
            if (says_nothing(n)) continue;
            if (n->kind != Kind::text) {
                wrong(at(key), "not a time");
                return {};
            }
            const auto moment = read_moment(n->text, zone_);
            if (!moment) {
                wrong(at(key), moment.error().what);
                return {};
            }
            zone_assumed = !moment->had_zone;
            return moment->at;
        }
        return {};
    }

    std::string checksum(const JsonNode& stage) {
        const auto* longer = stage.find("sha256_checksum");
        const auto* shorter = stage.find("sha256");
        text |= shorter != nullptr;
        std::string sum;
        for (const auto& [key, n] : {std::pair("sha256_checksum", longer), std::pair("sha256", shorter)}) {
            if (says_nothing(n)) continue;
            const auto given = n->kind == Kind::text ? lower(trim(n->text)) : std::string();
            if (!is_sha256(given)) {
                wrong(at(key), fmt::format("'{}' is no SHA-256 (64 hexadecimal digits)", shown(words(n))));
                return {};
            }
            if (!sum.empty() && sum != given) wrong(at(key), "differs from sha256_checksum");
            sum = given;
        }
        return sum;
    }

    std::optional<std::uint64_t> size(const JsonNode& stage) {
        std::optional<std::uint64_t> found;
        for (const std::string_view key : {"size", "size_bytes"}) {
            const auto* n = stage.find(key);
            if (says_nothing(n)) continue;
            const auto value = bytes(key, *n);
            if (!value) return {};
            if (found && *found != *value) wrong(at(key), "differs from size");
            found = value;
        }
        return found;
    }

    std::optional<std::uint64_t> bytes(std::string_view key, const JsonNode& n) {
        text |= n.kind == Kind::text;
        const auto digits = n.kind == Kind::text || n.kind == Kind::number ? trim(n.text) : std::string();
        const auto refuse = [&](std::string_view why) {
            wrong(at(key), fmt::format("'{}' {}", shown(words(&n)), why));
            return std::nullopt;
        };
        if (digits.starts_with('-')) return refuse("is negative");
        std::uint64_t value = 0;
        const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
        if (error == std::errc::result_out_of_range || value > std::uint64_t{1} << 62) return refuse("is too large for a size");
        if (error != std::errc() || stop != digits.data() + digits.size()) {
            const bool huge = n.kind == Kind::number && digits.find_first_of(".eE") != std::string::npos;
            return refuse(huge ? "is not a whole number that can be a size" : "is not a size in bytes");
        }
        return value;
    }

    /// Without a checksum and a size nothing can be proven. A stage that failed has neither, and its message says more.
    void require_proof() {
        for (const auto& names : kStageNames)
            if ((out_.*names.member).status == false) return;
        const auto& sent = sent_stage(out_);
        const std::string_view name = &sent == &out_.compress ? (older ? "compress_process" : "COMPRESS") : (older ? "backup_process" : "BACKUP");
        if (!sent.present) return wrong("", "neither BACKUP nor COMPRESS is there");
        if (sent.sha256.empty()) return wrong(name, "no SHA-256 (sha256_checksum): the file that arrives could not be proven");
        if (!sent.size_bytes) return wrong(name, "no size: the file that arrives could not be proven");
    }

    const JsonNode& node_;
    ReportDatabase& out_;
    std::string_view zone_;
    std::string_view stage_;
};

class ReportReader {
public:
    explicit ReportReader(std::string_view zone) : zone_(zone) {}

    Result<Report> read(const JsonNode& root) {
        if (root.kind != Kind::object) return fail(Errc::invalid, "the report is not a JSON object");
        if (auto id = frame_text(root, "agent_id"); !id)
            return fail(std::move(id.error()));
        else
            report_.agent_id = std::move(*id);
        if (report_.agent_id.empty()) return fail(Errc::invalid, "agent_id: missing");
        report_.overall_status = words(root.find("overall_status"));
        if (auto ok = read_times(root); !ok) return fail(std::move(ok.error()));
        const auto* databases = root.find("databases");
        if (!databases) return fail(Errc::invalid, "databases: missing");
        if (databases->kind != Kind::object) return fail(Errc::invalid, "databases: not an object of database names");
        read_databases(*databases);
        if (!report_.operation_end && !end_of_stages()) return fail(Errc::invalid, "operation_end_time: missing, and no stage has a time");
        report_.dialect = older_ ? Dialect::older : text_ ? Dialect::text : Dialect::current;
        return std::move(report_);
    }

private:
    static Result<std::string> frame_text(const JsonNode& root, std::string_view key) {
        const auto* n = root.find(key);
        if (says_nothing(n)) return std::string();
        if (n->kind != Kind::text && n->kind != Kind::number) return fail(Errc::invalid, fmt::format("{}: not a text", key));
        if (n->text.size() > kMaxNameBytes) return fail(Errc::invalid, fmt::format("{}: longer than {} bytes", key, kMaxNameBytes));
        return n->text;
    }

    Result<void> read_times(const JsonNode& root) {
        // operation_timestamp is what the older agents call the end.
        for (const auto& [key, member] :
             {std::pair("operation_start_time", &Report::operation_start), std::pair("operation_end_time", &Report::operation_end),
              std::pair("operation_timestamp", &Report::operation_end)}) {
            const auto* n = root.find(key);
            if (says_nothing(n) || report_.*member) continue;
            auto moment = n->kind == Kind::text ? read_moment(n->text, zone_) : Result<Moment>(fail(Errc::invalid, "not a time"));
            if (!moment) return fail(in(key, std::move(moment.error())));
            report_.*member = moment->at;
            if (member == &Report::operation_end) report_.zone_assumed = !moment->had_zone;
        }
        return {};
    }

    void read_databases(const JsonNode& databases) {
        std::map<std::string, std::size_t> by_name;
        for (std::size_t i = 0; i < databases.items.size(); ++i) {
            ReportDatabase entry;
            entry.name = databases.keys[i];
            EntryReader reader(databases.items[i], entry, zone_);
            reader.read();
            older_ |= reader.older;
            text_ |= reader.text;
            if (const auto [same, fresh] = by_name.emplace(lower(entry.name), i); !fresh) {
                entry.invalid = fmt::format("databases.{}: named twice, as '{}' too", shown(entry.name), shown(databases.keys[same->second]));
                report_.databases[same->second].invalid = entry.invalid;
            }
            report_.databases.push_back(std::move(entry));
        }
    }

    bool end_of_stages() {
        for (const auto& entry : report_.databases)
            for (const auto& names : kStageNames) {
                const Stage& stage = entry.*names.member;
                if (!stage.end || (report_.operation_end && *stage.end <= *report_.operation_end)) continue;
                report_.operation_end = stage.end;
                report_.zone_assumed = stage.end_zone_assumed;
            }
        return report_.operation_end.has_value();
    }

    std::string_view zone_;
    Report report_;
    bool older_ = false, text_ = false;
};

}  // namespace

bool is_report_name(std::string_view name) {
    constexpr std::string_view kEnd = ".json";
    return name.size() > kEnd.size() && name.size() <= kMaxNameBytes && name.front() != '.' &&
           equal_ignoring_case(name.substr(name.size() - kEnd.size()), kEnd);
}

const Stage& sent_stage(const ReportDatabase& entry) { return entry.compress.present ? entry.compress : entry.backup; }

Result<Report> parse_report(std::string_view bytes, std::string_view report_timezone) {
    auto tree = parse_json(bytes, {.bytes = kMaxReportBytes, .depth = 16, .nodes = 100000});
    if (!tree) return fail(std::move(tree.error()));
    return ReportReader(report_timezone).read(*tree);
}

}  // namespace bkmon::core
