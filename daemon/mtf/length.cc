#include "daemon/mtf/length.h"

#include <fmt/format.h>

namespace bkmon::mtf {
namespace {

using Verdict = std::optional<Judgement>;  ///< nothing: go on

constexpr std::uint64_t kMostMapUnits = 1024;
constexpr std::uint64_t kAborted = 1U << 18U;

Judgement incomplete(std::string why, std::string rests_on, Sure sure = Sure::proven) {
    return {{Whole::incomplete, sure}, std::move(why), std::move(rests_on)};
}
Judgement damaged(std::string why, std::string rests_on) { return {{Whole::damaged, Sure::proven}, std::move(why), std::move(rests_on)}; }

class Length {
public:
    Length(const View& view, const Seen& seen, const Media& media, const std::optional<End>& end) : view_(view), seen_(seen), m_(media), end_(end) {}

    Judgement judge() {
        for (const auto step :
             {&Length::beginning, &Length::end_mark, &Length::marks, &Length::span, &Length::set_end, &Length::last_set, &Length::all_marks})
            if (auto found = (this->*step)()) return *found;
        const std::string more =
            end_->padding > 0 ? fmt::format("; {} zero bytes follow it, as a tool that copies pads", end_->padding) : std::string();
        return {{Whole::whole, end_->padding > 0 ? Sure::likely : Sure::proven},
                "it is whole by its length" + more,
                fmt::format("SFMB at byte {}, its {} marks fall and fit what lies there; {}", end_->at, end_->marks.size(), proof_)};
    }

private:
    Verdict beginning() {
        if (!m_.known) return Judgement{{}, "its block sizes are none that SQL Server writes: whether it is whole cannot be said", sizes()};
        if (!m_.soft_marks)
            return Judgement{{}, "it was written without soft filemarks: whether it is whole cannot be said", "TAPE at 56: bit 0 is clear"};
        if (seen_.size() < m_.unit + 2 * m_.block)
            return incomplete("it ends before its first backup set",
                              fmt::format("{} bytes, the first set begins at {}", seen_.size(), m_.first_set()));
        const Bytes first = seen_.at(m_.first_set());
        if (first.size() >= kHeader && !is_block(first, "SSET"))
            return damaged("it holds no backup set where the first one must be", fmt::format("no SSET with its checksum at byte {}", m_.first_set()));
        return {};
    }

    /// Step 1: a filemark ends the file.
    Verdict end_mark() {
        if (!end_) {
            const auto where = fmt::format("no SFMB with its checksum at byte {}", seen_.size() - m_.block);
            if (const auto newer = unfinished_set())
                return incomplete("its newest backup set has no end", where + fmt::format("; a set begins at byte {}", *newer));
            if (!seen_.tail().empty() && all_zero(seen_.tail()))
                return incomplete("it ends in zeros: most likely a copy that was broken off", where + ", all that was read of the end is zeros",
                                  Sure::likely);
            return incomplete("its end is missing", where);
        }
        if (!end_->sound) return damaged("the filemark at its end is damaged", fmt::format("SFMB at byte {}: count of marks", end_->at));
        if (!end_->capped && end_->marks.size() % 2 != 0)
            return incomplete("the end of its last backup set is missing",
                              fmt::format("SFMB at byte {} has {} marks: each whole set has two", end_->at, end_->marks.size()));
        if (end_->marks.size() < 2) return incomplete("it ends before its first backup set", fmt::format("SFMB at byte {} has no marks", end_->at));
        return {};
    }

    /// Step 2: the places that it names can be, and hold what it says.
    Verdict marks() {
        std::uint64_t above = end_->at;
        for (const auto mark : end_->marks) {
            const auto what = fmt::format("SFMB at byte {} names {}", end_->at, mark);
            if (mark >= above) return damaged("its end names places that cannot be: bytes are missing, or are those of another backup", what);
            const Bytes there = seen_.at(mark);
            if (there.size() >= kHeader && !is_block(there, "SFMB"))
                return damaged("a filemark is not where its end says: bytes are missing, or are those of another backup", what);
            above = mark;
        }
        if (!end_->capped && above != m_.unit)
            return damaged("its end is not the end of this backup",
                           fmt::format("SFMB at byte {}: its oldest mark is {} instead of {}", end_->at, above, m_.unit));
        return {};
    }

    /// Step 3: between the newest mark and the end lie ESET, the map of sets, and ESET again.
    Verdict span() {
        const std::uint64_t span = end_->at - end_->data_end();
        if (span < m_.block + 3 * m_.unit || (span - m_.block) % m_.unit != 0 || (span - m_.block) / m_.unit > kMostMapUnits)
            return damaged("the end of its last backup set has a length that cannot be",
                           fmt::format("{} bytes from the newest mark to the SFMB at byte {}", span, end_->at));
        return {};
    }

