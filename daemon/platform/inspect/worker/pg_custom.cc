#include "daemon/platform/inspect/worker/pg_custom.h"

#include <fmt/format.h>

#include "common/base/text.h"

namespace bkmon::inspect {
namespace {

constexpr std::size_t kMaxString = 64 << 20;  // a view's or function's definition is part of the table of contents
constexpr int kMaxEntries = 10000000;

/// What the parser waits for next. A push parser: bytes come in any portions.
enum class Want { magic, fixed, compression, created, database, remote, dump_version, count, entry, block_type, block_id, chunk_length, give_up };

/// The strings and numbers of one entry of the table of contents, in order: i = integer, s = string, l = strings up to a null one,
/// o = data offset. `since`: first minor version of archive version 1 that has it.
struct Part {
    char type;
    int since;
};
constexpr Part kEntry[] = {{'i', 0}, {'i', 0}, {'s', 8},  {'s', 0},  {'s', 0},  {'s', 0}, {'i', 11}, {'s', 0}, {'s', 0},
                           {'s', 3}, {'s', 6}, {'s', 10}, {'s', 14}, {'i', 16}, {'s', 0}, {'s', 0},  {'l', 5}, {'o', 0}};
constexpr int kDescription = 5;  // its place in kEntry

class PgCustom final : public Format {
public:
    std::string name() const override { return "pg_dump custom"; }

    Outcome take(Bytes in) override {
        total_ += in.size();
        while (want_ != Want::give_up) {
            if (skip_ > 0) {
                const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(skip_, in.size()));
                skip_ -= n;
                in = in.subspan(n);
                if (skip_ > 0) return {};
            }
            const std::size_t missing = need() - have_.size();
            const std::size_t n = std::min(missing, in.size());
            have_.append(text_of(in.first(n)));
            in = in.subspan(n);
            if (n < missing) return {};
            const std::string item = std::exchange(have_, std::string());
            if (auto bad = step(item)) return bad;
        }
        return {};
    }

    void conclude(Findings& f) override {
        f.format = name();
        f.database = database_;
        if (!remote_.empty()) f.server = "PostgreSQL " + remote_;
        if (want_ == Want::give_up) {
            f.state = Findings::State::not_applicable;
            f.detail = why_not_;
            return;
        }
        if (want_ != Want::block_type || !have_.empty() || skip_ > 0)
            return apply(f, cut_short(fmt::format("the archive ends in the middle of {}",
                                                  want_ < Want::block_type ? "its table of contents" : "a table's data")));
        const int expected = placed_ > 0 ? placed_ : unplaced_;
        if (blocks_ < expected)
            return apply(f, cut_short(fmt::format("the data of {} of {} tables is missing at the end", expected - blocks_, expected)));
        if (blocks_ > expected)
            return apply(f, broken(fmt::format("it has data of {} tables, but its table of contents names {}", blocks_, expected)));
        f.state = Findings::State::whole;
        f.empty = !has_table_;
        f.detail = fmt::format("table of contents and all {} blocks of data are there to the last byte; the rows inside were not unpacked", blocks_);
    }

private:
    std::size_t number_size() const { return 1 + int_size_; }

    std::size_t need() const {
        switch (want_) {
            case Want::magic: return 5;
            case Want::fixed: return 6;
            case Want::compression: return minor_ >= 15 ? 1 : number_size();
            case Want::created: return 7 * number_size();
            case Want::block_type: return 1;
            case Want::entry:
                if (in_string_) return string_size_;
                return part().type == 'o' ? 1 + offset_size_ : number_size();
            case Want::database:
            case Want::remote:
            case Want::dump_version: return in_string_ ? string_size_ : number_size();
            case Want::count:
            case Want::block_id:
            case Want::chunk_length: return number_size();
            case Want::give_up: break;
        }
        return 0;
    }

    /// Sign byte, then magnitude, least significant byte first.
    std::int64_t number(std::string_view item) const {
        const auto v = static_cast<std::int64_t>(little(bytes_of(item), 1, int_size_) & 0x7fffffffffffffff);
        return item[0] != 0 ? -v : v;
    }

    void refuse(std::string why) {
        want_ = Want::give_up;
        why_not_ = std::move(why) + ": it is not proven that it is whole";
    }

    Outcome step(const std::string& item) {
        switch (want_) {
            case Want::magic: want_ = Want::fixed; return {};
            case Want::fixed: return fixed(bytes_of(item));
            case Want::compression: want_ = Want::created; return {};
            case Want::created: want_ = Want::database; return {};
            case Want::database: return string(item, Want::remote, &database_);
            case Want::remote: return string(item, Want::dump_version, &remote_);
            case Want::dump_version: return string(item, Want::count, nullptr);
            case Want::count: return count(number(item));
            case Want::entry: return entry(item);
            case Want::block_type: return block(item[0]);
            case Want::block_id: want_ = Want::chunk_length; return {};
            case Want::chunk_length: return chunk(number(item));
            case Want::give_up: break;
        }
        return {};
    }

