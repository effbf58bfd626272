#include "daemon/platform/smb/worker/client/smbclient_backend.h"

extern "C" {
#include <libsmbclient.h>
}
#include <fcntl.h>
#include <fmt/format.h>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "common/base/unique_fd.h"
#include "daemon/platform/smb/worker/client/hooks.h"
#include "daemon/platform/smb/worker/status.h"

namespace bkmon::smb::client {
namespace {

// Character sets that are built in: others would be loaded as modules, when the first name comes. The interface is never used; without one in the
// configuration Samba ends the process where the kernel may not be asked for them (no AF_NETLINK, as in bkmond's unit).
constexpr std::string_view kConfiguration = R"([global]
  workgroup = WORKGROUP
  netbios name = BKMON
  server string =
  unix charset = UTF-8
  dos charset = ASCII
  disable netbios = yes
  interfaces = 127.0.0.1/8
  bind interfaces only = no
  name resolve order = host
  client signing = required
  client use spnego = yes
  client ntlmv2 auth = yes
  client lanman auth = no
  client plaintext auth = no
  client use kerberos = off
  load printers = no
  log level = 0
  lock directory = /nonexistent
  state directory = /nonexistent
  cache directory = /nonexistent
  private dir = /nonexistent
)";

constexpr unsigned kFolderAttribute = 0x10, kReparseAttribute = 0x400;  // [MS-FSCC] 2.6
constexpr std::size_t kLargestRead = 64 * 1024;
constexpr std::uint64_t kLargeFolder = 2000;
constexpr int kListingPatience = 3;  // request timeouts
constexpr int kKept = 512 * 1024;    // what looking inside a file needs stays for the next one: to give it back and fetch it again takes longer

struct NamelessFile {
    UniqueFd fd;
    std::string path;
};

Result<NamelessFile> nameless_file(std::string_view content) {
    UniqueFd fd(memfd_create("smb.conf", MFD_CLOEXEC));
    if (!fd) return sys_fail("memfd_create", errno);
    if (write(fd.get(), content.data(), content.size()) != static_cast<ssize_t>(content.size())) return sys_fail("write", errno);
    auto path = fmt::format("/proc/self/fd/{}", fd.get());
    return NamelessFile{std::move(fd), std::move(path)};
}

/// Everything but letters, digits and what is certainly nothing special.
std::string encoded(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '-' || c == '_';
        if (plain)
            out += c;
        else
            fmt::format_to(std::back_inserter(out), "%{:02X}", static_cast<unsigned char>(c));
    }
    return out;
}

std::string url(const std::string& address, const std::string& share, const std::string& folder, const std::string& name) {
    auto out = "smb://" + encoded(address) + "/" + encoded(share);
    for (std::size_t at = 0; at < folder.size();) {
        const auto end = std::min(folder.find('/', at), folder.size());
        out += "/" + encoded(std::string_view(folder).substr(at, end - at));
        at = end + 1;
    }
    if (!name.empty()) out += "/" + encoded(name);
    return out;
}

/// Where copies on the stack lay, others lie now.
[[gnu::noinline]] void wipe_stack() {
    std::array<char, 128 * 1024> below;
    explicit_bzero(below.data(), below.size());
}

/// What a refusal means, from what the hooks saw and, where they saw nothing, from errno.
Trouble trouble_now(int e, milliseconds patience) {
    const auto& s = seen();
    const auto stage = !s.login_tried ? Stage::connect : !s.logged_in ? Stage::login : Stage::folder;
    if (s.strayed) return {Outcome::protocol, "the server wanted to send the client to another address, which is refused"};
    if (s.nobody) return {Outcome::login_refused, "the server took the login for a guest's: the password was not checked"};
    if (s.too_many) return {Outcome::too_many, fmt::format("the folder has more than {} entries", s.entries - 1)};
    if (s.too_slow)
        return {Outcome::timeout, fmt::format("the folder's listing had not ended after {} with {} entries", duration_words(patience), s.entries)};
    if (e == ENOTDIR) return {Outcome::no_folder, "it is a file and no folder"};  // found out after a status that says less
    return s.status != 0 ? trouble_of(s.status, stage) : trouble_of_errno(e, stage);
}

