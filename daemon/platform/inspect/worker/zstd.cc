#include <fmt/format.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <array>
#include <vector>

#include "common/base/c_ptr.h"
#include "common/base/text.h"
#include "daemon/platform/inspect/worker/decoder.h"

namespace bkmon::inspect {
namespace {

constexpr int kMaxWindowLog = 28;

class Zstd final : public Decoder {
public:
    Zstd() : ctx_(ZSTD_createDCtx()), buffer_(kOutputChunk) {
        if (ctx_) ZSTD_DCtx_setParameter(ctx_.get(), ZSTD_d_windowLogMax, kMaxWindowLog);
    }
    std::string_view name() const override { return "zstd"; }
    bool checksummed() const override { return checksummed_; }

    Outcome feed(Bytes in, Sink& out) override {
        if (!ctx_) return gave_up("no memory to decompress with");
        while (!in.empty()) {
            if (!in_frame_) {
                if (!gather_start(in)) return {};
                if (auto bad = begin_frame(out)) return bad;
            } else if (auto bad = decode(in, out)) {
                return bad;
            }
        }
        return {};
    }

    Outcome finish(Sink&) override {
        if (!in_frame_ && have_ == 0) return {};
        if (!in_frame_ && !may_become_frame()) return stray();
        return cut_short(fmt::format("the zstd data ends in the middle, after {} of the file", size_words(consumed_ + have_)));
    }

private:
    static bool skippable(std::uint64_t magic) { return (magic & 0xFFFFFFF0U) == 0x184D2A50U; }

    Outcome stray() const {
        return broken(fmt::format("bytes that are no zstd frame follow the end of the compressed data (at byte {})", consumed_));
    }

    /// Of a magic number that is not all there.
    bool may_become_frame() const {
        static constexpr std::array<unsigned char, 4> kData{0x28, 0xb5, 0x2f, 0xfd}, kSkippable{0x50, 0x2a, 0x4d, 0x18};
        bool data = true, skip = true;
        for (std::size_t i = 0; i < std::min<std::size_t>(have_, 4); ++i) {
            data = data && start_[i] == kData[i];
            skip = skip && (i == 0 ? start_[i] & 0xf0 : start_[i]) == kSkippable[i];
        }
        return data || skip;
    }

    /// True when the magic number and, of a data frame, the descriptor byte after it are there.
    bool gather_start(Bytes& in) {
        while (!in.empty() && have_ < start_.size()) {
            start_[have_++] = in[0];
            in = in.subspan(1);
        }
        return have_ == start_.size();
    }

    Outcome begin_frame(Sink& out) {
        const auto magic = little(start_, 0, 4);
        if (magic == ZSTD_MAGICNUMBER) {
            if ((start_[4] & 4) == 0) checksummed_ = false;  // RFC 8878, 3.1.1.1.1: Content_Checksum_flag
        } else if (!skippable(magic)) {
            return stray();
        }
        in_frame_ = true;
        have_ = 0;
        Bytes start(start_);
        while (!start.empty() && in_frame_)
            if (auto bad = decode(start, out)) return bad;
        // An empty skippable frame has eight bytes: five never end a frame.
        return {};
    }

    Outcome decode(Bytes& in, Sink& out) {
        ZSTD_inBuffer from{in.data(), in.size(), 0};
        while (true) {
            ZSTD_outBuffer to{buffer_.data(), buffer_.size(), 0};
            const std::size_t rc = ZSTD_decompressStream(ctx_.get(), &to, &from);
            if (to.pos > 0)
                if (auto bad = out.take(Bytes(buffer_.data(), to.pos))) return bad;
            if (ZSTD_isError(rc)) return explain(rc);
            if (rc == 0) {
                in_frame_ = false;
                break;
            }
            if (from.pos == from.size && to.pos < to.size) break;
        }
        consumed_ += from.pos;
        in = in.subspan(from.pos);
        return {};
    }

    Outcome explain(std::size_t rc) const {
        switch (ZSTD_getErrorCode(rc)) {
            case ZSTD_error_frameParameter_windowTooLarge:
                return gave_up(fmt::format("a zstd frame needs a window of more than {}", size_words(std::uint64_t{1} << kMaxWindowLog)));
            case ZSTD_error_memory_allocation: return gave_up("no memory to decompress with");
            case ZSTD_error_dictionary_wrong: return gave_up("the zstd data needs a dictionary that is not here");
            default: return broken(fmt::format("the zstd data is damaged after byte {}: {}", consumed_, ZSTD_getErrorName(rc)));
        }
    }

    CPtr<ZSTD_DCtx, &ZSTD_freeDCtx> ctx_;
    std::vector<unsigned char> buffer_;
    std::array<unsigned char, 5> start_{};
    std::size_t have_ = 0;
    bool in_frame_ = false;
    bool checksummed_ = true;
    std::uint64_t consumed_ = 0;
};

}  // namespace

std::unique_ptr<Decoder> zstd_decoder() { return std::make_unique<Zstd>(); }

}  // namespace bkmon::inspect
