#pragma once
#include <memory>
#include <string>
#include <vector>

#include "daemon/platform/files/file_ops.h"

namespace bkmon::test {

/// The real files: a test overrides the call that it wants to disturb.
class ForwardingFiles : public files::FileOps {
public:
    Result<UniqueFd> open_root(const std::string& path) override { return real_->open_root(path); }
    Result<UniqueFd> open_dir(int dir, std::string_view relative) override { return real_->open_dir(dir, relative); }
    Result<UniqueFd> open_read(int dir, std::string_view relative) override { return real_->open_read(dir, relative); }
    Result<UniqueFd> create(int dir, std::string_view name) override { return real_->create(dir, name); }
    Result<void> make_dir(int dir, std::string_view name, std::uint32_t mode) override { return real_->make_dir(dir, name, mode); }
    Result<files::FileStat> stat(int fd) override { return real_->stat(fd); }
    Result<files::FileStat> stat_at(int dir, std::string_view relative) override { return real_->stat_at(dir, relative); }
    Result<std::vector<files::DirEntry>> list(int dir, std::size_t limit, bool& truncated) override { return real_->list(dir, limit, truncated); }
    Result<std::size_t> read(int fd, std::span<unsigned char> to, std::uint64_t offset) override { return real_->read(fd, to, offset); }
    Result<void> write(int fd, std::span<const unsigned char> bytes, std::uint64_t offset) override { return real_->write(fd, bytes, offset); }
    Result<void> allocate(int fd, std::uint64_t size) override { return real_->allocate(fd, size); }
    Result<bool> clone(int from, int to) override { return real_->clone(from, to); }
    Result<void> sync(int fd) override { return real_->sync(fd); }
    Result<void> drop_cache(int fd) override { return real_->drop_cache(fd); }
    Result<void> set_mode(int fd, std::uint32_t mode) override { return real_->set_mode(fd, mode); }
    Result<void> set_owner(int fd, std::uint32_t uid, std::uint32_t gid) override { return real_->set_owner(fd, uid, gid); }
    Result<void> set_attribute(int fd, const std::string& name, const std::string& value) override { return real_->set_attribute(fd, name, value); }
    Result<std::string> attribute(int fd, const std::string& name) override { return real_->attribute(fd, name); }
    Result<void> exchange(int a, std::string_view x, int b, std::string_view y) override { return real_->exchange(a, x, b, y); }
    Result<void> rename_new(int a, std::string_view x, int b, std::string_view y) override { return real_->rename_new(a, x, b, y); }
    Result<void> unlink(int dir, std::string_view name) override { return real_->unlink(dir, name); }
    Result<void> remove_dir(int dir, std::string_view name) override { return real_->remove_dir(dir, name); }
    Result<files::Space> space(int fd) override { return real_->space(fd); }
    bool being_written(int fd) override { return real_->being_written(fd); }

private:
    std::unique_ptr<files::FileOps> real_ = files::system_files();
};

}  // namespace bkmon::test
