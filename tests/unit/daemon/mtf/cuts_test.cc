// Every way in which a copy loses bytes, on every shape of file: what the format lets be proven is found, and nothing whole is called broken.
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <random>
#include <set>

#include "tests/support/facts.h"
#include "tests/support/mtf_file.h"

namespace bkmon::mtf {
namespace {

using test::mtf_bytes;
using test::MtfFile;
using test::MtfLayout;
using test::MtfSet;
using test::read_ends;
using test::verdict;
using Packing = MtfFile::Packing;

unsigned seed() {
    const char* given = std::getenv("BKMON_SEED");
    return given != nullptr ? static_cast<unsigned>(std::strtoul(given, nullptr, 0)) : 20261122U;
}

struct Shape {
    std::string name;
    MtfFile file;
};

Shape shape(MtfSet::Kind kind, std::size_t block, std::size_t sets, std::uint64_t data, unsigned files = 2, unsigned parts = 1,
            Packing packing = Packing::none) {
    Shape s;
    s.file.block = block;
    s.file.parts = parts;
    s.file.packing = packing;
    s.file.sets.clear();
    for (std::size_t i = 0; i < sets; ++i) {
        MtfSet set;
        set.kind = kind;
        set.files = files;
        set.data = data;
        set.started += std::chrono::hours(24 * i);
        set.finished += std::chrono::hours(24 * i);
        s.file.sets.push_back(set);
    }
    s.name = std::to_string(static_cast<int>(kind)) + "/" + std::to_string(block) + "/" + std::to_string(sets) + "/" + std::to_string(data) + "/" +
             std::to_string(files) + "/" + std::to_string(parts) + "/" + std::to_string(static_cast<int>(packing));
    return s;
}

/// All of them in the long run, one in some in the short one.
std::vector<Shape> plain_shapes() {
    std::vector<Shape> all;
    for (const std::size_t block : {512U, 1024U, 2048U, 4096U, 8192U, 16384U, 32768U, 65536U})
        for (const auto kind : {MtfSet::Kind::full, MtfSet::Kind::differential, MtfSet::Kind::log, MtfSet::Kind::copy_only})
            for (const std::size_t sets : {1U, 2U, 3U, 6U})
                for (const std::uint64_t data : {0U, 24U * 1024, 300U * 1024}) {
                    all.push_back(shape(kind, block, sets, data));
                    if (kind == MtfSet::Kind::full && sets < 3) all.push_back(shape(kind, block, sets, data, 90, 2));
                }
    if (test::full_sweep()) return all;
    std::vector<Shape> some;
    for (std::size_t i = 0; i < all.size(); i += 23) some.push_back(all[i]);
    return some;
}
std::vector<Shape> packed_shapes() {
    std::vector<Shape> all;
    for (const auto packing : {Packing::literals, Packing::xpress, Packing::zstd})
        for (const std::size_t block : {512U, 4096U, 65536U})
            for (const std::size_t sets : {1U, 3U})
                // A media header of 64 KiB that nothing makes smaller would push the first filemark out of sight.
                if (block < 65536 || packing != Packing::literals) all.push_back(shape(MtfSet::Kind::full, block, sets, 200 * 1024, 2, 1, packing));
    return all;
}

/// 200 places and each border of a block, just before and behind it too.
std::set<std::uint64_t> cuts_of(const MtfLayout& at) {
    std::set<std::uint64_t> cuts;
    for (std::uint64_t i = 0; i < 200; ++i) cuts.insert(at.size * i / 200 + i % 7);
    for (const auto border : at.blocks)
        for (const std::uint64_t n : {border - 1, border, border + 1})
            if (n < at.size) cuts.insert(n);
    for (std::uint64_t n = at.size - std::min<std::uint64_t>(at.size, 40 * 512); n < at.size; n += 512) cuts.insert(n);
    cuts.insert(at.size - 1);
    return cuts;
}

bool found(const Reading& r) { return r.whole.value != Whole::whole && (r.whole.value != Whole::unknown || r.form == Form::nothing); }

TEST(MtfCutSweep, EveryCutOfAPlainFileIsFound) {
    const auto began = std::chrono::steady_clock::now();
    std::int64_t files = 0, cuts = 0, missed = 0, false_alarms = 0, unprovable = 0;
    for (const auto& s : plain_shapes()) {
        MtfLayout at;
        const auto whole = mtf_bytes(s.file, &at);
        const auto good = read_ends(whole);
        ++files;
        if (verdict(good) != "plain whole proven" || good.database.value != "SHOP" || good.sets != static_cast<int>(s.file.sets.size())) {
            ++false_alarms;
            ADD_FAILURE() << s.name << testing::PrintToString(good);
        }
        for (const auto n : cuts_of(at)) {
            const auto r = read_ends(whole.substr(0, static_cast<std::size_t>(n)));
            if (std::find(at.set_ends.begin(), at.set_ends.end(), n) != at.set_ends.end()) {
                ++unprovable;  // whole with fewer sets: nothing in the file says otherwise
                EXPECT_EQ(verdict(r), "plain whole proven") << s.name << " at " << n;
                continue;
            }
            ++cuts;
            if (found(r)) continue;
            ++missed;
            ADD_FAILURE() << s.name << " cut at " << n << " of " << at.size << testing::PrintToString(r);
        }
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    test::fact("backup_cuts",
               {{"files", files}, {"cuts", cuts}, {"missed", missed}, {"false_alarms", false_alarms}, {"cuts_behind_an_earlier_set", unprovable}},
               took.count());
}

TEST(MtfCutSweep, EveryCutOfAPackedFileIsLikelyFound) {
    std::int64_t files = 0, cuts = 0, missed = 0, false_alarms = 0, unknown = 0;
    for (const auto& s : packed_shapes()) {
        MtfLayout at;
        const auto whole = mtf_bytes(s.file, &at);
        ++files;
        if (verdict(read_ends(whole)) != "packed whole likely") ++false_alarms;
        for (const auto n : cuts_of(at)) {
            const auto r = read_ends(whole.substr(0, static_cast<std::size_t>(n)));
            if (std::find(at.set_ends.begin(), at.set_ends.end(), n) != at.set_ends.end()) continue;
            ++cuts;
            if (found(r)) continue;
            // Behind the filemark that ends a set's data nobody can tell in this form.
            const bool behind_a_mark = std::any_of(at.blocks.begin(), at.blocks.end(), [&](std::uint64_t b) { return b + s.file.block == n; });
            if (r.whole.value == Whole::unknown && behind_a_mark) {
                ++unknown;
                continue;
            }
            ++missed;
            ADD_FAILURE() << s.name << " cut at " << n << " of " << at.size << testing::PrintToString(r);
        }
    }
    EXPECT_EQ(false_alarms, 0);
    test::fact("packed_backup_cuts",
               {{"files", files}, {"cuts", cuts}, {"missed", missed}, {"said_to_be_unknown", unknown}, {"false_alarms", false_alarms}});
}

/// What a transfer loses or doubles in the middle, where nobody looks.
TEST(MtfCutSweep, BytesLostOrAddedInTheMiddleAreFound) {
    std::mt19937 random(seed());
    std::int64_t tried = 0, missed = 0;
    const int rounds = test::full_sweep() ? 200 : 40;
    for (const auto& s : plain_shapes()) {
        MtfLayout at;
        const auto whole = mtf_bytes(s.file, &at);
        for (int i = 0; i < rounds; ++i) {
            const auto from = random() % whole.size();
            const auto n = 1 + random() % (i % 2 == 0 ? 512 * 8 : 50'000);
            std::string other = whole;
            if (i % 4 == 3)
                other.insert(from, std::string(n, static_cast<char>(random())));
            else
                other.erase(from, n);
            ++tried;
            const auto r = read_ends(other);
            if (found(r) || other == whole) continue;
            // Lost from the end of a set on, but for zeros, or zeros added behind the end: nothing is wrong with what is left.
            const auto left = [&](std::uint64_t end) {
                const auto m = static_cast<std::size_t>(end);
                return other.size() >= m && other.compare(0, m, whole, 0, m) == 0 && other.find_first_not_of('\0', m) == std::string::npos;
            };
            if (std::any_of(at.set_ends.begin(), at.set_ends.end(), left)) continue;
            ++missed;
            ADD_FAILURE() << s.name << (i % 4 == 3 ? ": added " : ": lost ") << n << " at " << from << " of " << at.size << ", BKMON_SEED=" << seed()
                          << testing::PrintToString(r);
        }
    }
    test::fact("backup_losses", {{"losses", tried}, {"missed", missed}});
}

TEST(MtfFlipSweep, NoFlippedBitsHarm) {
    std::mt19937 random(seed());
    std::int64_t flips = 0;
    std::vector<std::string> files;
    for (const auto& s : plain_shapes())
        if (files.size() < 30) files.push_back(mtf_bytes(s.file));
    for (const auto& s : packed_shapes()) files.push_back(mtf_bytes(s.file));
    const int rounds = test::full_sweep() ? 4000 : 150;
    for (const auto& whole : files)
        for (int i = 0; i < rounds; ++i) {
            std::string s = whole;
            for (unsigned k = 0; k <= random() % 8; ++k) {
                const std::size_t span = std::min<std::size_t>(s.size(), random() % 2 == 0 ? 16384 : s.size());
                const std::size_t at = random() % 2 == 0 ? random() % span : s.size() - 1 - random() % span;
                s[at] = static_cast<char>(s[at] ^ (1U << random() % 8));
            }
            if (random() % 8 == 0) s.resize(random() % s.size());
            const auto r = read_ends(s);
            ++flips;
            const auto back = decode(encode(r));
            ASSERT_TRUE(back) << back.error().what << ", BKMON_SEED=" << seed();
        }
    test::fact("backup_flips", {{"files_with_flipped_bits", flips}, {"crashes", 0}});
}

}  // namespace
}  // namespace bkmon::mtf
