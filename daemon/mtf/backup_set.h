#pragma once
#include "daemon/mtf/bytes.h"

namespace bkmon::mtf {

/// What one backup's own blocks say: SSET and VOLB, and the configuration in MSCI (written at the start) and MSLS (at the end).
class BackupSet {
public:
    static constexpr int kNoZone = 127;

    /// `sset`: from that block on, as far as was read; empty when it was not. `msls`: likewise.
    BackupSet(Bytes sset, Bytes msls);

    bool known() const { return !sset_.empty(); }
    bool finish_known() const { return !finish_.empty(); }
    bool named() const { return !start_.empty() || !finish_.empty(); }
    /// Length of the configuration's stream, 0: unknown.
    std::uint64_t configuration_bytes() const { return configuration_bytes_; }
    unsigned number() const { return static_cast<unsigned>(little(sset_, 62, 2)); }
    Bytes start_date() const { return from(sset_, 88).first(std::min<std::size_t>(5, from(sset_, 88).size())); }

    /// Kind, names and times into `r`, nothing surer than `most`.
    void describe(Reading& r, Sure most) const;

private:
    void describe_kind(Reading& r, Sure most) const;
    void describe_names(Reading& r, Sure most) const;
    void describe_times(Reading& r, Sure most) const;
    std::string version() const;

    Bytes sset_, start_, finish_;  ///< the block; SCIN of MSCI; SCIN of MSLS
    unsigned start_type_ = 0, finish_type_ = 0;
    std::uint64_t configuration_bytes_ = 0;
    std::string machine_;
};

/// The weaker of both.
inline Sure at_most(Sure a, Sure b) { return a < b ? a : b; }

/// The first record of a configuration block's stream MQCI, as far as it was read; empty when it is none or its fixed part was not read.
Bytes scin_of(Bytes block);

}  // namespace bkmon::mtf
