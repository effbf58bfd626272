#pragma once
#include <string>
#include <utility>
#include <vector>

#include "common/base/time.h"
#include "daemon/alerts/message/address.h"

namespace bkmon::alerts {

/// A mail with a plain text and an HTML form of the same words.
struct Message {
    Address from, to;
    std::string subject;  ///< UTF-8, any bytes: made fit on the way
    Time date{};
    std::string message_id;                                 ///< "<…@…>", see message_id()
    std::vector<std::string> references;                    ///< ids of the thread, oldest first; the last one is what this answers
    std::string text, html;                                 ///< UTF-8; LF line ends
    std::vector<std::pair<std::string, std::string>> more;  ///< further headers: ASCII names of ours, values of any bytes
};

/// The id of one mail for ever: the same parts give the same id, so that a mail that is sent again is recognised. `host` is a domain.
std::string message_id(const std::vector<std::string>& parts, const std::string& host);

/// All of it as it goes over the wire (RFC 5322, MIME multipart/alternative): CRLF line ends, ASCII alone, no line above 998 bytes. The
/// same message gives the same bytes. Dots at the start of a line are not doubled: that is the transport's business.
std::string wire(const Message& message);

/// "Sun, 22 Nov 2026 03:04:05 +0000" (RFC 5322, 3.3).
std::string mail_date(Time t);

}  // namespace bkmon::alerts
