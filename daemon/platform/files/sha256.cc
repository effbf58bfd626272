#include <openssl/evp.h>

#include <array>

#include "common/base/c_ptr.h"
#include "common/base/text.h"
#include "daemon/platform/files/file_ops.h"

namespace bkmon::files {
namespace {

/// Fetched once: EVP_sha256() would look the provider up again for each digest.
const EVP_MD* digest() {
    static const CPtr<EVP_MD, &EVP_MD_free> md(EVP_MD_fetch(nullptr, "SHA256", nullptr));
    return md.get();
}

}  // namespace

struct Sha256::Impl {
    CPtr<EVP_MD_CTX, &EVP_MD_CTX_free> context{EVP_MD_CTX_new()};
    bool good = context != nullptr && digest() != nullptr && EVP_DigestInit_ex2(context.get(), digest(), nullptr) == 1;
};

Sha256::Sha256() : impl_(std::make_unique<Impl>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(std::span<const unsigned char> bytes) {
    impl_->good = impl_->good && EVP_DigestUpdate(impl_->context.get(), bytes.data(), bytes.size()) == 1;
}

std::string Sha256::finish() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
    unsigned int n = 0;
    impl_->good = impl_->good && EVP_DigestFinal_ex(impl_->context.get(), out.data(), &n) == 1 && n == 32;
    return impl_->good ? to_hex(out.data(), n) : std::string();
}

std::string Sha256::of(std::string_view bytes) {
    Sha256 sha;
    sha.update({reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()});
    return sha.finish();
}

}  // namespace bkmon::files
