#define SD_JOURNAL_SUPPRESS_LOCATION  // the writer's own place in the source says nothing
#include "daemon/platform/journal/sinks.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "common/base/text.h"
#include "common/base/unique_fd.h"

namespace bkmon::journal {
namespace {

constexpr std::string_view kSocket = "/run/systemd/journal/socket";

std::string_view word_of(Level level) {
    switch (level) {
        case Level::error: return "error";
        case Level::warning: return "warning";
        case Level::notice: return "notice";
        case Level::info: return "info";
        case Level::debug: return "debug";
    }
    return "info";
}

bool good_field_name(std::string_view name) {
    return !name.empty() && name.size() <= 64 && name.front() >= 'A' && name.front() <= 'Z' &&
           std::all_of(name.begin(), name.end(), [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; });
}

void write_line(std::string line) {
    line.push_back('\n');
    for (std::string_view rest = line; !rest.empty();) {
        const auto n = ::write(STDERR_FILENO, rest.data(), rest.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return;  // nobody is left to be told
        rest.remove_prefix(static_cast<std::size_t>(n));
    }
}

class SystemSink final : public Sink {
public:
    void write(const Entry& entry) override {
        if (!journal_listens()) return write_line(line_of(entry, style_));
        auto fields = journal_fields(entry);
        std::vector<iovec> parts;
        parts.reserve(fields.size());
        for (auto& field : fields) parts.push_back({field.data(), field.size()});
        if (::sd_journal_sendv(parts.data(), static_cast<int>(parts.size())) < 0) write_line(line_of(entry, style_));
    }

private:
    const LineStyle style_ = stderr_is_journal() ? LineStyle::priority : LineStyle::plain;
};

}  // namespace

std::string line_of(const Entry& entry, LineStyle style) {
    auto line = style == LineStyle::priority
                    ? fmt::format("<{}>{}", static_cast<int>(entry.level), entry.text)
                    : fmt::format("{} {}: {}", rfc3339(std::chrono::floor<std::chrono::seconds>(entry.at)), word_of(entry.level), entry.text);
    std::string shown;
    for (const auto& [name, value] : entry.fields) {
        if (value.empty()) continue;
        const bool quoted = value.find_first_of(" ]\"=") != std::string::npos;
        shown +=
            fmt::format("{}{}={}{}{}", shown.empty() ? "" : " ", printable(name, 64), quoted ? "\"" : "", printable(value, 256), quoted ? "\"" : "");
    }
    return shown.empty() ? line : fmt::format("{} [{}]", line, shown);
}

std::vector<std::string> journal_fields(const Entry& entry) {
    std::vector<std::string> fields{"MESSAGE=" + entry.text, fmt::format("PRIORITY={}", static_cast<int>(entry.level)),
                                    fmt::format("MESSAGE_ID={}", entry.message.id), fmt::format("BKMON_MESSAGE={}", entry.message.name)};
    for (const auto& [name, value] : entry.fields)
        if (good_field_name(name) && !value.empty()) fields.push_back(fmt::format("{}={}", name, value));
    return fields;
}

bool journal_listens() {
    const UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    std::memcpy(to.sun_path, kSocket.data(), kSocket.size());
    return fd && ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
}

bool stderr_is_journal() {
    // systemd.exec(5): "device:inode" in decimal.
    const char* const stream = std::getenv("JOURNAL_STREAM");
    struct stat st {};
    return stream != nullptr && ::fstat(STDERR_FILENO, &st) == 0 && fmt::format("{}:{}", st.st_dev, st.st_ino) == stream;
}

std::unique_ptr<Sink> make_sink() { return std::make_unique<SystemSink>(); }

std::unique_ptr<Journal> open_journal() { return std::make_unique<QueuedJournal>(make_sink()); }

}  // namespace bkmon::journal