class SmbclientBackend;
SmbclientBackend* the_backend = nullptr;

class SmbclientFile final : public File {
public:
    SmbclientFile(SMBCCTX* context, SMBCFILE* file) : context_(context), file_(file) {}
    /// Without asking for it to be closed: nothing is asked on this connection any more, and its end closes the file.
    ~SmbclientFile() override {
        cut_connections();
        smbc_getFunctionClose(context_)(context_, file_);
    }
    SmbclientFile(const SmbclientFile&) = delete;
    SmbclientFile& operator=(const SmbclientFile&) = delete;

    std::optional<Unreadable> read(std::uint64_t offset, std::span<std::uint8_t> to, std::size_t& got) override {
        got = 0;
        seen().status = 0;
        if (smbc_getFunctionLseek(context_)(context_, file_, static_cast<off_t>(offset), SEEK_SET) < 0) return unreadable(seen().status);
        while (got < to.size()) {
            const auto n = smbc_getFunctionRead(context_)(context_, file_, to.data() + got, std::min(to.size() - got, kLargestRead));
            if (n < 0) return unreadable(seen().status);
            if (n == 0) break;
            got += std::min(static_cast<std::size_t>(n), to.size() - got);
        }
        return std::nullopt;
    }

    std::optional<Unreadable> state(FileState& now) override {
        struct stat st {};
        seen().status = 0;
        if (smbc_getFunctionFstat(context_)(context_, file_, &st) != 0)
            return Unreadable{Visit::Content::not_opened, "the server does not say how large the file is now"};
        now = {static_cast<std::uint64_t>(st.st_size), {st.st_mtim.tv_sec, st.st_mtim.tv_nsec}};
        return std::nullopt;
    }

private:
    SMBCCTX* context_;
    SMBCFILE* file_;
};

class SmbclientBackend final : public Backend {
public:
    SmbclientBackend() = default;
    ~SmbclientBackend() override { the_backend = nullptr; }
    SmbclientBackend(const SmbclientBackend&) = delete;
    SmbclientBackend& operator=(const SmbclientBackend&) = delete;

    Result<void> start() {
        auto configuration = nameless_file(kConfiguration);
        if (!configuration) return fail(std::move(configuration.error()));
        use_configuration(configuration->path);
        wait_cheaply();
        unsetenv("HOME");  // it could hold another one
        ::mallopt(M_TRIM_THRESHOLD, kKept);
        context_ = smbc_new_context();
        if (context_ == nullptr) return fail(Errc::internal, "smbc_new_context");
        configure();
        if (smbc_init_context(context_) == nullptr) return sys_fail("smbc_init_context", errno);
        if (smbc_setOptionProtocols(context_, "SMB2_10", "SMB3_11") == 0) return fail(Errc::internal, "smbc_setOptionProtocols");
        signal(SIGPIPE, SIG_IGN);
        return {};
    }

