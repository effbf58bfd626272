#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/base/time.h"
#include "common/base/unique_fd.h"
#include "daemon/core/settings/deposits.h"

namespace bkmon::inspect {

/// What the bytes themselves say. The verdict is the caller's.
struct Findings {
    enum class State {
        whole,           ///< read to the last byte; nothing wrong
        damaged,         ///< truncated, broken, of another type, without its end mark: see code
        not_applicable,  ///< nothing can be asked of this content (encrypted, opaque, unknown without end mark)
        not_inspected,   ///< out of time or memory, or the inspector died
    };
    State state = State::not_inspected;
    bool not_started = false;       ///< nobody looked at the file, which may be as good as any: ask again later
    std::string code;               ///< reason code when damaged or not_inspected: truncated broken_archive wrong_type no_end_mark inspection_failed
    std::string detail;             ///< sentence, printable
    std::string format;             ///< "gzip+mysqldump", "zstd+mtf", "pg_dump custom", "opaque", …
    bool checksum_in_frame = true;  ///< false: a zstd frame without one: never "proven"
    bool empty = false;             ///< whole, but without any table, row or member
    std::string database;           ///< the dump's own idea of its database, or empty
    std::string server;             ///< the same for the server and tool version, or empty
    std::uint64_t content_bytes = 0;  ///< after decompression
    std::optional<Time> written_at;   ///< the dump's own idea of when
};

struct Request {
    UniqueFd file;     ///< positioned at 0; read only
    std::string name;  ///< the file's name: its extension says what is expected
    core::Content content = core::Content::auto_detect;
    bool end_mark = true;
    std::uint64_t size = 0;
    bool growing = false;  ///< it is still being written, up to `size`: what is not there yet is waited for
    milliseconds deadline{std::chrono::hours(2)};
};

/// Looks into a file in a sandboxed child (bkmon-inspect): file as fd 0, no other access, limits of time and memory, a length-limited
/// pipe as its only way to speak. Loop thread only.
class Inspector {
public:
    /// Destroying it kills the child; done is then not called.
    class Job {
    public:
        virtual ~Job() = default;
    };
    virtual ~Inspector() = default;
    virtual std::unique_ptr<Job> inspect(Request request, std::function<void(Findings)> done) = 0;
};

/// Findings to and from the child's one line of JSON. from_json trusts nothing: unknown states, long strings, bad UTF-8 are errors.
std::string to_json(const Findings& findings);
Result<Findings> from_json(std::string_view text);

}  // namespace bkmon::inspect
