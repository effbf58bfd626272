#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/time.h"
#include "daemon/mtf/header.h"

namespace bkmon::test {

/// One backup as SQL Server would append it to a file. Times are UTC.
struct MtfSet {
    enum class Kind { full, differential, log, copy_only } kind = Kind::full;
    std::string database = "SHOP", server = "NORTH\\SQLEXPRESS";
    Time started = Time(std::chrono::sys_days(std::chrono::year(2024) / 12 / 9)) + std::chrono::hours(18);
    Time finished = started + std::chrono::minutes(7);
    int zone = -20;  ///< quarters of an hour from UTC; 127: not said
    std::uint64_t data = 64 * 1024;
    unsigned files = 2;  ///< of the database: each has its record in the configuration
    bool aborted = false;
};

/// A synthetic backup file by the Microsoft Tape Format Specification 1.00a rev. 1.8, with what SQL Server does differently.
struct MtfFile {
    enum class Packing { none, literals, xpress, zstd };

    std::size_t block = 4096;
    std::vector<MtfSet> sets{MtfSet{}};
    unsigned part = 1, parts = 1;
    bool soft_marks = true;
    std::uint64_t padding = 0;  ///< zeros behind the end
    Packing packing = Packing::none;
    std::uint32_t family = 0x1badcafe;
    unsigned vendor = 0x1200;
    std::string software = "Microsoft SQL Server";
};

/// Where things are that a test wants to cut at, or break.
struct MtfLayout {
    std::uint64_t size = 0;
    std::vector<std::uint64_t> blocks;    ///< of every block and filemark, rising
    std::vector<std::uint64_t> sets;      ///< SSET
    std::vector<std::uint64_t> set_ends;  ///< the first byte behind each set: a cut there leaves a whole file with fewer sets
};

std::string mtf_bytes(const MtfFile& file, MtfLayout* layout = nullptr);

/// Written to `path` with its data as a hole. `size`: what the file shall have, more or less a block, when it has room for that; the data of the
/// first set becomes larger. True: done.
bool write_mtf(MtfFile file, const std::string& path, std::uint64_t size = 0);

/// The codes of [MS-XCA] 2.2 for one block of at most 64 KiB: bare bytes only, or with matches.
std::string pack_xpress(const std::string& plain, bool matches);

/// As one who reads only the ends: head, tail, and the third window when it is asked for.
mtf::Reading read_ends(const std::string& file);

/// "plain whole proven: …": what a failing test prints.
std::string verdict(const mtf::Reading& r);

}  // namespace bkmon::test

namespace bkmon::mtf {
void PrintTo(const Reading& r, std::ostream* os);
}
