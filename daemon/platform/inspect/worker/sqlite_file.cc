#include "daemon/platform/inspect/worker/sqlite_file.h"

#include <fmt/format.h>

#include "common/base/text.h"

namespace bkmon::inspect {
namespace {

std::uint64_t big(Bytes b, std::size_t at, std::size_t width) {
    std::uint64_t v = 0;
    for (std::size_t i = 0; i < width; ++i) v = v << 8 | b[at + i];
    return v;
}

class SqliteFile final : public Format {
public:
    std::string name() const override { return "sqlite database"; }

    Outcome take(Bytes in) override {
        if (head_.size() < kHeader) head_.append(text_of(in.first(std::min(kHeader - head_.size(), in.size()))));
        total_ += in.size();
        return {};
    }

    void conclude(Findings& f) override {
        f.format = name();
        if (head_.size() < kHeader) return apply(f, cut_short("the file ends within the database's header"));
        const Bytes h = bytes_of(head_);
        std::uint64_t page = big(h, 16, 2);
        if (page == 1) page = 65536;
        if (page < 512 || (page & (page - 1)) != 0)
            return apply(f, broken(fmt::format("the database's header names an impossible page size ({})", page)));
        // The page count in the header counts only when the same program wrote both counters (section 1.3.7); older ones leave it stale.
        const std::uint64_t said = big(h, 28, 4);
        const bool valid = said > 0 && big(h, 24, 4) == big(h, 92, 4);
        const std::uint64_t pages = valid ? said : (total_ + page - 1) / page;
        const std::uint64_t expected = pages * page;
        f.server = fmt::format("SQLite {}", version(big(h, 96, 4)));
        if (total_ < expected)
            return apply(f, cut_short(fmt::format("the database should have {} bytes ({} pages) and has {}", expected, pages, total_)));
        if (total_ > expected) return apply(f, broken(fmt::format("the database has {} bytes more than its header says", total_ - expected)));
        f.state = Findings::State::whole;
        f.empty = h[100] == 0x0d && big(h, 103, 2) == 0;  // the schema table's only page is a leaf without cells
        f.detail = fmt::format("{} pages of {} bytes; the length is proven, pages carry no checksum", pages, page);
        if (h[18] == 2) f.detail += "; written in WAL mode: what was only in its -wal file is not in it";
    }

private:
    static constexpr std::size_t kHeader = 112;
    static std::string version(std::uint64_t v) { return fmt::format("{}.{}.{}", v / 1000000, v / 1000 % 1000, v % 1000); }
    std::string head_;
    std::uint64_t total_ = 0;
};

}  // namespace

std::unique_ptr<Format> sqlite_file_format() { return std::make_unique<SqliteFile>(); }

}  // namespace bkmon::inspect
