#include "daemon/platform/smb/worker/status.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "common/base/text.h"

namespace bkmon::smb {
namespace {

// In which stages a status has its meaning.
enum Where : unsigned { kConnect = 1, kLogin = 2, kFolder = 4, kAnywhere = 7 };

struct Meaning {
    std::uint32_t status;
    std::string_view name;
    unsigned where;
    Outcome outcome;
    std::string_view words;
};

constexpr std::array kMeanings{
    // The connection.
    Meaning{0xc00000b5, "IO_TIMEOUT", kAnywhere, Outcome::timeout, "the server did not answer in time"},
    Meaning{0xc0000236, "CONNECTION_REFUSED", kAnywhere, Outcome::refused, "nothing listens on the port"},
    Meaning{0xc000023c, "NETWORK_UNREACHABLE", kAnywhere, Outcome::unreachable, "there is no route to the server"},
    Meaning{0xc000023d, "HOST_UNREACHABLE", kAnywhere, Outcome::unreachable, "the server cannot be reached"},
    Meaning{0xc00000be, "BAD_NETWORK_PATH", kConnect, Outcome::unreachable, "the server cannot be reached"},
    Meaning{0xc000020c, "CONNECTION_DISCONNECTED", kAnywhere, Outcome::reset, "the server cut the connection"},
    Meaning{0xc000020d, "CONNECTION_RESET", kAnywhere, Outcome::reset, "the server cut the connection"},
    Meaning{0xc0000241, "CONNECTION_ABORTED", kAnywhere, Outcome::reset, "the connection was cut"},
    Meaning{0xc000023a, "CONNECTION_INVALID", kAnywhere, Outcome::reset, "the connection was cut"},
    Meaning{0xc000013b, "LOCAL_DISCONNECT", kAnywhere, Outcome::reset, "the connection was cut"},
    Meaning{0xc000013c, "REMOTE_DISCONNECT", kAnywhere, Outcome::reset, "the server cut the connection"},
    Meaning{0xc000014b, "PIPE_BROKEN", kAnywhere, Outcome::reset, "the connection was cut"},
    // What the library calls it when the connection was cut before it had asked for the name of the other end.
    Meaning{0xc0000017, "NO_MEMORY", kConnect, Outcome::reset, "the server cut the connection"},
    Meaning{0xc0000011, "END_OF_FILE", kAnywhere, Outcome::reset, "the server closed the connection"},
    Meaning{0xc00000c9, "NETWORK_NAME_DELETED", kAnywhere, Outcome::reset, "the server took the share away"},
    Meaning{0xc0000203, "USER_SESSION_DELETED", kAnywhere, Outcome::reset, "the server ended the session"},
    Meaning{0xc000035c, "NETWORK_SESSION_EXPIRED", kAnywhere, Outcome::reset, "the server ended the session"},
    Meaning{0xc00000ce, "TOO_MANY_SESSIONS", kAnywhere, Outcome::reset, "the server takes no more sessions at present"},
    Meaning{0xc00000d0, "REQUEST_NOT_ACCEPTED", kAnywhere, Outcome::reset, "the server takes no more connections at present"},
    Meaning{0xc00000c3, "INVALID_NETWORK_RESPONSE", kAnywhere, Outcome::protocol, "the server's answer is none of the protocol"},
    Meaning{0xc000000d, "INVALID_PARAMETER", kConnect | kLogin, Outcome::protocol, "server and client agree on no protocol"},
    Meaning{0xc00000bb, "NOT_SUPPORTED", kConnect, Outcome::protocol, "server and client agree on no protocol"},
    Meaning{0xc0000022, "ACCESS_DENIED", kConnect, Outcome::protocol, "the server does not sign, which is required"},
    // The login.
    Meaning{0xc000006d, "LOGON_FAILURE", kLogin, Outcome::login_refused, "user or password is wrong"},
    Meaning{0xc000006a, "WRONG_PASSWORD", kLogin, Outcome::login_refused, "the password is wrong"},
    Meaning{0xc0000064, "NO_SUCH_USER", kLogin, Outcome::login_refused, "the server does not know the user"},
    Meaning{0xc0000022, "ACCESS_DENIED", kLogin, Outcome::login_refused, "the login was refused, or its answer was not rightly signed"},
    Meaning{0xc000006e, "ACCOUNT_RESTRICTION", kLogin, Outcome::login_refused, "a restriction of the account forbids the login"},
    Meaning{0xc000006f, "INVALID_LOGON_HOURS", kLogin, Outcome::login_refused, "the account may not log in at this hour"},
    Meaning{0xc0000070, "INVALID_WORKSTATION", kLogin, Outcome::login_refused, "the account may not log in from here"},
    Meaning{0xc000015b, "LOGON_TYPE_NOT_GRANTED", kLogin, Outcome::login_refused, "the account may not log in over the network"},
    Meaning{0xc0000413, "AUTHENTICATION_FIREWALL_FAILED", kLogin, Outcome::login_refused, "the account may not log in on this server"},
    Meaning{0xc0000234, "ACCOUNT_LOCKED_OUT", kLogin, Outcome::account_locked, "the account is locked"},
    Meaning{0xc0000071, "PASSWORD_EXPIRED", kLogin, Outcome::password_expired, "the password has expired"},
    Meaning{0xc0000224, "PASSWORD_MUST_CHANGE", kLogin, Outcome::password_expired, "the password must be changed"},
    Meaning{0xc0000072, "ACCOUNT_DISABLED", kLogin, Outcome::password_expired, "the account is disabled"},
    Meaning{0xc0000193, "ACCOUNT_EXPIRED", kLogin, Outcome::password_expired, "the account has expired"},
    Meaning{0xc0000133, "TIME_DIFFERENCE_AT_DC", kLogin, Outcome::clock_skew, "the clocks of server and domain controller differ"},
    Meaning{0xc000005e, "NO_LOGON_SERVERS", kLogin, Outcome::protocol, "the server reaches no domain controller that could check the login"},
    Meaning{0xc000018d, "TRUSTED_RELATIONSHIP_FAILURE", kLogin, Outcome::protocol,
            "the server's trust to the domain is broken: the login was not checked"},
    Meaning{0xc000018a, "NO_TRUST_LSA_SECRET", kLogin, Outcome::protocol, "the server's trust to the domain is broken: the login was not checked"},
    Meaning{0xc0000418, "NTLM_BLOCKED", kLogin, Outcome::protocol, "the server does not take logins by password (NTLM)"},
    Meaning{0xc00000bb, "NOT_SUPPORTED", kLogin, Outcome::protocol, "the server does not take logins by password (NTLM)"},
    // The share and its folder.
    Meaning{0xc00000cc, "BAD_NETWORK_NAME", kFolder, Outcome::no_share, "no such share"},
    Meaning{0xc00000cb, "BAD_DEVICE_TYPE", kFolder, Outcome::no_share, "the share holds no files"},
    Meaning{0xc0000022, "ACCESS_DENIED", kFolder, Outcome::access_denied, "access denied"},
    Meaning{0xc00000ca, "NETWORK_ACCESS_DENIED", kFolder, Outcome::access_denied, "access denied"},
    Meaning{0xc0000034, "OBJECT_NAME_NOT_FOUND", kFolder, Outcome::no_folder, "no such folder"},
    Meaning{0xc000003a, "OBJECT_PATH_NOT_FOUND", kFolder, Outcome::no_folder, "no such folder"},
    Meaning{0xc000000f, "NO_SUCH_FILE", kFolder, Outcome::no_folder, "no such folder"},
    Meaning{0xc0000033, "OBJECT_NAME_INVALID", kFolder, Outcome::no_folder, "the folder's name is none for this server"},
    Meaning{0xc000003b, "OBJECT_PATH_SYNTAX_BAD", kFolder, Outcome::no_folder, "the folder's name is none for this server"},
    Meaning{0xc0000103, "NOT_A_DIRECTORY", kFolder, Outcome::no_folder, "it is a file and no folder"},
    Meaning{0xc0000257, "PATH_NOT_COVERED", kFolder, Outcome::no_folder, "the folder lies on another server (DFS), which is not followed"},
    Meaning{0x8000002d, "STOPPED_ON_SYMLINK", kFolder, Outcome::no_folder, "the folder is a link, which is not followed"},
    Meaning{0xc00000a3, "DEVICE_NOT_READY", kFolder, Outcome::no_folder, "the drive is not ready"},
    Meaning{0xc0000013, "NO_MEDIA_IN_DEVICE", kFolder, Outcome::no_folder, "there is no medium in the drive"},
    Meaning{0xc000014f, "UNRECOGNIZED_VOLUME", kFolder, Outcome::no_folder, "the drive holds no file system that the server knows"},
    Meaning{0xc000026e, "VOLUME_DISMOUNTED", kFolder, Outcome::no_folder, "the drive was taken away"},
    Meaning{0xc0000102, "FILE_CORRUPT_ERROR", kFolder, Outcome::access_denied,
            "the drive's file system is damaged: the server cannot read the folder"},
    Meaning{0xc0000032, "DISK_CORRUPT_ERROR", kFolder, Outcome::access_denied,
            "the drive's file system is damaged: the server cannot read the folder"},
    Meaning{0xc000003e, "DATA_ERROR", kFolder, Outcome::access_denied, "the drive fails: the server cannot read the folder"},
    Meaning{0xc000009c, "DEVICE_DATA_ERROR", kFolder, Outcome::access_denied, "the drive fails: the server cannot read the folder"},
    Meaning{0xc0000185, "IO_DEVICE_ERROR", kFolder, Outcome::access_denied, "the drive fails: the server cannot read the folder"},
    // Files. Their own words are below.
    Meaning{0xc0000043, "SHARING_VIOLATION", 0, Outcome::internal, ""},
    Meaning{0xc0000054, "FILE_LOCK_CONFLICT", 0, Outcome::internal, ""},
    Meaning{0xc0000055, "LOCK_NOT_GRANTED", 0, Outcome::internal, ""},
    Meaning{0xc0000056, "DELETE_PENDING", 0, Outcome::internal, ""},
    Meaning{0xc0000123, "FILE_DELETED", 0, Outcome::internal, ""},
    Meaning{0xc00000ba, "FILE_IS_A_DIRECTORY", 0, Outcome::internal, ""},
};

constexpr unsigned bit_of(Stage stage) { return stage == Stage::connect ? kConnect : stage == Stage::login ? kLogin : kFolder; }

}  // namespace

std::string status_name(std::uint32_t nt_status) {
    for (const auto& m : kMeanings)
        if (m.status == nt_status) return fmt::format("NT_STATUS_{}", m.name);
    return fmt::format("NT status 0x{:08x}", nt_status);
}

Trouble trouble_of(std::uint32_t nt_status, Stage stage) {
    for (const auto& m : kMeanings) {
        if (m.status != nt_status || (m.where & bit_of(stage)) == 0) continue;
        const bool early = m.outcome == Outcome::reset && stage == Stage::connect;
        return {m.outcome, fmt::format("{}{} (NT_STATUS_{})", m.words, early ? " before any login: perhaps it knows SMB 1 alone" : "", m.name)};
    }
    const auto name = status_name(nt_status);
    switch (stage) {
        case Stage::connect: return {Outcome::protocol, fmt::format("server and client agree on no protocol ({})", name)};
        case Stage::login: return {Outcome::protocol, fmt::format("the login went wrong in a way of its own ({})", name)};
        case Stage::folder: break;
    }
    return {Outcome::protocol, fmt::format("the server cannot list the folder ({})", name)};
}

Trouble trouble_of_errno(int e, Stage stage) {
    const auto with = [e](Outcome outcome) { return Trouble{outcome, printable(strerror(e))}; };
    switch (e) {
        case ETIMEDOUT: return with(Outcome::timeout);
        case ECONNREFUSED: return with(Outcome::refused);
        case ENETUNREACH:
        case EHOSTUNREACH:
        case EHOSTDOWN: return with(Outcome::unreachable);
        case ECONNRESET:
        case ECONNABORTED:
        case ENETRESET:
        case ENOTCONN:
        case EPIPE: return with(Outcome::reset);
        case EACCES:
        case EPERM: return with(stage == Stage::folder ? Outcome::access_denied : stage == Stage::login ? Outcome::login_refused : Outcome::protocol);
        case ENOENT:
        case ENOTDIR: return with(stage == Stage::folder ? Outcome::no_folder : Outcome::protocol);
        case ENOMEM:
        case EMFILE: return with(Outcome::internal);
        default: return with(Outcome::protocol);
    }
}

Unreadable unreadable(std::uint32_t nt_status) {
    const auto name = status_name(nt_status);
    switch (nt_status) {
        case 0xc0000043:  // SHARING_VIOLATION
        case 0xc0000054:  // FILE_LOCK_CONFLICT
        case 0xc0000055: return {Visit::Content::in_use, fmt::format("another program has the file open for itself ({})", name)};
        case 0xc0000034:
        case 0xc000003a:
        case 0xc000000f:
        case 0xc0000056:
        case 0xc0000123: return {Visit::Content::changed, fmt::format("the file went away ({})", name)};
        case 0xc0000022: return {Visit::Content::not_opened, fmt::format("the login may not read the file ({})", name)};
        default: return {Visit::Content::not_opened, fmt::format("the server does not let the file be read ({})", name)};
    }
}

}  // namespace bkmon::smb
