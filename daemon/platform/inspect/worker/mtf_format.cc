#include "daemon/platform/inspect/worker/mtf_format.h"

#include <algorithm>
#include <vector>

#include "daemon/platform/inspect/worker/mtf.h"

namespace bkmon::inspect {
namespace {

constexpr std::size_t kWindow = 1 << 16;
constexpr std::size_t kMaxMarks = 1 << 16;  // two a set: a hostile file cannot make the list grow for ever

/// Keeps the first and the last bytes, and the first bytes of the first and of the last set.
class MtfFormat final : public Format {
public:
    explicit MtfFormat(bool packed) : packed_(packed) {}
    std::string name() const override { return packed_ ? "mssql compressed" : "mtf"; }

    Outcome take(Bytes in) override {
        if (head_.size() < kWindow) head_.append(text_of(in.first(std::min(kWindow - head_.size(), in.size()))));
        tail_.take(in);
        if (!packed_) look_for_sets(in);
        return {};
    }

    void conclude(Findings& f) override {
        f.format = name();
        MtfView view;
        view.head = bytes_of(head_);
        view.tail = tail_.bytes();
        view.size = tail_.total();
        view.marks = marks_;
        view.first_set = bytes_of(first_.bytes);
        view.first_set_at = first_.at;
        view.last_set = last_.bytes.empty() ? view.first_set : bytes_of(last_.bytes);
        view.last_set_at = last_.bytes.empty() ? first_.at : last_.at;
        if (packed_)
            judge_mssql_packed(view, f);
        else
            judge_mtf(view, f);
    }

private:
    struct Capture {
        std::string bytes;
        std::uint64_t at = 0;
    };

    void look_for_sets(Bytes in) {
        if (!partial_.empty()) {
            const std::size_t n = std::min(kMtfStep - partial_.size(), in.size());
            partial_.append(text_of(in.first(n)));
            in = in.subspan(n);
            if (partial_.size() < kMtfStep) return;
            step(bytes_of(partial_));
            partial_.clear();
        }
        for (; in.size() >= kMtfStep; in = in.subspan(kMtfStep)) step(in.first(kMtfStep));
        partial_.assign(text_of(in));
    }

    void step(Bytes block) {
        if (marks_.size() < kMaxMarks && mtf_block(block, "SFMB")) marks_.push_back(at_);
        if (mtf_block(block, "SSET")) {
            filling_ = first_.bytes.empty() ? &first_ : &last_;
            filling_->bytes.clear();
            filling_->at = at_;
        }
        if (filling_ != nullptr) {
            filling_->bytes.append(text_of(block));
            if (filling_->bytes.size() >= kWindow) filling_ = nullptr;
        }
        at_ += kMtfStep;
    }

    const bool packed_;
    std::string head_, partial_;
    Tail tail_;
    Capture first_, last_;
    Capture* filling_ = nullptr;
    std::uint64_t at_ = 0;
    std::vector<std::uint64_t> marks_;
};

}  // namespace

std::unique_ptr<Format> mtf_format(bool packed) { return std::make_unique<MtfFormat>(packed); }

}  // namespace bkmon::inspect
