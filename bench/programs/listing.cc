// A pool that only lists: as many processes as wanted, each with one libsmbclient context, take addresses from a pipe, one after the other.
//   listing WORKERS PORT SHARE FOLDER     addresses, one a line, on standard input; BED_USER and BED_PASSWORD in the environment.
// For each address a line: the address, and the newest *.bak in FOLDER, or "!" and the error. Nothing is judged, recorded or shown to anybody.
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

extern "C" {
#include <libsmbclient.h>
}

namespace {

constexpr std::size_t kRecord = 64;  // one address, filled up: a pipe gives each reader whole ones

void need(bool good, const char* what) {
    if (good) return;
    std::perror(what);
    std::_Exit(1);
}

void login(SMBCCTX*, const char*, const char*, char* group, int group_size, char* user, int user_size, char* password, int password_size) {
    std::snprintf(group, static_cast<std::size_t>(group_size), "BEDGRP");
    std::snprintf(user, static_cast<std::size_t>(user_size), "%s", std::getenv("BED_USER"));
    std::snprintf(password, static_cast<std::size_t>(password_size), "%s", std::getenv("BED_PASSWORD"));
}

SMBCCTX* context(int port) {
    SMBCCTX* c = smbc_new_context();
    need(c != nullptr, "smbc_new_context");
    smbc_setPort(c, static_cast<std::uint16_t>(port));
    smbc_setTimeout(c, 5000);
    smbc_setFunctionAuthDataWithContext(c, login);
    smbc_setOptionUseKerberos(c, 0);
    smbc_setOptionUseCCache(c, 0);
    smbc_setOptionNoAutoAnonymousLogin(c, 1);
    need(smbc_init_context(c) != nullptr, "smbc_init_context");
    need(smbc_setOptionProtocols(c, "SMB2_10", "SMB3_11") != 0, "smbc_setOptionProtocols");
    return c;
}

bool fits(std::string_view name) { return name.size() > 4 && strcasecmp(name.substr(name.size() - 4).data(), ".bak") == 0; }

std::string newest(SMBCCTX* c, const std::string& url) {
    SMBCFILE* folder = smbc_getFunctionOpendir(c)(c, url.c_str());
    if (folder == nullptr) return std::string("! ") + std::strerror(errno);
    std::string found = "! nothing";
    timespec at{};
    while (const libsmb_file_info* info = smbc_getFunctionReaddirPlus(c)(c, folder)) {
        if (!fits(info->name) || info->size < 1024 || info->mtime_ts.tv_sec < at.tv_sec) continue;
        at = info->mtime_ts;
        found = info->name;
    }
    smbc_getFunctionClosedir(c)(c, folder);
    return found;
}

[[noreturn]] void work(int in, int port, const std::string& place) {
    SMBCCTX* c = context(port);
    char record[kRecord];
    while (::read(in, record, sizeof record) == static_cast<ssize_t>(sizeof record)) {
        const std::string address(record);
        const std::string line = address + " " + newest(c, "smb://" + address + "/" + place) + "\n";
        need(::write(STDOUT_FILENO, line.data(), line.size()) == static_cast<ssize_t>(line.size()), "write");
        smbc_getFunctionPurgeCachedServers(c)(c);
    }
    std::_Exit(0);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 5 || std::getenv("BED_USER") == nullptr || std::getenv("BED_PASSWORD") == nullptr) {
        std::fputs("listing WORKERS PORT SHARE FOLDER, BED_USER, BED_PASSWORD\n", stderr);
        return 2;
    }
    int jobs[2];
    need(::pipe(jobs) == 0, "pipe");
    const int workers = std::atoi(argv[1]);
    for (int i = 0; i < workers; ++i) {
        const pid_t pid = ::fork();
        need(pid >= 0, "fork");
        if (pid != 0) continue;
        ::close(jobs[1]);
        work(jobs[0], std::atoi(argv[2]), std::string(argv[3]) + "/" + argv[4]);
    }
    ::close(jobs[0]);
    for (std::string address; std::getline(std::cin, address);) {
        char record[kRecord]{};
        std::snprintf(record, sizeof record, "%s", address.c_str());
        need(::write(jobs[1], record, sizeof record) == static_cast<ssize_t>(sizeof record), "write");
    }
    ::close(jobs[1]);
    int worst = 0;
    for (int status = 0; ::wait(&status) > 0;) worst |= status;
    return worst == 0 ? 0 : 1;
}
