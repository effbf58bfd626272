#pragma once
#include <memory>
#include <string_view>

#include "daemon/platform/inspect/worker/format.h"

namespace bkmon::inspect {

/// Decompresses a stream and proves what its format lets be proven: every member or frame, checksums, lengths, and that nothing
/// follows that does not belong there.
class Decoder {
public:
    virtual ~Decoder() = default;
    [[nodiscard]] virtual Outcome feed(Bytes in, Sink& out) = 0;
    /// Nothing more comes: `truncated` when something should.
    [[nodiscard]] virtual Outcome finish(Sink& out) = 0;
    virtual std::string_view name() const = 0;
    /// False when part of the data carries no checksum. Known at the end.
    virtual bool checksummed() const { return true; }
};

/// All members (RFC 1952), their CRC and length; zero padding may follow, anything else is damage.
std::unique_ptr<Decoder> gzip_decoder();
/// All frames (RFC 8878), skippable ones too. Windows up to 256 MiB.
std::unique_ptr<Decoder> zstd_decoder();
/// All streams, with padding. Up to 256 MiB of memory.
std::unique_ptr<Decoder> xz_decoder();
/// One bare deflate stream (a zip member); what follows its end is damage.
std::unique_ptr<Decoder> deflate_decoder();

inline constexpr std::size_t kOutputChunk = 1 << 18;

}  // namespace bkmon::inspect
