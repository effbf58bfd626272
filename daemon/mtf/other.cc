#include "daemon/mtf/other.h"

#include <fmt/format.h>

#include <cctype>

#include "daemon/mtf/ends.h"

namespace bkmon::mtf {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t kSmallest = 1536;  ///< media header, two filemarks: no backup is smaller

struct Magic {
    std::string_view bytes, name;
    std::size_t at = 0;
};
constexpr Magic kMagics[]{
    {"\x1f\x8b"sv, "gzip"},
    {"\x28\xb5\x2f\xfd"sv, "zstd"},
    {"\xfd\x37zXZ\0"sv, "xz"},
    {"PK\3\4"sv, "zip"},
    {"7z\xbc\xaf\x27\x1c"sv, "7z"},
    {"Rar!\x1a\x07"sv, "rar"},
    {"BZh"sv, "bzip2"},
    {"\x04\x22\x4d\x18"sv, "lz4"},
    {"ustar"sv, "tar", 257},
    {"SQLite format 3\0"sv, "an SQLite database"},
    {"PGDMP"sv, "pg_dump"},
    {"Salted__"sv, "openssl enc"},
    {"age-encryption.org/"sv, "age"},
    {"-----BEGIN PGP"sv, "OpenPGP"},
    {"vhdxfile"sv, "a virtual disk"},
    {"conectix"sv, "a virtual disk"},
    {"%PDF-"sv, "PDF"},
    {"MZ"sv, "a Windows program"},
};

std::string_view known_format(Bytes head) {
    for (const auto& m : kMagics)
        if (text_of(from(head, m.at)).starts_with(m.bytes)) return m.name;
    return {};
}

bool is_text(Bytes head) {
    std::size_t odd = 0;
    for (const auto c : head)
        if ((c < 0x20 && c != '\n' && c != '\r' && c != '\t' && c != '\f') || c == 0x7f) ++odd;
    return odd * 50 < head.size();
}

/// From the first byte on: a format has a beginning, which is less even than what it packs.
bool is_random(Bytes head, Bytes tail) {
    if (head.size() < 2048) return false;
    const Bytes start = head.first(64);
    const bool letters = std::all_of(start.begin(), start.begin() + 4, [](std::uint8_t c) { return c < 0x80 && std::isalnum(c) != 0; });
    if (letters || std::count(start.begin(), start.end(), 0) >= 4) return false;
    return entropy(head.first(512)) > 7.3 && entropy(head) > 7.75 && (tail.size() < 2048 || entropy(tail) > 7.5);
}

/// A soft filemark of any block size that ends the file, or a set that stands where it says that it stands: what nothing but a backup has.
std::string remains_of_backup(const Seen& seen, Bytes head) {
    if (ends_as_sql_server_writes(seen)) return "its last bytes are a SFMB with its checksum";
    for (std::size_t at = kStep; at + 96 <= head.size() && at < 2 * kWindow; at += kStep)
        if (is_block(head.subspan(at), "SSET") && little(head, at + 80, 8) == at) return fmt::format("SSET with its checksum at byte {}", at);
    return {};
}

void conclude(Reading& r, Form form, Answer<Whole> whole, std::string why, std::string rests_on) {
    r.form = form;
    r.whole = whole;
    r.why = why;
    r.claims.push_back(
        {"SQL Server backup", std::move(why), form == Form::random || form == Form::other ? Sure::likely : Sure::proven, std::move(rests_on)});
}

}  // namespace

void read_other(const Seen& seen, Reading& r) {
    const Bytes head = seen.at(0), tail = seen.tail();
    const auto begins = "it begins with " + r.first_bytes;
    if (seen.size() == 0) return conclude(r, Form::nothing, {Whole::incomplete, Sure::proven}, "it is empty", "0 bytes");
    if (seen.only_zeros() && !head.empty())
        return conclude(r, Form::zeros, {Whole::damaged, Sure::proven}, "it holds nothing but zeros in all that was read",
                        "beginning and end: zeros");
    const auto format = known_format(head);
    if (!format.empty()) return conclude(r, Form::other, {}, fmt::format("no SQL Server backup: it begins as {} does", format), begins);
    if (const auto remains = remains_of_backup(seen, head); !remains.empty())
        return conclude(r, Form::plain, {Whole::damaged, Sure::proven}, "a SQL Server backup that lost its beginning", remains + ", but " + begins);
    if (seen.size() < kSmallest)
        return conclude(r, Form::nothing, {}, "it is too short to be a SQL Server backup", fmt::format("{} bytes; {}", seen.size(), begins));
    if (is_random(head, tail))
        return conclude(r, Form::random, {}, "no SQL Server backup: its bytes are as even as encrypted or random ones",
                        fmt::format("{:.2f} bits a byte; {}", entropy(head), begins));
    if (all_zero(head))
        return conclude(r, Form::other, {Whole::damaged, Sure::likely}, "no SQL Server backup: all that was read of its beginning is zeros", begins);
    if (is_text(head)) return conclude(r, Form::other, {}, "no SQL Server backup: text", begins);
    conclude(r, Form::other, {}, "no SQL Server backup: an unknown format", begins);
}

}  // namespace bkmon::mtf
