// Writes a synthetic backup of SQL Server (tests/support/mtf_file.h), for scripts: tests/support/mtf_files.py.
#include <cstdio>
#include <cstdlib>
#include <map>

#include "common/base/text.h"
#include "tests/support/mtf_file.h"

namespace {

using bkmon::test::MtfFile;
using bkmon::test::MtfSet;

constexpr const char* kUsage =
    "bkmon-write-mtf --out FILE [--kind full|differential|log|copy_only] [--database X] [--server Y] [--started TIME] [--finished TIME]\n"
    "                [--zone QUARTERS] [--block BYTES] [--sets N] [--size BYTES] [--files N] [--part K] [--parts N] [--padding BYTES]\n"
    "                [--soft-marks yes|no] [--aborted yes|no] [--packing none|literals|xpress|zstd] [--vendor N] [--software NAME]\n"
    "TIME is RFC 3339. The sets are a day apart and the last one is as told; the first of several is a full one.\n";

[[noreturn]] void refuse(const std::string& why) {
    std::fprintf(stderr, "bkmon-write-mtf: %s\n%s", why.c_str(), kUsage);
    std::exit(2);
}

class Arguments {
public:
    Arguments(int argc, char** argv) {
        for (int i = 1; i + 1 < argc; i += 2) given_[argv[i]] = argv[i + 1];
        if (argc % 2 == 0) refuse("an option has no value");
    }
    std::string text(const std::string& name, const std::string& otherwise) {
        const auto it = given_.find("--" + name);
        if (it == given_.end()) return otherwise;
        auto value = it->second;
        given_.erase(it);
        return value;
    }
    std::int64_t number(const std::string& name, std::int64_t otherwise) {
        const auto value = text(name, "");
        return value.empty() ? otherwise : std::strtoll(value.c_str(), nullptr, 0);
    }
    bkmon::Time time(const std::string& name, bkmon::Time otherwise) {
        const auto value = text(name, "");
        if (value.empty()) return otherwise;
        const auto parsed = bkmon::parse_rfc3339(value);
        return parsed ? *parsed : (refuse(parsed.error().what), otherwise);
    }
    template <class T>
    T one_of(const std::string& name, const std::map<std::string, T>& words, const std::string& otherwise) {
        const auto it = words.find(text(name, otherwise));
        return it != words.end() ? it->second : (refuse("--" + name + " is none of its words"), T{});
    }
    void nothing_left() const {
        if (!given_.empty()) refuse(given_.begin()->first + " is no option");
    }

private:
    std::map<std::string, std::string> given_;
};

}  // namespace

int main(int argc, char** argv) {
    using Kind = MtfSet::Kind;
    using Packing = MtfFile::Packing;
    Arguments a(argc, argv);
    MtfFile file;
    MtfSet set;
    set.kind = a.one_of<Kind>(
        "kind", {{"full", Kind::full}, {"differential", Kind::differential}, {"log", Kind::log}, {"copy_only", Kind::copy_only}}, "full");
    set.database = a.text("database", set.database);
    set.server = a.text("server", set.server);
    set.started = a.time("started", set.started);
    set.finished = a.time("finished", set.started + std::chrono::minutes(7));
    set.zone = static_cast<int>(a.number("zone", 0));
    set.files = static_cast<unsigned>(a.number("files", 2));
    set.aborted = a.one_of<bool>("aborted", {{"yes", true}, {"no", false}}, "no");
    file.block = static_cast<std::size_t>(a.number("block", 4096));
    file.part = static_cast<unsigned>(a.number("part", 1));
    file.parts = static_cast<unsigned>(a.number("parts", 1));
    file.padding = static_cast<std::uint64_t>(a.number("padding", 0));
    file.soft_marks = a.one_of<bool>("soft-marks", {{"yes", true}, {"no", false}}, "yes");
    file.packing = a.one_of<Packing>(
        "packing", {{"none", Packing::none}, {"literals", Packing::literals}, {"xpress", Packing::xpress}, {"zstd", Packing::zstd}}, "none");
    file.vendor = static_cast<unsigned>(a.number("vendor", file.vendor));
    file.software = a.text("software", file.software);
    const auto sets = a.number("sets", 1);
    const auto size = a.number("size", 0);
    const auto out = a.text("out", "");
    a.nothing_left();
    if (out.empty() || sets < 1 || size < 0) refuse("--out, and numbers that can be");
    file.sets.assign(static_cast<std::size_t>(sets), set);
    for (std::size_t i = 0; i + 1 < file.sets.size(); ++i) {
        auto& before = file.sets[i];
        const auto days = std::chrono::hours(24 * (file.sets.size() - 1 - i));
        before.started -= days;
        before.finished -= days;
        if (i == 0) before.kind = Kind::full;
        before.aborted = false;
    }
    if (!bkmon::test::write_mtf(file, out, static_cast<std::uint64_t>(size))) {
        std::perror(out.c_str());
        return 1;
    }
    return 0;
}