    Outcome fixed(Bytes h) {
        minor_ = h[1];
        int_size_ = h[3];
        offset_size_ = h[4];
        if (h[0] != 1 || minor_ < 12 || minor_ > 16)
            refuse(fmt::format("archive version {}.{} is unknown", h[0], minor_));
        else if (int_size_ < 2 || int_size_ > 8 || offset_size_ < 1 || offset_size_ > 8)
            return broken("the archive's header is damaged");
        else if (h[5] != 1)
            refuse("it is no archive of the custom format");
        else
            want_ = Want::compression;
        return {};
    }

    /// One call for the length, one for the bytes. A negative length is a null string.
    Outcome string(const std::string& item, Want next, std::string* to) {
        if (!in_string_) {
            const auto n = number(item);
            if (n > static_cast<std::int64_t>(kMaxString)) return broken("the archive's table of contents is damaged (an impossible length)");
            null_ = n < 0;
            if (n > 0) {
                in_string_ = true;
                string_size_ = static_cast<std::size_t>(n);
                return {};
            }
            if (to != nullptr) to->clear();
        } else {
            in_string_ = false;
            if (to != nullptr) *to = item;
        }
        want_ = next;
        return {};
    }

    Outcome count(std::int64_t n) {
        if (n < 0 || n > kMaxEntries) return broken("the archive's table of contents is damaged (an impossible count)");
        entries_ = n;
        begin_entry();
        return {};
    }

    const Part& part() const { return kEntry[part_]; }

    void begin_entry() {
        part_ = 0;
        want_ = entries_ > 0 ? Want::entry : Want::block_type;
    }

    void next_part() {
        do ++part_;
        while (part_ < std::size(kEntry) && part().since > minor_);
        if (part_ == std::size(kEntry)) {
            --entries_;
            begin_entry();
        }
    }

    Outcome entry(const std::string& item) {
        switch (part().type) {
            case 'i': next_part(); return {};
            case 'o':
                // 1: has data, place not written back (a pipe); 2: has data at that place; 3: has none.
                if (item[0] < 1 || item[0] > 3) return broken("the archive's table of contents is damaged (an impossible place of data)");
                unplaced_ += item[0] == 1;
                placed_ += item[0] == 2;
                next_part();
                return {};
            default: break;
        }
        std::string text;
        const bool was_in_string = in_string_;
        if (auto bad = string(item, Want::entry, part_ == kDescription ? &text : nullptr)) return bad;
        if (in_string_) return {};
        if (part_ == kDescription && (text == "TABLE" || text == "TABLE DATA")) has_table_ = true;
        if (part().type == 's' || (null_ && !was_in_string)) next_part();
        return {};
    }

    Outcome block(char type) {
        if (type != 1 && type != 3) return broken(fmt::format("no block of data begins where one should (at byte {} or before)", total_));
        ++blocks_;
        large_objects_ = type == 3;
        want_ = Want::block_id;
        return {};
    }

    Outcome chunk(std::int64_t n) {
        if (n < 0) return broken("a block of data has an impossible length");
        if (large_objects_) return large_object(n);
        if (n == 0) {
            want_ = Want::block_type;
        } else {
            skip_ = static_cast<std::uint64_t>(n);
        }
        return {};
    }

    /// A block of large objects: object id, its chunks up to an empty one, next id, …; id 0 ends the block.
    Outcome large_object(std::int64_t n) {
        if (!in_object_) {
            if (n == 0)
                want_ = Want::block_type;
            else
                in_object_ = true;
        } else if (n == 0) {
            in_object_ = false;
        } else {
            skip_ = static_cast<std::uint64_t>(n);
        }
        return {};
    }

    Want want_ = Want::magic;
    std::string have_, database_, remote_, why_not_;
    int minor_ = 0, blocks_ = 0, placed_ = 0, unplaced_ = 0;
    std::size_t int_size_ = 4, offset_size_ = 8, string_size_ = 0, part_ = 0;
    std::int64_t entries_ = 0;
    std::uint64_t skip_ = 0, total_ = 0;
    bool in_string_ = false, null_ = false, has_table_ = false, large_objects_ = false, in_object_ = false;
};

}  // namespace

std::unique_ptr<Format> pg_custom_format() { return std::make_unique<PgCustom>(); }

}  // namespace bkmon::inspect
