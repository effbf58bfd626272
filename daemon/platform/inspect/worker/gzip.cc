#include <fmt/format.h>
#include <zlib.h>

#include <vector>

#include "common/base/text.h"
#include "daemon/platform/inspect/worker/decoder.h"

namespace bkmon::inspect {
namespace {

class Inflate final : public Decoder {
public:
    /// `gzip`: members with header and trailer; else one bare stream.
    explicit Inflate(bool gzip) : gzip_(gzip), buffer_(kOutputChunk) { usable_ = inflateInit2(&z_, gzip ? 15 + 16 : -15) == Z_OK; }
    ~Inflate() override {
        if (usable_) inflateEnd(&z_);
    }
    Inflate(const Inflate&) = delete;
    Inflate& operator=(const Inflate&) = delete;

    std::string_view name() const override { return gzip_ ? "gzip" : "deflate"; }

    Outcome feed(Bytes in, Sink& out) override {
        if (!usable_) return gave_up("no memory to decompress with");
        while (!in.empty()) {
            if (at_ == At::member) {
                if (auto bad = inflate_some(in, out)) return bad;
            } else if (at_ == At::between && gzip_ && in[0] == 0x1f) {
                inflateReset(&z_);
                at_ = At::member;
            } else if (gzip_ && all_zero(in)) {
                at_ = At::padding;
                consumed_ += in.size();
                return {};
            } else {
                return broken(fmt::format("bytes that are no {} data follow the end of the compressed data (at byte {})", name(), consumed_));
            }
        }
        return {};
    }

    Outcome finish(Sink&) override {
        if (at_ != At::member) return {};
        return cut_short(fmt::format("the {} data ends in the middle, after {} of the file", name(), size_words(consumed_)));
    }

private:
    enum class At { member, between, padding };

    Outcome inflate_some(Bytes& in, Sink& out) {
        z_.next_in = const_cast<unsigned char*>(in.data());  // NOLINT: zlib's interface without ZLIB_CONST
        z_.avail_in = static_cast<uInt>(std::min<std::size_t>(in.size(), 1U << 30));
        const auto given = z_.avail_in;
        int rc = Z_OK;
        do {
            z_.next_out = buffer_.data();
            z_.avail_out = static_cast<uInt>(buffer_.size());
            rc = inflate(&z_, Z_NO_FLUSH);
            const std::size_t made = buffer_.size() - z_.avail_out;
            if (made > 0)
                if (auto bad = out.take(Bytes(buffer_.data(), made))) return bad;
        } while (rc == Z_OK && (z_.avail_in > 0 || z_.avail_out == 0));
        consumed_ += given - z_.avail_in;
        in = in.subspan(given - z_.avail_in);
        if (rc == Z_STREAM_END) {
            at_ = At::between;
            return {};
        }
        if (rc == Z_OK || rc == Z_BUF_ERROR) return {};
        if (rc == Z_MEM_ERROR) return gave_up("no memory to decompress with");
        return broken(
            fmt::format("the {} data is damaged near byte {}: {}", name(), consumed_, z_.msg != nullptr ? z_.msg : "it needs a dictionary"));
    }

    const bool gzip_;
    bool usable_ = false;
    z_stream z_{};
    At at_ = At::member;
    std::uint64_t consumed_ = 0;
    std::vector<unsigned char> buffer_;
};

}  // namespace

std::unique_ptr<Decoder> gzip_decoder() { return std::make_unique<Inflate>(true); }
std::unique_ptr<Decoder> deflate_decoder() { return std::make_unique<Inflate>(false); }

}  // namespace bkmon::inspect
