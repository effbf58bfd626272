#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/time.h"
#include "daemon/mtf/reading.h"

namespace bkmon::smb {

/// For one server only; a worker knows none but that of its order. Valid UTF-8.
struct Credential {
    std::string user, domain, password;
};

/// What to look for on one server.
struct Order {
    std::string address;  ///< numeric IPv4 or IPv6: names are resolved before
    std::uint16_t port = 445;
    std::vector<std::string> shares;    ///< in this order; the first that has the folder counts
    std::string folder;                 ///< with / between its parts; empty: the share's root
    std::vector<std::string> patterns;  ///< globs of names, case ignored
    std::uint64_t min_size = 0;
    Time latest{};              ///< what is dated after this is dated in the future
    std::optional<Time> until;  ///< what was modified after this is as if it were not there
    bool look_inside = true;
    bool signing = true;  ///< required
    milliseconds request_timeout{std::chrono::seconds(5)};
    std::uint64_t max_entries = 200'000;  ///< of one folder: beyond it is `too_many`
    Credential credential;
};

/// How far a visit came. Each has its own reason code (daemon/outlets/judgement).
enum class Outcome : std::uint8_t {
    listed,         ///< the folder was read; `newest` may still be absent
    no_share,       ///< the only share of the order is not there
    no_folder,      ///< the share is there, the folder is not, or is no folder
    no_drive,       ///< none of several shares has the folder
    access_denied,  ///< logged in, but share or folder may not be read
    login_refused,  ///< user or password wrong, or only a guest or anonymous session was given
    account_locked,
    password_expired,  ///< … or must be changed, or the account is disabled or expired
    clock_skew,        ///< the login failed because the clocks differ
    name_unknown,      ///< the address is a name that cannot be resolved
    refused,           ///< nothing listens
    unreachable,       ///< no route, host down
    timeout,
    reset,           ///< the connection was cut
    protocol,        ///< no common protocol, no signing, or answers that are none
    too_many,        ///< more entries than are read
    worker_crashed,  ///< the process that read the answer died of it
    internal,        ///< a fault of ours: the worker could not be started, …
};
std::string_view word(Outcome outcome);

struct FoundFile {
    std::string name;  ///< as the server says, valid UTF-8, tainted: text, never syntax
    std::uint64_t size = 0;
    Time modified{};  ///< within 1970 … 9999 whatever the server says
};

struct Visit {
    Outcome outcome = Outcome::internal;
    std::string detail;               ///< for people, printable: NT status, which share said what
    std::string share;                ///< where the folder was found
    std::optional<FoundFile> newest;  ///< that matches, is large enough and is not dated in the future
    std::optional<FoundFile> future;  ///< the one dated furthest ahead
    std::uint64_t files = 0;          ///< that are no folders, no links and not after `until`
    std::uint64_t matching = 0;       ///< of them, by name
    std::uint64_t too_small = 0;      ///< of those that match
    std::uint64_t in_future = 0;      ///< of those that match; never also too small
    std::optional<FoundFile> largest_too_small;

    enum class Content : std::uint8_t { not_asked, read, not_opened, in_use, changed } content = Content::not_asked;
    std::string content_detail;           ///< printable
    std::optional<mtf::Reading> reading;  ///< when content is `read`
    std::uint64_t bytes_read = 0;         ///< of the file
    int logins = 0;                       ///< login attempts made
    milliseconds took{0};                 ///< in the worker, without waiting for one
};

std::string_view word(Visit::Content content);

/// One JSON document each, at most kMaxMessage bytes, as they go over the worker's socket. The readers trust nothing: types, lengths, counts,
/// UTF-8, ranges, unknown words and members, and what contradicts itself (files of a folder that was not read, content of no file).
inline constexpr std::size_t kMaxMessage = 64 * 1024;
std::string to_json(const Order& order);
Result<Order> order_from_json(std::string_view text);
std::string to_json(const Visit& visit);
Result<Visit> visit_from_json(std::string_view text);

}  // namespace bkmon::smb
