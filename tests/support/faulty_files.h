#pragma once
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "daemon/platform/files/file_ops.h"

namespace bkmon::test {

/// Any files, of which the n-th call fails, or all from it on.
class FaultyFiles final : public files::FileOps {
public:
    explicit FaultyFiles(files::FileOps& real) : real_(real) {}

    void fail_at(std::uint64_t call, int error, bool from_then_on) {
        calls_ = faults_ = 0, retried_ = 0, failed_.clear(), at_ = call, error_ = error, on_ = from_then_on;
    }
    void heal() { at_ = 0; }
    std::uint64_t faults() const { return faults_; }
    /// Calls of fsync on a descriptor whose fsync had failed and where nothing was changed since.
    int retried_syncs() const { return retried_; }

    Result<UniqueFd> open_root(const std::string& path) override {
        return opened([&] { return real_.open_root(path); });
    }
    Result<UniqueFd> open_dir(int dir, std::string_view relative) override {
        return opened([&] { return real_.open_dir(dir, relative); });
    }
    Result<UniqueFd> open_read(int dir, std::string_view relative) override {
        return opened([&] { return real_.open_read(dir, relative); });
    }
    Result<UniqueFd> create(int dir, std::string_view name) override {
        return opened([&] { return real_.create(dir, name); });
    }
    Result<void> make_dir(int dir, std::string_view name, std::uint32_t mode) override {
        return call([&] { return real_.make_dir(dir, name, mode); });
    }
    Result<files::FileStat> stat(int fd) override {
        return call([&] { return real_.stat(fd); });
    }
    Result<files::FileStat> stat_at(int dir, std::string_view relative) override {
        return call([&] { return real_.stat_at(dir, relative); });
    }
    Result<std::vector<files::DirEntry>> list(int dir, std::size_t limit, bool& truncated) override {
        return call([&] { return real_.list(dir, limit, truncated); });
    }
    Result<std::size_t> read(int fd, std::span<unsigned char> to, std::uint64_t offset) override {
        return call([&] { return real_.read(fd, to, offset); });
    }
    Result<void> write(int fd, std::span<const unsigned char> bytes, std::uint64_t offset) override {
        // As a disk that fills up: a part of it arrives.
        failed_.erase(fd);
        if (fails()) {
            static_cast<void>(real_.write(fd, bytes.first(bytes.size() / 2), offset));
            return sys_fail("write", error_);
        }
        return real_.write(fd, bytes, offset);
    }
    Result<void> allocate(int fd, std::uint64_t size) override {
        return call([&] { return real_.allocate(fd, size); });
    }
    Result<bool> clone(int from, int to) override {
        return call([&] { return real_.clone(from, to); });
    }
    Result<void> sync(int fd) override {
        if (failed_.count(fd) != 0) ++retried_;
        auto done = call([&] { return real_.sync(fd); });
        if (!done) failed_.insert(fd);
        return done;
    }
    Result<void> drop_cache(int fd) override {
        return call([&] { return real_.drop_cache(fd); });
    }
    Result<void> set_mode(int fd, std::uint32_t mode) override {
        return call([&] { return real_.set_mode(fd, mode); });
    }
    Result<void> set_attribute(int fd, const std::string& name, const std::string& value) override {
        return call([&] { return real_.set_attribute(fd, name, value); });
    }
    Result<std::string> attribute(int fd, const std::string& name) override {
        return call([&] { return real_.attribute(fd, name); });
    }
    Result<void> exchange(int a, std::string_view x, int b, std::string_view y) override {
        failed_.erase(a), failed_.erase(b);
        return call([&] { return real_.exchange(a, x, b, y); });
    }
    Result<void> rename_new(int a, std::string_view x, int b, std::string_view y) override {
        failed_.erase(a), failed_.erase(b);
        return call([&] { return real_.rename_new(a, x, b, y); });
    }
    Result<void> unlink(int dir, std::string_view name) override {
        failed_.erase(dir);
        return call([&] { return real_.unlink(dir, name); });
    }
    Result<void> remove_dir(int dir, std::string_view name) override {
        return call([&] { return real_.remove_dir(dir, name); });
    }
    Result<files::Space> space(int fd) override {
        return call([&] { return real_.space(fd); });
    }
    bool being_written(int fd) override { return real_.being_written(fd); }

private:
    bool fails() {
        ++calls_;
        const bool now = at_ != 0 && (calls_ == at_ || (on_ && calls_ > at_));
        faults_ += now ? 1 : 0;
        return now;
    }
    template <class F>
    auto call(F f) -> decltype(f()) {
        if (fails()) return sys_fail("fault", error_);
        return f();
    }
    template <class F>
    Result<UniqueFd> opened(F f) {
        auto fd = call(f);
        if (fd) failed_.erase(fd->get());
        return fd;
    }

    files::FileOps& real_;
    std::uint64_t calls_ = 0, at_ = 0, faults_ = 0;
    int error_ = 0, retried_ = 0;
    bool on_ = false;
    std::set<int> failed_;
};

}  // namespace bkmon::test