    /// Step 4: those blocks belong together.
    Verdict set_end() {
        const std::uint64_t first = end_->data_end() + m_.block, second = end_->at - m_.unit;
        const Bytes a = seen_.at(first), b = seen_.at(second);
        if ((a.size() >= 96 && !is_block(a, "ESET")) || (b.size() >= 96 && !is_block(b, "ESET")))
            return damaged("the end of its last backup set is damaged", fmt::format("no ESET with its checksum at byte {} or {}", first, second));
        for (const Bytes eset : {a, b})
            if (eset.size() >= kHeader && (little(eset, 4, 4) & kAborted) != 0)
                return Judgement{{Whole::aborted, Sure::likely}, "SQL Server gave this backup up", "ESET attributes: bit 18"};
        if (b.size() >= 96 && little(b, 60, 8) != first)
            return damaged("the end of its last backup set is of another backup",
                           fmt::format("ESET at byte {} names {} instead of {}", second, little(b, 60, 8), first));
        eset_ = b.size() >= 96 ? b : a.size() >= 96 ? a : Bytes();
        return map(first, second);
    }

    Verdict map(std::uint64_t first, std::uint64_t second) {
        bool missing = false;
        const auto last = last_of_map(seen_, first, second, m_.unit, missing);
        if (missing) return damaged("the map of its backup sets is missing", fmt::format("no TSMP at byte {}", first + m_.unit));
        if (!last) return {};
        if (last->family != m_.family)
            return damaged("its end is of another backup", fmt::format("TSMP: media family 0x{:x}, TAPE: 0x{:x}", last->family, m_.family));
        if (!eset_.empty() && (last->number != little(eset_, 78, 2) || !same_date(last->date, eset_)))
            return damaged("the end of its last backup set is of another backup", "ESET and the last entry of TSMP differ in number or date");
        if (const auto at = last_set_of(*end_, m_.block); at && last->set_at != *at)
            return damaged("its last backup set is not where its end says", fmt::format("TSMP: {}, filemarks: {}", last->set_at, *at));
        proof_ = "TSMP has the media family of TAPE; ";
        return {};
    }

    /// Step 5: the set that it ends is the one that begins where it says.
    Verdict last_set() {
        const auto at = last_set_of(*end_, m_.block);
        if (!at) return {};
        const Bytes set = seen_.at(*at);
        const auto where = fmt::format("at byte {}", *at);
        if (view_.read_through && (view_.third.empty() || view_.third_at != *at))
            return damaged("its last backup set is not where its end says: bytes are missing, or are those of another backup", "no SSET " + where);
        if (set.size() < 96) {
            proof_ += "SSET of the last set was not read";
            return {};
        }
        if (!is_block(set, "SSET")) return damaged("its last backup set is not where its end says", "no SSET with its checksum " + where);
        if (!eset_.empty() && (little(set, 62, 2) != little(eset_, 78, 2) || !same_date(from(set, 88), eset_)))
            return damaged("its end is not the end of its last backup set: two backups in one file",
                           "SSET " + where + " and ESET differ in number or date");
        proof_ += "SSET " + where + (eset_.empty() ? " is where they say" : " and ESET have one number and date");
        return {};
    }

    /// More than the ends say: whoever read everything met each filemark, and none that ended a set of which the end knows nothing.
    Verdict all_marks() {
        if (!view_.read_through || end_->capped) return {};
        const auto met = [&](std::uint64_t at) {
            const auto it =
                std::lower_bound(view_.filemarks.begin(), view_.filemarks.end(), at, [](const Filemark& f, std::uint64_t v) { return f.at < v; });
            return it != view_.filemarks.end() && it->at == at;
        };
        for (const auto mark : end_->marks)
            if (!met(mark))
                return damaged("a filemark is not where its end says: bytes are missing, or are those of another backup",
                               fmt::format("no SFMB at byte {}", mark));
        for (const auto& f : view_.filemarks) {
            const bool stranger = f.at < end_->at && std::find(end_->marks.begin(), end_->marks.end(), f.at) == end_->marks.end();
            // A backup file inside of the data has filemarks too; theirs do not fit this file.
            if (stranger && f.second != 0 && f.newest < f.at && met(f.newest) && met(f.second))
                return damaged("it has filemarks that its end does not know: the rest of another backup lies in the file",
                               fmt::format("SFMB at byte {}", f.at));
        }
        return {};
    }

    bool same_date(Bytes date, Bytes eset) const { return date.size() >= 5 && std::equal(date.begin(), date.begin() + 5, eset.begin() + 80); }

    std::optional<std::uint64_t> unfinished_set() const {
        const Bytes tail = seen_.tail();
        std::optional<std::uint64_t> found;
        const std::uint64_t shift = (kStep - seen_.tail_at() % kStep) % kStep;
        for (std::uint64_t at = shift; at + kHeader <= tail.size(); at += kStep)
            if (is_block(from(tail, at), "SSET") && little(tail, at + 80, 8) == seen_.tail_at() + at) found = seen_.tail_at() + at;
        return found && *found != m_.first_set() ? found : std::nullopt;
    }

    std::string sizes() const { return fmt::format("TAPE: blocks of {}, logical blocks of {}", m_.block, m_.logical); }

    const View& view_;
    const Seen& seen_;
    const Media& m_;
    const std::optional<End>& end_;
    Bytes eset_;
    std::string proof_;
};

}  // namespace

std::string whole_words(const Reading& r) {
    const std::string_view answer = r.whole.value == Whole::whole ? "yes" : r.whole.value == Whole::unknown ? "not known" : word(r.whole.value);
    return std::string(answer) + ": " + r.why;
}

Judgement judge_length(const View& view, const Seen& seen, const Media& media, const std::optional<End>& end) {
    return Length(view, seen, media, end).judge();
}

}  // namespace bkmon::mtf
