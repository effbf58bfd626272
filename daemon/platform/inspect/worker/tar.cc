#include "daemon/platform/inspect/worker/tar.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "common/base/text.h"

namespace bkmon::inspect {
namespace {

constexpr std::size_t kBlock = 512;
constexpr std::size_t kMaxPax = 1 << 20;

/// Octal text, or GNU's base 256 with the top bit set. nullopt: neither.
std::optional<std::uint64_t> number(Bytes field) {
    if ((field[0] & 0x80) != 0) {
        std::uint64_t v = field[0] & 0x3f;
        for (unsigned char c : field.subspan(1)) {
            if (v >> 55 != 0) return std::nullopt;
            v = v << 8 | c;
        }
        return v;
    }
    std::uint64_t v = 0;
    std::size_t i = 0;
    while (i < field.size() && field[i] == ' ') ++i;
    for (; i < field.size() && field[i] >= '0' && field[i] <= '7'; ++i) v = v * 8 + (field[i] - '0');
    if (i < field.size() && field[i] != ' ' && field[i] != 0) return std::nullopt;
    return v;
}

/// "27 size=12345678901\n" records (POSIX pax extended header).
std::optional<std::uint64_t> pax_size(std::string_view records) {
    while (!records.empty()) {
        std::size_t length = 0;
        const auto [end, ec] = std::from_chars(records.data(), records.data() + records.size(), length);
        if (ec != std::errc{} || length == 0 || length > records.size()) return std::nullopt;
        std::string_view record = records.substr(0, length);
        records.remove_prefix(length);
        const auto skip = static_cast<std::size_t>(end - record.data()) + 1;
        if (skip >= record.size()) continue;
        record.remove_prefix(skip);
        if (!record.starts_with("size=")) continue;
        record.remove_prefix(5);
        std::uint64_t v = 0;
        if (std::from_chars(record.data(), record.data() + record.size(), v).ec == std::errc{}) return v;
    }
    return std::nullopt;
}

class Tar final : public Format {
public:
    std::string name() const override { return "tar"; }

    Outcome take(Bytes in) override {
        while (!in.empty() && !ended_) {
            if (skip_ > 0) {
                const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(skip_, in.size()));
                if (in_pax_ && pax_.size() < kMaxPax) pax_.append(text_of(in.first(n)));
                skip_ -= n;
                at_ += n;
                in = in.subspan(n);
                continue;
            }
            const std::size_t n = std::min(kBlock - block_.size(), in.size());
            block_.append(text_of(in.first(n)));
            at_ += n;
            in = in.subspan(n);
            if (block_.size() == kBlock) {
                auto bad = header(bytes_of(block_));
                block_.clear();
                if (bad) return bad;
            }
        }
        return {};
    }

    void conclude(Findings& f) override {
        f.format = name();
        if (!ended_)
            return apply(f, cut_short(fmt::format("the archive ends in the middle, after {} members, without its end of two zero blocks", members_)));
        f.state = Findings::State::whole;
        f.empty = members_ == 0;
        f.detail = fmt::format("{} {}; a tar carries no checksum of its own", members_, members_ == 1 ? "member" : "members");
    }

private:
    Outcome header(Bytes block) {
        if (all_zero(block)) {
            ended_ = ++zero_blocks_ == 2;
            return {};
        }
        if (zero_blocks_ > 0) return broken(fmt::format("a zero block stands between members (at byte {})", at_ - kBlock));
        if (!is_tar_header(block)) return broken(fmt::format("the member header at byte {} has a wrong checksum", at_ - kBlock));
        const char type = static_cast<char>(block[156]);
        auto size = number(block.subspan(124, 12));
        if (!size) return broken(fmt::format("the member header at byte {} has no readable size", at_ - kBlock));
        if (in_pax_) {
            if (auto bigger = pax_size(pax_)) size = bigger;
            in_pax_ = false;
            pax_.clear();
        }
        const bool extension = type == 'x' || type == 'g' || type == 'L' || type == 'K';
        if (!extension) ++members_;
        if (type == 'x') in_pax_ = true;
        const bool has_data = extension || (type != '1' && type != '2' && type != '3' && type != '4' && type != '5' && type != '6');
        if (*size > std::uint64_t{1} << 60) return broken(fmt::format("the member header at byte {} has an impossible size", at_ - kBlock));
        skip_ = has_data ? (*size + kBlock - 1) / kBlock * kBlock : 0;
        return {};
    }

    std::string block_, pax_;
    bool in_pax_ = false, ended_ = false;
    std::uint64_t skip_ = 0, at_ = 0, members_ = 0;
    int zero_blocks_ = 0;
};

}  // namespace

bool is_tar_header(Bytes block) {
    if (block.size() < kBlock || block[0] == 0) return false;
    const auto stored = number(block.subspan(148, 8));
    if (!stored) return false;
    std::uint64_t sum = 8 * ' ';
    for (std::size_t i = 0; i < kBlock; ++i)
        if (i < 148 || i >= 156) sum += block[i];
    return sum == *stored;
}

std::unique_ptr<Format> tar_format() { return std::make_unique<Tar>(); }

}  // namespace bkmon::inspect