    void begin(const Order& order, UniqueFd connection) override {
        order_ = &order;
        patience_ = kListingPatience * order.request_timeout;
        seen() = {};
        permit(order, std::move(connection), patience_);
        known_as(order.credential.user, order.credential.domain);
        smbc_setPort(context_, order.port);
        smbc_setTimeout(context_, static_cast<int>(std::clamp<std::int64_t>(order.request_timeout.count(), 100, 600'000)));
    }

    std::optional<Trouble> list(const std::string& share, const std::string& folder, const std::function<void(const Entry&)>& each) override {
        fresh();
        auto* folder_handle = smbc_getFunctionOpendir(context_)(context_, url(order_->address, share, folder, "").c_str());
        const int e = errno;
        struct Close {
            SMBCCTX* context;
            SMBCFILE* folder;
            ~Close() {
                if (folder != nullptr) smbc_getFunctionClosedir(context)(context, folder);
            }
        } close{context_, folder_handle};
        if (folder_handle == nullptr || seen().nobody || seen().too_many || seen().too_slow) {
            const bool empty_root = folder_handle == nullptr && folder.empty() && seen().status == kNoSuchFile && seen().logged_in && !seen().nobody;
            if (empty_root) return std::nullopt;
            auto trouble = trouble_now(e, patience_);
            hang_up();
            return trouble;
        }
        while (const auto* info = smbc_getFunctionReaddirPlus2(context_)(context_, folder_handle, nullptr)) {
            const std::string_view name = info->name == nullptr ? "" : info->name;
            if (name == "." || name == "..") continue;
            each({name,
                  info->size,
                  {info->mtime_ts.tv_sec, info->mtime_ts.tv_nsec},
                  (info->attrs & kFolderAttribute) != 0,
                  (info->attrs & kReparseAttribute) != 0});
        }
        return std::nullopt;
    }

    std::unique_ptr<File> open(const std::string& share, const std::string& folder, const std::string& name, Unreadable& why) override {
        seen().status = 0;
        auto* file = smbc_getFunctionOpen(context_)(context_, url(order_->address, share, folder, name).c_str(), O_RDONLY, 0);
        if (file != nullptr && !seen().nobody) return std::make_unique<SmbclientFile>(context_, file);
        if (file != nullptr) smbc_getFunctionClose(context_)(context_, file);
        why = unreadable(seen().status);
        return nullptr;
    }

    int logins() const override { return seen().logins; }

    void forget() override {
        hang_up();
        permit_nothing();
        order_ = nullptr;
        smbc_set_credentials_with_fallback(context_, "", "", "");
        known_as("nobody", "WORKGROUP");
        wipe_stack();
        if (seen().entries > kLargeFolder) malloc_trim(0);  // some hundred bytes for each, of which the next server needs nothing
    }

private:
    static constexpr std::uint32_t kNoSuchFile = 0xc000000f;  // what an empty root says: it has not even itself as an entry

    void configure() {
        smbc_setDebug(context_, 0);
        smbc_setLogCallback(context_, nullptr, [](void*, int, const char*) {});
        known_as("nobody", "WORKGROUP");
        smbc_setNetbiosName(context_, "BKMON");
        smbc_setFunctionAuthDataWithContext(context_, answer);
        smbc_setFunctionCheckServer(context_, [](SMBCCTX*, SMBCSRV*) { return 0; });  // a dead connection shows at the next request
        smbc_setOptionUseKerberos(context_, 0);
        smbc_setOptionFallbackAfterKerberos(context_, 0);
        smbc_setOptionNoAutoAnonymousLogin(context_, 1);
        smbc_setOptionUseCCache(context_, 0);
        smbc_setOptionUrlEncodeReaddirEntries(context_, 0);
        // Never OneSharePerServer: with it, another share's listing is given for this one's.
    }

    static void answer(SMBCCTX*, const char*, const char*, char* domain, int domain_size, char* user, int user_size, char* password,
                       int password_size) {
        if (the_backend == nullptr || the_backend->order_ == nullptr) return;
        const auto& credential = the_backend->order_->credential;
        const auto put = [](char* to, int size, const std::string& text) { snprintf(to, static_cast<std::size_t>(size), "%s", text.c_str()); };
        put(domain, domain_size, credential.domain);
        put(user, user_size, credential.user);
        put(password, password_size, credential.password);
    }

    /// Whose connection is looked for before anybody is asked for a password: what is opened after a listing finds that of the listing.
    void known_as(const std::string& user, const std::string& domain) {
        smbc_setUser(context_, user.c_str());
        smbc_setWorkgroup(context_, domain.c_str());
    }

    void fresh() {
        const int logins = seen().logins;
        seen() = {};
        seen().logins = logins;
    }

    /// A share that was no use keeps no connection.
    void hang_up() {
        cut_connections();
        smbc_getFunctionPurgeCachedServers(context_)(context_);
    }

    friend Result<std::unique_ptr<Backend>> client::make_smbclient_backend();

    SMBCCTX* context_ = nullptr;
    const Order* order_ = nullptr;
    milliseconds patience_{0};
};

}  // namespace

Result<std::unique_ptr<Backend>> make_smbclient_backend() {
    auto backend = std::make_unique<SmbclientBackend>();
    the_backend = backend.get();
    if (auto done = backend->start(); !done) return fail(std::move(done.error()));
    return std::unique_ptr<Backend>(std::move(backend));
}

}  // namespace bkmon::smb::client
