#include "daemon/platform/inspect/worker/mtf_format.h"

#include <fmt/format.h>

#include <vector>

#include "daemon/mtf/bytes.h"

namespace bkmon::inspect {
namespace {

using mtf::is_block;
using mtf::kStep;

constexpr std::size_t kMaxMarks = 1 << 16;  // two a set: a hostile file cannot make the list grow for ever

std::string words(mtf::Kind kind) {
    switch (kind) {
        case mtf::Kind::full: return "full backup";
        case mtf::Kind::differential: return "differential backup";
        case mtf::Kind::log: return "log backup";
        case mtf::Kind::copy_only: return "copy-only backup";
        case mtf::Kind::unknown: break;
    }
    return "backup";
}

std::string sentence(const mtf::Reading& r) {
    if (r.form != mtf::Form::plain && r.form != mtf::Form::packed) return r.why;
    std::string s = "SQL Server " + words(r.kind.value) + (r.kind.sure == mtf::Sure::likely ? " (likely)" : "");
    if (r.form == mtf::Form::packed) s += ", compressed or encrypted";
    if (r.sets > 1) s += fmt::format(", the last of {} backup sets", r.sets);
    if (r.parts > 1) s += fmt::format(", part {} of {}: this file alone cannot be restored", r.part, r.parts);
    s += fmt::format("; {}{}", r.why, r.whole.sure == mtf::Sure::likely ? " (likely)" : "");
    if (r.whole.value == mtf::Whole::whole) s += "; its content carries no checksum that was tested";
    return s;
}

void conclude_reading(const mtf::Reading& r, Findings& f) {
    f.database = r.database.value;
    f.server = r.server.value;
    if (r.times == mtf::Sure::proven || r.form == mtf::Form::packed) f.written_at = r.finished_at ? r.finished_at : r.started_at;
    f.detail = sentence(r);
    switch (r.whole.value) {
        case mtf::Whole::whole: f.state = Findings::State::whole; break;
        case mtf::Whole::unknown: f.state = Findings::State::not_applicable; break;
        case mtf::Whole::damaged: apply(f, broken(f.detail)); break;
        case mtf::Whole::incomplete:
        case mtf::Whole::aborted: apply(f, cut_short(f.detail)); break;
    }
}

/// Keeps the first and the last bytes, those from the last set on, and where each soft filemark was.
class MtfFormat final : public Format {
public:
    explicit MtfFormat(bool packed) : packed_(packed) {}
    std::string name() const override { return packed_ ? "mssql compressed" : "mtf"; }

    Outcome take(Bytes in) override {
        if (head_.size() < mtf::kWindow) head_.append(text_of(in.first(std::min(mtf::kWindow - head_.size(), in.size()))));
        tail_.take(in);
        if (packed_)
            keep_behind_head(in);
        else
            look_for_sets(in);
        return {};
    }

    void conclude(Findings& f) override {
        f.format = name();
        mtf::View view;
        view.head = bytes_of(head_);
        view.tail = tail_.bytes();
        view.size = tail_.total();
        view.third = bytes_of(third_);
        view.third_at = third_at_;
        view.read_through = !packed_ && marks_.size() < kMaxMarks;
        view.filemarks = marks_;
        conclude_reading(mtf::read(view), f);
    }

private:
    /// The chunk that holds the names begins there when blocks are large.
    void keep_behind_head(Bytes in) {
        third_at_ = mtf::kWindow;
        const auto begin = tail_.total() - in.size();
        if (begin + in.size() <= third_at_ || third_.size() >= mtf::kWindow) return;
        const Bytes behind = begin < third_at_ ? in.subspan(static_cast<std::size_t>(third_at_ - begin)) : in;
        third_.append(text_of(behind.first(std::min(mtf::kWindow - third_.size(), behind.size()))));
    }

    void look_for_sets(Bytes in) {
        if (!partial_.empty()) {
            const std::size_t n = std::min(kStep - partial_.size(), in.size());
            partial_.append(text_of(in.first(n)));
            in = in.subspan(n);
            if (partial_.size() < kStep) return;
            step(bytes_of(partial_));
            partial_.clear();
        }
        for (; in.size() >= kStep; in = in.subspan(kStep)) step(in.first(kStep));
        partial_.assign(text_of(in));
    }

    void step(Bytes at) {
        if (marks_.size() < kMaxMarks && is_block(at, "SFMB")) {
            const auto used = little(at, 56, 4);
            marks_.push_back({at_, used > 0 ? little(at, 72, 8) : 0, used > 1 ? little(at, 80, 8) : 0});
        }
        // A backup inside of the data has sets too; they do not stand where they say.
        if (is_block(at, "SSET") && little(at, 80, 8) == at_) {
            third_.clear();
            third_at_ = at_;
            filling_ = true;
        }
        if (filling_) third_.append(text_of(at));
        if (third_.size() >= mtf::kWindow) filling_ = false;
        at_ += kStep;
    }

    const bool packed_;
    std::string head_, partial_, third_;
    Tail tail_;
    std::uint64_t at_ = 0, third_at_ = 0;
    bool filling_ = false;
    std::vector<mtf::Filemark> marks_;
};

}  // namespace

std::unique_ptr<Format> mtf_format(bool packed) { return std::make_unique<MtfFormat>(packed); }

}  // namespace bkmon::inspect
