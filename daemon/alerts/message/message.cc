#include "daemon/alerts/message/message.h"

#include <fmt/format.h>

#include <array>
#include <chrono>

#include "common/base/text.h"
#include "daemon/alerts/message/header_text.h"
#include "daemon/platform/files/file_ops.h"

namespace bkmon::alerts {
namespace {

constexpr std::size_t kMostReferences = 20;  // the first and the newest tell a thread

std::string digest(const std::vector<std::string>& parts) {
    std::string all;
    for (const auto& part : parts) all += std::to_string(part.size()) + ':' + part;
    return files::Sha256::of(all).substr(0, 32);
}

void put_part(std::string& out, const std::string& boundary, std::string_view type, std::string_view body) {
    out += "--" + boundary + "\r\n";
    out += fmt::format("Content-Type: {}; charset=utf-8\r\n", type);
    out += "Content-Transfer-Encoding: quoted-printable\r\n\r\n";
    out += quoted_printable(body);
    out += "\r\n";
}

std::string reference_list(const std::vector<std::string>& ids) {
    std::string out;
    for (std::size_t i = 0; i < ids.size(); ++i) {
        if (i > 0 && ids.size() > kMostReferences && i + kMostReferences <= ids.size()) continue;
        out += (out.empty() ? "" : " ") + ids[i];
    }
    return out;
}

}  // namespace

std::string message_id(const std::vector<std::string>& parts, const std::string& host) { return "<" + digest(parts) + "@" + host + ">"; }

std::string mail_date(Time t) {
    static constexpr std::array kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr std::array kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const auto day = std::chrono::floor<std::chrono::days>(t);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(t - day));
    return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} +0000", kDays[std::chrono::weekday(day).c_encoding()], static_cast<unsigned>(date.day()),
                       kMonths[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()), clock.hours().count(),
                       clock.minutes().count(), clock.seconds().count());
}

std::string wire(const Message& m) {
    std::string out;
    out += header_line("From", m.from.header());
    out += header_line("To", m.to.header());
    out += header_line("Subject", unstructured(m.subject));
    out += header_line("Date", mail_date(m.date));
    out += header_line("Message-ID", m.message_id);
    if (!m.references.empty()) {
        out += header_line("In-Reply-To", m.references.back());
        out += header_line("References", reference_list(m.references));
    }
    // RFC 3834: no vacation notice answers this.
    out += "Auto-Submitted: auto-generated\r\n";
    for (const auto& [name, value] : m.more) out += header_line(name, unstructured(value));
    const std::string boundary = "bkmon-" + digest({m.message_id, m.text, m.html});
    out += "MIME-Version: 1.0\r\n";
    out += "Content-Type: multipart/alternative;\r\n boundary=\"" + boundary + "\"\r\n\r\n";
    put_part(out, boundary, "text/plain", m.text);
    put_part(out, boundary, "text/html", m.html);
    return out + "--" + boundary + "--\r\n";
}

}  // namespace bkmon::alerts
