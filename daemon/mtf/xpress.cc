#include "daemon/mtf/xpress.h"

#include <array>

namespace bkmon::mtf {
namespace {

constexpr std::size_t kTable = 256, kSymbols = 512, kCodeBits = 15;

/// For each value of the next 15 bits: symbol << 4 | length of its code.
using Codes = std::vector<std::uint16_t>;

/// Canonical codes: shorter ones first, among equals by symbol. Empty unless they use up all there are.
Codes codes_of(Bytes table) {
    std::array<std::uint8_t, kSymbols> length{};
    for (std::size_t i = 0; i < kTable; ++i) {
        length[2 * i] = table[i] & 15U;
        length[2 * i + 1] = static_cast<std::uint8_t>(table[i] >> 4U);
    }
    Codes codes;
    codes.reserve(std::size_t{1} << kCodeBits);
    for (unsigned n = 1; n <= kCodeBits; ++n)
        for (unsigned symbol = 0; symbol < kSymbols; ++symbol) {
            if (length[symbol] != n) continue;
            const std::size_t span = std::size_t{1} << (kCodeBits - n);
            if (codes.size() + span > std::size_t{1} << kCodeBits) return {};
            codes.insert(codes.end(), span, static_cast<std::uint16_t>(symbol << 4U | n));
        }
    if (codes.size() != std::size_t{1} << kCodeBits) return {};
    return codes;
}

/// Codes and bare bytes share one input: bits are taken 16 ahead, bytes from behind those.
class BitInput {
public:
    explicit BitInput(Bytes in) : in_(in) {
        bits_ = word() << 16U;
        bits_ |= word();
    }
    std::uint32_t peek(unsigned n) const { return n == 0 ? 0 : bits_ >> (32U - n); }
    void drop(unsigned n) {
        if (n == 0) return;
        bits_ <<= n;
        extra_ -= static_cast<int>(n);
        if (extra_ >= 0) return;
        bits_ |= word() << static_cast<unsigned>(-extra_);
        extra_ += 16;
    }
    std::uint32_t byte() { return at_ < in_.size() ? in_[at_++] : (++at_, 0U); }
    std::uint32_t word() {
        const auto low = byte();
        return low | byte() << 8U;
    }
    /// Nothing is left, not even of what was taken ahead.
    bool exhausted() const { return at_ > in_.size() + 4; }

private:
    Bytes in_;
    std::size_t at_ = 0;
    std::uint32_t bits_ = 0;
    int extra_ = 16;
};

/// Behind the 15 that a symbol can say; 0: an impossible one.
std::size_t long_match(BitInput& in) {
    std::size_t n = in.byte();
    if (n == 255) {
        n = in.word();
        return n < 15 ? 0 : n;
    }
    return n + 15;
}

}  // namespace

std::vector<std::uint8_t> unpack_xpress(Bytes in, std::size_t most) {
    std::vector<std::uint8_t> out;
    if (in.size() <= kTable) return out;
    const Codes codes = codes_of(in.first(kTable));
    if (codes.empty()) return out;
    BitInput bits(in.subspan(kTable));
    while (out.size() < most && !bits.exhausted()) {
        const unsigned code = codes[bits.peek(kCodeBits)];
        const unsigned symbol = code >> 4U;
        bits.drop(code & 15U);
        if (symbol < 256) {
            out.push_back(static_cast<std::uint8_t>(symbol));
            continue;
        }
        std::size_t length = symbol & 15U;
        const unsigned offset_bits = (symbol - 256) >> 4U;
        if (length == 15 && (length = long_match(bits)) == 0) break;
        const std::size_t offset = (std::size_t{1} << offset_bits) + bits.peek(offset_bits);
        bits.drop(offset_bits);
        if (offset > out.size()) break;
        length = std::min(length + 3, most - out.size());
        for (std::size_t i = 0; i < length; ++i) out.push_back(out[out.size() - offset]);
    }
    return out;
}

}  // namespace bkmon::mtf
