#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/base/time.h"

namespace bkmon::mtf {

using Bytes = std::span<const std::uint8_t>;

/// How sure an answer is.
enum class Sure : std::uint8_t { unknown, likely, proven };

/// What begins at byte 0.
enum class Form : std::uint8_t {
    plain,       ///< Microsoft Tape Format, written by SQL Server
    packed,      ///< SQL Server's container MSSQLBAK: compressed or encrypted
    other_tape,  ///< Microsoft Tape Format of another program
    zeros,       ///< nothing but zeros in all that was read
    random,      ///< as even as encrypted or random bytes
    other,       ///< something else
    nothing,     ///< too short to be any of it
};

enum class Whole : std::uint8_t {
    unknown,
    whole,       ///< nothing is missing between the first byte and the last, by length; the middle was not read
    incomplete,  ///< the end is missing
    damaged,     ///< bytes are missing or are those of another backup
    aborted,     ///< SQL Server itself gave up
};

enum class Kind : std::uint8_t { unknown, full, differential, log, copy_only };

template <class T>
struct Answer {
    T value{};
    Sure sure = Sure::unknown;
};

/// One line of what `explain` says: a question, its answer, how sure that is and what it rests on.
struct Claim {
    std::string question, answer;  ///< printable
    Sure sure = Sure::unknown;
    std::string rests_on;  ///< the fields, quoted; printable
};

/// What the first and the last bytes of a file (and where needed 64 KiB more) say of a SQL Server backup: of its last set.
/// Texts from the file are valid UTF-8, at most 512 bytes each, and tainted: printable() before any sink.
struct Reading {
    Form form = Form::nothing;
    Answer<Whole> whole;
    std::string why;  ///< of `whole` and `form`: a sentence for the operator, printable
    Answer<Kind> kind;
    Answer<std::string> database, server;
    std::optional<Time> started_at, finished_at;  ///< UTC
    Sure times = Sure::unknown;                   ///< likely: the server's time zone is not in the file, UTC was taken
    int sets = 0;                                 ///< backups in this file; 0: unknown
    int part = 0, parts = 0;                      ///< of a backup over several files; 0: unknown
    std::string first_bytes;                      ///< the first 16, in hex
    std::vector<Claim> claims;
};

/// The words of the enumerations: "proven", "plain", "incomplete", "differential", …
std::string_view word(Sure sure);
std::string_view word(Form form);
std::string_view word(Whole whole);
std::string_view word(Kind kind);

/// As it goes from the process that reads to the one that judges: a netstring for each field, in their order, four for each claim. Every server's
/// answer may hold one: as a document in the answer's document it took longer to read than all else in it. decode() trusts nothing: unknown words,
/// long texts, bad UTF-8 and too many claims are errors.
std::string encode(const Reading& reading);
Result<Reading> decode(std::string_view text);

}  // namespace bkmon::mtf
