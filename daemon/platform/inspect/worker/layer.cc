#include "daemon/platform/inspect/worker/layer.h"

#include <fmt/format.h>

#include "common/base/text.h"
#include "daemon/platform/inspect/worker/decoder.h"
#include "daemon/platform/inspect/worker/kind.h"
#include "daemon/platform/inspect/worker/mtf_format.h"
#include "daemon/platform/inspect/worker/opaque.h"
#include "daemon/platform/inspect/worker/pg_custom.h"
#include "daemon/platform/inspect/worker/sql_text.h"
#include "daemon/platform/inspect/worker/sqlite_file.h"
#include "daemon/platform/inspect/worker/tar.h"

namespace bkmon::inspect {
namespace {

constexpr std::size_t kHead = 1 << 16;
constexpr int kMaxDepth = 2;

class Compressed final : public Format {
public:
    Compressed(std::unique_ptr<Decoder> decoder, Inquiry& inquiry, std::string inner_name, int depth)
        : decoder_(std::move(decoder)), inner_(inquiry, std::move(inner_name), depth) {}

    std::string name() const override {
        const auto inner = inner_.name();
        return inner.empty() ? std::string(decoder_->name()) : fmt::format("{}+{}", decoder_->name(), inner);
    }
    Outcome take(Bytes bytes) override { return decoder_->feed(bytes, inner_); }

    void conclude(Findings& f) override {
        if (auto bad = decoder_->finish(inner_)) {
            f.format = name();
            return apply(f, std::move(*bad));
        }
        inner_.conclude(f);
        f.format = name();
        if (!decoder_->checksummed()) f.checksum_in_frame = false;
        // What cannot be asked of the content was still proven of the bytes, by the compression around it.
        if (f.state == Findings::State::not_applicable) f.state = Findings::State::whole;
    }

private:
    std::unique_ptr<Decoder> decoder_;
    Layer inner_;
};

std::unique_ptr<Decoder> decoder_for(Kind kind) {
    switch (kind) {
        case Kind::gzip: return gzip_decoder();
        case Kind::zstd: return zstd_decoder();
        case Kind::xz: return xz_decoder();
        default: return nullptr;
    }
}

}  // namespace

Outcome Layer::take(Bytes bytes) {
    total_ += bytes.size();
    if (depth_ > 0) {
        if (bytes.size() > inquiry_.output_left) return gave_up("it unpacks to more than the limit of content that is looked at");
        inquiry_.output_left -= bytes.size();
    }
    if (format_) return format_->take(bytes);
    const std::size_t n = std::min(kHead - head_.size(), bytes.size());
    head_.append(text_of(bytes.first(n)));
    if (head_.size() < kHead) return {};
    if (auto bad = choose()) return bad;
    return n < bytes.size() ? format_->take(bytes.subspan(n)) : Outcome();
}

Outcome Layer::choose() {
    const Bytes head = bytes_of(head_);
    const Kind kind = sniff(head);
    if (auto bad = breach(inquiry_, promise_, kind, head, depth_ > 0)) return bad;
    auto promise = promise_of(promise_);
    if (auto decoder = depth_ < kMaxDepth ? decoder_for(kind) : nullptr) {
        format_ = std::make_unique<Compressed>(std::move(decoder), inquiry_, std::move(promise.inner), depth_ + 1);
        passes_on_ = true;
    } else if (kind == Kind::tar || (kind == Kind::zeros && promise.kind == Kind::tar)) {
        format_ = tar_format();
    } else if (kind == Kind::sqlite_file) {
        format_ = sqlite_file_format();
    } else if (kind == Kind::pg_custom) {
        format_ = pg_custom_format();
    } else if (kind == Kind::mtf || kind == Kind::mssql_packed) {
        format_ = mtf_format(kind == Kind::mssql_packed);
    } else if (kind == Kind::mysql_dump || kind == Kind::pg_dump || kind == Kind::pg_dumpall || kind == Kind::sqlite_dump || kind == Kind::text) {
        format_ = sql_text_format(kind, inquiry_.content, inquiry_.end_mark);
    } else {
        format_ = opaque_format(kind);
    }
    return format_->take(head);
}

void Layer::conclude(Findings& f) {
    if (!format_ && total_ == 0) {
        f.state = Findings::State::whole;
        f.empty = true;
        f.format = "empty";
        f.detail = "it holds not a single byte";
        return;
    }
    if (!format_)
        if (auto bad = choose()) {
            f.format = name();
            return apply(f, std::move(*bad));
        }
    format_->conclude(f);
    if (!passes_on_) f.content_bytes = total_;
}

std::string Layer::name() const { return format_ ? format_->name() : std::string(); }

}  // namespace bkmon::inspect
