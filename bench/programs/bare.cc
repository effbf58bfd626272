// What a careful script would do with a small backup, and nothing else: the same copies, fsyncs and commits that bkmond does before it calls a
// backup promoted and recorded, without watching, reports, inspection, judging or anybody to tell.
//   bare deposit VAULT DATABASE    reads "SOURCE NAME" lines; for each, prints the seconds of one whole sequence with its three commits
//   bare many VAULT SOURCES        takes every file SOURCES/<agent>/database/<file>, in order, without commits; prints the seconds
#include <fcntl.h>
#include <openssl/evp.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

void need(bool good, const char* what) {
    if (good) return;
    std::perror(what);
    std::exit(1);
}

class Fd {
public:
    explicit Fd(int fd) : fd_(fd) { need(fd_ >= 0, "open"); }
    ~Fd() { ::close(fd_); }
    Fd(const Fd&) = delete;
    Fd& operator=(const Fd&) = delete;
    int get() const { return fd_; }

private:
    const int fd_;
};

void sync_dir(const fs::path& path) {
    const Fd dir(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    need(::fsync(dir.get()) == 0, "fsync");
}

std::string hash_of(int fd) {
    std::vector<unsigned char> block(std::size_t{1} << 20);
    std::array<unsigned char, 32> digest{};
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    need(EVP_DigestInit_ex(context, EVP_sha256(), nullptr) == 1, "digest");
    off_t at = 0;
    for (ssize_t n = 0; (n = ::pread(fd, block.data(), block.size(), at)) > 0; at += n)
        EVP_DigestUpdate(context, block.data(), static_cast<std::size_t>(n));
    EVP_DigestFinal_ex(context, digest.data(), nullptr);
    EVP_MD_CTX_free(context);
    std::string text;
    for (const auto byte : digest) {
        std::array<char, 3> two{};
        std::snprintf(two.data(), two.size(), "%02x", static_cast<unsigned>(byte));
        text += two.data();
    }
    return text;
}

/// The vault's side of one backup, in two halves, because a commit comes between them.
class Promotion {
public:
    Promotion(fs::path vault, const fs::path& source, const fs::path& name)
        : vault_(std::move(vault)), temp_(vault_ / ".tmp" / "copy"), final_(vault_ / name) {
        copy(source);
        make_parents(name.parent_path());
        prove();
    }
    void finish() {
        need(::rename(temp_.c_str(), final_.c_str()) == 0, "rename");
        sync_dir(final_.parent_path());
        sync_dir(temp_.parent_path());
    }
    const std::string& sha256() const { return sha256_; }

private:
    void copy(const fs::path& source) {
        const Fd from(::open(source.c_str(), O_RDONLY | O_CLOEXEC));
        const Fd to(::open(temp_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
        std::vector<char> block(std::size_t{1} << 20);
        for (ssize_t n = 0; (n = ::read(from.get(), block.data(), block.size())) > 0;)
            need(::write(to.get(), block.data(), static_cast<std::size_t>(n)) == n, "write");
        sha256_ = hash_of(to.get());
    }
    void make_parents(const fs::path& name) {
        fs::path here = vault_;
        for (const auto& part : name) {
            ::mkdir((here / part).c_str(), 0750);
            sync_dir(here);
            here /= part;
        }
    }
    void prove() {
        const Fd fd(::open(temp_.c_str(), O_RDONLY | O_CLOEXEC));
        need(::fsync(fd.get()) == 0, "fsync");
        ::posix_fadvise(fd.get(), 0, 0, POSIX_FADV_DONTNEED);
        need(hash_of(fd.get()) == sha256_, "the copy differs");
        ::fsetxattr(fd.get(), "user.bench.sha256", sha256_.data(), sha256_.size(), 0);
        need(::fchmod(fd.get(), 0440) == 0, "chmod");
        need(::fsync(fd.get()) == 0, "fsync");
    }

    const fs::path vault_, temp_, final_;
    std::string sha256_;
};

/// A database as careful as bkmond's own: WAL, synchronous=FULL.
class Ledger {
public:
    explicit Ledger(const char* path) {
        need(sqlite3_open(path, &db_) == SQLITE_OK, "sqlite3_open");
        run("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
            "CREATE TABLE state (tx TEXT PRIMARY KEY, phase TEXT, sha256 TEXT, body TEXT);"
            "CREATE TABLE verdict (id INTEGER PRIMARY KEY, name TEXT, sha256 TEXT, body TEXT);");
    }
    ~Ledger() { sqlite3_close(db_); }
    Ledger(const Ledger&) = delete;
    Ledger& operator=(const Ledger&) = delete;

    void run(const std::string& sql) {
        char* error = nullptr;
        if (sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, &error) == SQLITE_OK) return;
        std::fprintf(stderr, "%s: %s\n", sql.c_str(), error);
        std::exit(1);
    }
    void phase(const std::string& name, const std::string& phase, const std::string& sha256) {
        run("INSERT OR REPLACE INTO state VALUES ('" + name + "', '" + phase + "', '" + sha256 + "', '" + std::string(300, 'x') + "')");
    }
    void verdict(const std::string& name, const std::string& sha256) {
        run("BEGIN IMMEDIATE; INSERT INTO verdict (name, sha256, body) VALUES ('" + name + "', '" + sha256 + "', '" + std::string(900, 'x') +
            "'); DELETE FROM state WHERE tx = '" + name + "'; COMMIT");
    }

private:
    sqlite3* db_ = nullptr;
};

double since(std::chrono::steady_clock::time_point began) { return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count(); }

int deposits(const fs::path& vault, const char* database) {
    Ledger ledger(database);
    for (std::string line; std::getline(std::cin, line);) {
        std::istringstream words(line);
        std::string source, name;
        words >> source >> name;
        const auto began = std::chrono::steady_clock::now();
        ledger.phase(name, "copying", "");
        Promotion promotion(vault, source, name);
        ledger.phase(name, "ready", promotion.sha256());
        promotion.finish();
        ledger.verdict(name, promotion.sha256());
        std::cout << since(began) << std::endl;
    }
    return 0;
}

int many(const fs::path& vault, const fs::path& sources) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(sources))
        if (entry.is_regular_file() && entry.path().parent_path().filename() == "database") files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    const auto began = std::chrono::steady_clock::now();
    for (const auto& file : files) {
        const auto agent = file.parent_path().parent_path().filename();
        Promotion(vault, file, agent / file.stem().stem() / file.filename()).finish();
    }
    std::cout << since(began) << ' ' << files.size() << std::endl;
    return files.empty() ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) return 2;
    const std::string mode = argv[1];
    const fs::path vault = argv[2];
    fs::create_directories(vault / ".tmp");
    return mode == "deposit" ? deposits(vault, argv[3]) : many(vault, argv[3]);
}
