#include "daemon/platform/inspect/worker/opaque.h"

#include <fmt/format.h>

namespace bkmon::inspect {
namespace {

class Opaque final : public Format {
public:
    explicit Opaque(Kind kind) : kind_(kind) {}
    std::string name() const override { return kind_ == Kind::zeros ? "opaque" : std::string(words(kind_)); }

    Outcome take(Bytes in) override {
        zeros_ = zeros_ && all_zero(in);
        return {};
    }

    void conclude(Findings& f) override {
        f.format = name();
        if (zeros_) return apply(f, wrong_type("every byte is zero: an interrupted copy, or space that was reserved and never written"));
        f.state = Findings::State::not_applicable;
        if (kind_ == Kind::encrypted)
            f.detail = "encrypted: nothing can be asked of its content";
        else if (kind_ == Kind::zeros || kind_ == Kind::binary)
            f.detail = "bytes of an unknown kind: nothing can be asked of them";
        else
            f.detail = fmt::format("bkmon does not look into {}", words(kind_));
    }

private:
    const Kind kind_;
    bool zeros_ = true;
};

}  // namespace

std::unique_ptr<Format> opaque_format(Kind kind) { return std::make_unique<Opaque>(kind); }

}  // namespace bkmon::inspect
