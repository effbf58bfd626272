#pragma once
#include "daemon/platform/inspect/worker/format.h"

namespace bkmon::inspect {

/// Bytes whose kind is found out from their first 64 KiB; compressed ones are looked through, twice at most.
class Layer final : public Format {
public:
    /// `inquiry` outlives the layer. `name`: what these bytes would be called. `depth`: compressions above.
    Layer(Inquiry& inquiry, std::string name, int depth) : inquiry_(inquiry), promise_(std::move(name)), depth_(depth) {}

    Outcome take(Bytes bytes) override;
    void conclude(Findings& findings) override;
    std::string name() const override;

private:
    Outcome choose();

    Inquiry& inquiry_;
    const std::string promise_;
    const int depth_;
    std::string head_;
    std::uint64_t total_ = 0;
    std::unique_ptr<Format> format_;
    bool passes_on_ = false;  // compressed: the count of the inner layer is the content's
};

}  // namespace bkmon::inspect
