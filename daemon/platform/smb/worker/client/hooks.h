#pragma once
#include <netinet/in.h>

#include <cstdint>
#include <string>

#include "common/base/unique_fd.h"
#include "daemon/platform/smb/visit.h"

/// Functions that the executable puts before those of the libraries that it loads (a program's own symbols come first), so that they hold
/// whatever libsmbclient does, and say what it keeps to itself:
///   connect                     only to the address of the order; the first time over the connection that came with it
///   free                        overwrites what it gives back: no copy of a credential outlives its visit
///   get_dyn_CONFIGFILE          a configuration of our own instead of the machine's
///   smbXcli_conn_dfs_supported, smbXcli_tcon_is_dfs_share
///                               no: referrals are neither asked for nor followed
///   lp_client_signing           as the order says
///   cli_get_fs_attr_info        not asked: three round trips for what nobody here uses
///   cli_close                   fails at once where no connection is left that could be asked
///   cli_session_setup_creds, smbXcli_session_is_guest, map_errno_from_nt_status, cli_list
///                               pass on, and note the logins, a session that nobody's password opened, the exact status, and how many
///                               entries a folder has
/// Where another version of Samba has no such function inside, ours is not called: errors are then told apart by errno alone and the cap of
/// entries is that of memory; the address stays guarded and signing required. One thread.
namespace bkmon::smb::client {

/// What was seen since it was last cleared.
struct Seen {
    int logins = 0;
    bool login_tried = false;  ///< on the connection that is being made
    bool logged_in = false;    ///< ... and it was accepted
    std::uint32_t status = 0;  ///< the first NT status that became an errno
    bool nobody = false;       ///< the session is a guest's or anonymous
    bool strayed = false;      ///< another address was to be connected to
    bool too_many = false, too_slow = false;
    std::uint64_t entries = 0;  ///< of the folder being listed
};
Seen& seen();

/// From now on: connections to the order's address and port, its cap of entries, its rule for signing. `patience`: how long one listing may take.
/// `connection`: takes the place of the first one, if it leads there, has not ended, and nobody has said anything over it; it may be none.
/// False, and nothing is permitted, when the address is not numeric.
bool permit(const Order& order, UniqueFd connection, milliseconds patience);
void permit_nothing();

/// Cuts every connection made since, without a farewell that could take time.
void cut_connections();

/// The file that is read instead of /etc/samba/smb.conf. Lives as long as the process.
void use_configuration(const std::string& path);

/// The library makes a set of watched descriptors for each request, of one descriptor: poll() needs no kernel object for that, and half the calls.
void wait_cheaply();

/// "none", or the names of the functions that are not where they were expected: tests and --probe look at it.
std::string missing_hooks();

}  // namespace bkmon::smb::client
