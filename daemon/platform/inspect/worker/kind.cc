#include "daemon/platform/inspect/worker/kind.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

#include "common/base/text.h"
#include "daemon/platform/inspect/content_word.h"
#include "daemon/platform/inspect/worker/sql_text.h"
#include "daemon/platform/inspect/worker/tar.h"

namespace bkmon::inspect {
namespace {

using namespace std::string_view_literals;
using core::Content;

struct Magic {
    Kind kind;
    std::string_view bytes;
};
constexpr std::array kMagics{
    Magic{Kind::gzip, "\x1f\x8b"sv},
    Magic{Kind::zstd, "\x28\xb5\x2f\xfd"sv},
    Magic{Kind::xz,
          "\xfd"
          "7zXZ\0"sv},
    Magic{Kind::zip, "PK\3\4"sv},
    Magic{Kind::zip, "PK\5\6"sv},
    Magic{Kind::bzip2, "BZh"sv},
    Magic{Kind::lz4, "\x04\x22\x4d\x18"sv},
    Magic{Kind::seven_zip, "7z\xbc\xaf\x27\x1c"sv},
    Magic{Kind::rar, "Rar!\x1a\x07"sv},
    Magic{Kind::encrypted, "Salted__"sv},
    Magic{Kind::encrypted, "age-encryption.org/"sv},
    Magic{Kind::encrypted, "-----BEGIN PGP MESSAGE-----"sv},
    Magic{Kind::encrypted, "-----BEGIN AGE ENCRYPTED FILE-----"sv},
    Magic{Kind::sqlite_file, "SQLite format 3\0"sv},
    Magic{Kind::pg_custom, "PGDMP"sv},
    Magic{Kind::mssql_packed, "MSSQLBAK"sv},
};

/// The packets OpenPGP messages begin with (RFC 4880, 4.2 and 5.1, 5.3): public-key or symmetric-key encrypted session key.
bool openpgp(Bytes h) {
    if (h.size() < 3) return false;
    if (h[0] == 0x85 && h.size() >= 4) return h[3] == 3;  // old format, tag 1, two-byte length, version 3
    if (h[0] == 0x84) return h[2] == 3;                   // old format, tag 1, one-byte length
    if (h[0] == 0xc1) return h[2] == 3 || (h.size() > 3 && h[3] == 3);
    if (h[0] == 0x8c) return h[2] == 4;  // old format, tag 3, version 4
    if (h[0] == 0xc3) return h[2] == 4 || h[2] == 5;
    return false;
}

/// Text as dumps have it: hardly any control characters. UTF-16 with a mark counts.
bool looks_like_text(Bytes head) {
    if (head.size() >= 2 && ((head[0] == 0xff && head[1] == 0xfe) || (head[0] == 0xfe && head[1] == 0xff))) return true;
    std::size_t odd = 0;
    for (unsigned char c : head)
        if ((c < 0x20 && c != '\n' && c != '\r' && c != '\t' && c != '\f' && c != 0x1b) || c == 0x7f) ++odd;
    return odd * 50 < head.size() || odd == 0;
}

bool is_compression(Kind k) { return k == Kind::gzip || k == Kind::zstd || k == Kind::xz || k == Kind::zip; }

/// True when an explicit `content:` is satisfied by what was found, itself or as a shell that will be looked through.
bool content_allows(Content content, Kind k) {
    if (is_compression(k)) return true;
    switch (content) {
        case Content::auto_detect:
        case Content::opaque: return true;
        case Content::mysql: return k == Kind::mysql_dump || k == Kind::text;
        case Content::postgresql: return k == Kind::pg_dump || k == Kind::pg_dumpall || k == Kind::pg_custom || k == Kind::text || k == Kind::tar;
        case Content::sqlite: return k == Kind::sqlite_file || k == Kind::sqlite_dump || k == Kind::text;
        case Content::mssql: return k == Kind::mtf || k == Kind::mssql_packed;
        case Content::archive:
            return k == Kind::tar || k == Kind::bzip2 || k == Kind::lz4 || k == Kind::seven_zip || k == Kind::rar || k == Kind::encrypted ||
                   k == Kind::binary;
    }
    return true;
}

/// .sql holds text. The databases' own binary formats under that name are a habit of people, not damage.
bool keeps_sql_promise(Kind k) {
    switch (k) {
        case Kind::text:
        case Kind::mysql_dump:
        case Kind::pg_dump:
        case Kind::pg_dumpall:
        case Kind::sqlite_dump:
        case Kind::sqlite_file:
        case Kind::pg_custom:
        case Kind::mtf:
        case Kind::mssql_packed: return true;
        default: return false;
    }
}

std::string description(Kind found, Bytes head) {
    if (found != Kind::binary) return std::string(words(found));
    const double e = entropy(head);
    if (e > 7.5 || (head.size() < 4096 && e > 0.9 * std::log2(static_cast<double>(head.size()))))
        return fmt::format("bytes without any structure, as encryption leaves them ({:.2f} bits a byte)", e);
    return "bytes of an unknown kind";
}

/// The start of a promised format and nothing more of it.
bool stub_of(Kind kind, Bytes head) {
    for (const auto& m : kMagics)
        if (m.kind == kind && head.size() < m.bytes.size() && m.bytes.substr(0, head.size()) == text_of(head)) return true;
    return false;
}

}  // namespace

std::string_view words(Kind kind) {
    switch (kind) {
        case Kind::gzip: return "gzip";
        case Kind::zstd: return "zstd";
        case Kind::xz: return "xz";
        case Kind::zip: return "zip";
        case Kind::bzip2: return "bzip2";
        case Kind::lz4: return "lz4";
        case Kind::seven_zip: return "7z";
        case Kind::rar: return "rar";
        case Kind::encrypted: return "encrypted";
        case Kind::tar: return "tar";
        case Kind::sqlite_file: return "sqlite database";
        case Kind::pg_custom: return "pg_dump custom";
        case Kind::mtf: return "mtf";
        case Kind::mssql_packed: return "mssql compressed";
        case Kind::mysql_dump: return "mysqldump";
        case Kind::pg_dump: return "pg_dump";
        case Kind::pg_dumpall: return "pg_dumpall";
        case Kind::sqlite_dump: return "sqlite dump";
        case Kind::text: return "text";
        case Kind::zeros: return "nothing but zero bytes";
        case Kind::binary: break;
    }
    return "opaque";
}

Kind sniff(Bytes head) {
    for (const auto& m : kMagics)
        if (text_of(head).starts_with(m.bytes)) return m.kind;
    if (head.size() >= 4 && (little(head, 0, 4) & 0xFFFFFFF0U) == 0x184D2A50U) return Kind::zstd;  // a skippable frame first
    if (text_of(head).starts_with("TAPE") && head.size() >= 52) return Kind::mtf;
    if (openpgp(head)) return Kind::encrypted;
    if (is_tar_header(head)) return Kind::tar;
    if (auto dump = sniff_dump(text_of(head))) return *dump;
    if (!head.empty() && all_zero(head)) return Kind::zeros;
    return looks_like_text(head) ? Kind::text : Kind::binary;
}

Promise promise_of(std::string_view name) {
    struct Extension {
        std::string_view text;
        Kind kind;
        std::string_view inner;
    };
    static constexpr std::array kExtensions{
        Extension{".gz", Kind::gzip, ""},    Extension{".tgz", Kind::gzip, ".tar"},  Extension{".zst", Kind::zstd, ""},
        Extension{".zstd", Kind::zstd, ""},  Extension{".tzst", Kind::zstd, ".tar"}, Extension{".xz", Kind::xz, ""},
        Extension{".txz", Kind::xz, ".tar"}, Extension{".zip", Kind::zip, ""},       Extension{".sql", Kind::text, ""},
        Extension{".tar", Kind::tar, ""},
    };
    const std::string small = lower(name);
    for (const auto& e : kExtensions)
        if (small.size() > e.text.size() && small.ends_with(e.text))
            return {e.kind, std::string(name.substr(0, name.size() - e.text.size())) + std::string(e.inner)};
    return {std::nullopt, std::string(name)};
}

bool encrypted_name(std::string_view name) {
    const std::string small = lower(name);
    for (auto e : {".gpg", ".pgp", ".asc", ".age", ".enc", ".aes"})
        if (small.ends_with(e)) return true;
    return false;
}

Outcome breach(const Inquiry& inquiry, std::string_view name, Kind found, Bytes head, bool inside) {
    const auto promise = promise_of(name);
    const bool named = inquiry.content != Content::auto_detect && content_allows(inquiry.content, found) && !is_compression(found);
    if (promise.kind && !named && found != *promise.kind) {
        const bool empty_tar = *promise.kind == Kind::tar && found == Kind::zeros;
        const bool sql = *promise.kind == Kind::text && keeps_sql_promise(found);
        if (stub_of(*promise.kind, head)) return cut_short(fmt::format("only {} bytes of {} data are there", head.size(), words(*promise.kind)));
        if (!empty_tar && !sql)
            return wrong_type(fmt::format("'{}' should hold {}, but it holds {}", printable(name, 160),
                                          *promise.kind == Kind::text ? "a text dump" : words(*promise.kind), description(found, head)));
    }
    if (inside && inquiry.content == Content::archive) return {};
    if (!content_allows(inquiry.content, found))
        return wrong_type(fmt::format("the job says content: {}, but this is {}", word_of(inquiry.content), description(found, head)));
    return {};
}

double entropy(Bytes bytes) {
    std::array<std::size_t, 256> count{};
    for (unsigned char c : bytes) ++count[c];
    double e = 0;
    for (std::size_t n : count)
        if (n > 0) {
            const double p = static_cast<double>(n) / static_cast<double>(bytes.size());
            e -= p * std::log2(p);
        }
    return e;
}

}  // namespace bkmon::inspect
