#include <fmt/format.h>
#include <lzma.h>

#include <array>
#include <vector>

#include "common/base/text.h"
#include "daemon/platform/inspect/worker/decoder.h"

namespace bkmon::inspect {
namespace {

constexpr std::uint64_t kMemory = std::uint64_t{256} << 20;
constexpr std::array<unsigned char, 6> kMagic{0xfd, '7', 'z', 'X', 'Z', 0};

/// Stream by stream, so that what lies between two of them is seen: zeros in fours (xz format 1.0.4, 2.2), or what does not belong there.
class Xz final : public Decoder {
public:
    Xz() : buffer_(kOutputChunk) { begin(); }
    ~Xz() override { lzma_end(&x_); }
    Xz(const Xz&) = delete;
    Xz& operator=(const Xz&) = delete;

    std::string_view name() const override { return "xz"; }
    bool checksummed() const override { return checksummed_; }

    Outcome feed(Bytes in, Sink& out) override {
        while (!in.empty()) {
            if (!usable_) return gave_up("no memory to decompress with");
            if (auto bad = in_stream_ ? code(in, out) : between(in, out)) return bad;
        }
        return {};
    }

    Outcome finish(Sink&) override {
        if (in_stream_ || have_ > 0) return cut_short(fmt::format("the xz data ends in the middle, after {} of the file", size_words(consumed_)));
        if (padding_ % 4 != 0) return stray();
        return {};
    }

private:
    void begin() { usable_ = lzma_stream_decoder(&x_, kMemory, LZMA_TELL_NO_CHECK | LZMA_TELL_UNSUPPORTED_CHECK) == LZMA_OK; }

    Outcome stray() const { return broken(fmt::format("bytes that are no xz data follow the end of the compressed data (at byte {})", consumed_)); }

    Outcome between(Bytes& in, Sink& out) {
        const unsigned char c = in[0];
        in = in.subspan(1);
        ++consumed_;
        if (c == 0 && have_ == 0) {
            ++padding_;
            return {};
        }
        if (c != kMagic[have_] || padding_ % 4 != 0) return stray();
        if (++have_ < kMagic.size()) return {};
        have_ = 0;
        padding_ = 0;
        in_stream_ = true;
        begin();
        if (!usable_) return gave_up("no memory to decompress with");
        consumed_ -= kMagic.size();
        Bytes magic(kMagic);
        return code(magic, out);
    }

    Outcome code(Bytes& in, Sink& out) {
        x_.next_in = in.data();
        x_.avail_in = in.size();
        lzma_ret rc = LZMA_OK;
        do {
            x_.next_out = buffer_.data();
            x_.avail_out = buffer_.size();
            rc = lzma_code(&x_, LZMA_RUN);
            const std::size_t made = buffer_.size() - x_.avail_out;
            if (made > 0)
                if (auto bad = out.take(Bytes(buffer_.data(), made))) return bad;
            if (rc == LZMA_NO_CHECK || rc == LZMA_UNSUPPORTED_CHECK) {
                checksummed_ = false;
                rc = LZMA_OK;
            }
        } while (rc == LZMA_OK && (x_.avail_in > 0 || x_.avail_out == 0));
        consumed_ += in.size() - x_.avail_in;
        in = in.subspan(in.size() - x_.avail_in);
        if (rc == LZMA_STREAM_END) {
            in_stream_ = false;
            return {};
        }
        return rc == LZMA_OK || rc == LZMA_BUF_ERROR ? Outcome() : explain(rc);
    }

    Outcome explain(lzma_ret rc) const {
        switch (rc) {
            case LZMA_MEM_ERROR:
            case LZMA_MEMLIMIT_ERROR: return gave_up(fmt::format("the xz data needs more than {} of memory", size_words(kMemory)));
            case LZMA_OPTIONS_ERROR: return broken(fmt::format("the xz data asks for something that does not exist (near byte {})", consumed_));
            default: return broken(fmt::format("the xz data is damaged near byte {}", consumed_));
        }
    }

    lzma_stream x_ = LZMA_STREAM_INIT;
    bool usable_ = false, in_stream_ = true, checksummed_ = true;
    std::size_t have_ = 0;  // bytes of the next stream's magic number
    std::uint64_t padding_ = 0, consumed_ = 0;
    std::vector<unsigned char> buffer_;
};

}  // namespace

std::unique_ptr<Decoder> xz_decoder() { return std::make_unique<Xz>(); }

}  // namespace bkmon::inspect
