#include <fmt/format.h>
#include <lzma.h>

#include <vector>

#include "common/base/text.h"
#include "daemon/platform/inspect/worker/decoder.h"

namespace bkmon::inspect {
namespace {

constexpr std::uint64_t kMemory = std::uint64_t{256} << 20;

class Xz final : public Decoder {
public:
    Xz() : buffer_(kOutputChunk) {
        usable_ = lzma_stream_decoder(&x_, kMemory, LZMA_CONCATENATED | LZMA_TELL_NO_CHECK | LZMA_TELL_UNSUPPORTED_CHECK) == LZMA_OK;
    }
    ~Xz() override { lzma_end(&x_); }
    Xz(const Xz&) = delete;
    Xz& operator=(const Xz&) = delete;

    std::string_view name() const override { return "xz"; }
    bool checksummed() const override { return checksummed_; }

    Outcome feed(Bytes in, Sink& out) override { return code(in, LZMA_RUN, out); }
    Outcome finish(Sink& out) override { return code({}, LZMA_FINISH, out); }

private:
    Outcome code(Bytes in, lzma_action action, Sink& out) {
        if (!usable_) return gave_up("no memory to decompress with");
        x_.next_in = in.data();
        x_.avail_in = in.size();
        while (true) {
            x_.next_out = buffer_.data();
            x_.avail_out = buffer_.size();
            const lzma_ret rc = lzma_code(&x_, action);
            const std::size_t made = buffer_.size() - x_.avail_out;
            if (made > 0)
                if (auto bad = out.take(Bytes(buffer_.data(), made))) return bad;
            if (rc == LZMA_STREAM_END) return {};
            if (rc == LZMA_NO_CHECK || rc == LZMA_UNSUPPORTED_CHECK) {
                checksummed_ = false;
            } else if (rc != LZMA_OK) {
                return explain(rc, action);
            } else if (action == LZMA_RUN && x_.avail_in == 0 && x_.avail_out > 0) {
                return {};
            }
        }
    }

    Outcome explain(lzma_ret rc, lzma_action action) const {
        switch (rc) {
            case LZMA_BUF_ERROR:
                if (action == LZMA_RUN) return {};
                return cut_short(fmt::format("the xz data ends in the middle, after {} of the file", size_words(x_.total_in)));
            case LZMA_MEM_ERROR:
            case LZMA_MEMLIMIT_ERROR: return gave_up(fmt::format("the xz data needs more than {} of memory", size_words(kMemory)));
            case LZMA_FORMAT_ERROR:
                return broken(fmt::format("bytes that are no xz data follow the end of the compressed data (at byte {})", x_.total_in));
            case LZMA_OPTIONS_ERROR: return broken(fmt::format("the xz data asks for something that does not exist (near byte {})", x_.total_in));
            default: return broken(fmt::format("the xz data is damaged near byte {}", x_.total_in));
        }
    }

    lzma_stream x_ = LZMA_STREAM_INIT;
    bool usable_ = false;
    bool checksummed_ = true;
    std::vector<unsigned char> buffer_;
};

}  // namespace

std::unique_ptr<Decoder> xz_decoder() { return std::make_unique<Xz>(); }

}  // namespace bkmon::inspect
