#include "daemon/platform/files/copy.h"

#include <algorithm>
#include <cstdlib>

#include "common/base/c_ptr.h"

namespace bkmon::files {
namespace {

constexpr std::size_t kBlock = std::size_t{1} << 20;
constexpr std::size_t kAlign = 4096;
constexpr std::uint64_t kAhead = std::uint64_t{8} << 20;    // the disk reads this much while the processor hashes what came before
constexpr std::uint64_t kBehind = std::uint64_t{16} << 20;  // and it writes this much, so that the fsync at the end finds little to do

/// For a file of `size` bytes and one more, which shows its end.
class Block {
public:
    explicit Block(std::uint64_t size)
        : size_(std::min<std::uint64_t>(kBlock, (size + kAlign) / kAlign * kAlign)),
          bytes_(static_cast<unsigned char*>(std::aligned_alloc(kAlign, size_))) {}
    explicit operator bool() const { return bytes_ != nullptr; }
    std::span<unsigned char> first(std::uint64_t n) { return {bytes_.get(), static_cast<std::size_t>(std::min<std::uint64_t>(n, size_))}; }

private:
    const std::uint64_t size_;
    CPtr<unsigned char, &std::free> bytes_;
};

struct Read {
    std::string sha256;
    std::uint64_t size = 0;
    bool length_right = false;
};

/// Reads up to `size` bytes, hands each block on, then demands the end of the file.
template <class Sink>
Result<Read> read_through(FileOps& ops, int fd, std::uint64_t size, const GoOn& go_on, Sink sink) {
    Block block(size);
    if (!block) return fail(Errc::unavailable, "no memory for a copy buffer");
    Sha256 sha;
    Read out;
    std::uint64_t ahead = kBlock;  // a small file is read in one go
    while (out.size < size) {
        if (ahead < size && out.size + kAhead / 2 >= ahead) {
            ops.read_ahead(fd, ahead, kAhead);
            ahead += kAhead;
        }
        if (go_on && !go_on(out.size)) return fail(Errc::cancelled, "cancelled");
        auto n = ops.read(fd, block.first(size - out.size), out.size);
        if (!n) return fail(std::move(n.error()));
        if (*n == 0) return out;  // shorter than claimed
        const auto bytes = block.first(*n);
        sha.update(bytes);
        if (Result<void> taken = sink(bytes, out.size); !taken) return fail(std::move(taken.error()));
        out.size += *n;
    }
    auto more = ops.read(fd, block.first(1), size);
    if (!more) return fail(std::move(more.error()));
    if (*more != 0) return out;  // longer than claimed
    out.length_right = true;
    out.sha256 = sha.finish();
    if (go_on && !go_on(out.size)) return fail(Errc::cancelled, "cancelled");
    return out;
}

}  // namespace

Result<Copied> copy_hashed(FileOps& ops, int from, int to, std::uint64_t size, const std::function<Result<void>()>& before_write,
                           const std::function<void()>& begun, const GoOn& go_on, Side& blame) {
    blame = Side::copy;
    auto cloned = ops.clone(from, to);
    if (!cloned) return fail(std::move(cloned.error()));
    if (!*cloned) {
        if (before_write) {
            if (auto room = before_write(); !room) return fail(std::move(room.error()));
        }
        if (auto room = ops.allocate(to, size); !room) return fail(std::move(room.error()));
    }
    if (begun) begun();
    bool written = true;
    std::uint64_t flushed = 0;  // up to here the disk was told to write
    auto read = *cloned ? read_through(ops, to, size, go_on, [](std::span<const unsigned char>, std::uint64_t) { return Result<void>(); })
                        : read_through(ops, from, size, go_on, [&](std::span<const unsigned char> bytes, std::uint64_t at) {
                              auto done = ops.write(to, bytes, at);
                              written = done.has_value();
                              if (const auto end = at + bytes.size(); end - flushed >= kBehind) {
                                  ops.begin_writing(to, flushed, end - flushed);
                                  flushed = end;
                              }
                              return done;
                          });
    if (!read) {
        if (written && !*cloned) blame = Side::source;
        return fail(std::move(read.error()));
    }
    return Copied{std::move(read->sha256), read->size, read->length_right, *cloned};
}

Result<std::string> hash_file(FileOps& ops, int fd, std::uint64_t size, const GoOn& go_on) {
    auto read = read_through(ops, fd, size, go_on, [](std::span<const unsigned char>, std::uint64_t) { return Result<void>(); });
    if (!read) return fail(std::move(read.error()));
    if (!read->length_right) return fail(Errc::corrupt, "the file has another length than recorded");
    return std::move(read->sha256);
}

}  // namespace bkmon::files
