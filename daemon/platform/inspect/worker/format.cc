#include "daemon/platform/inspect/worker/format.h"

namespace bkmon::inspect {

void apply(Findings& to, Trouble trouble) {
    to.state = trouble.state;
    to.code = std::move(trouble.code);
    to.detail = std::move(trouble.detail);
}

void Tail::take(Bytes bytes) {
    total_ += bytes.size();
    if (bytes.size() >= kSize) {
        buffer_.assign(text_of(bytes.last(kSize)));
        return;
    }
    if (buffer_.size() + bytes.size() > 2 * kSize) buffer_.erase(0, buffer_.size() - kSize);
    buffer_.append(text_of(bytes));
}

Bytes Tail::bytes() {
    if (buffer_.size() > kSize) buffer_.erase(0, buffer_.size() - kSize);
    return bytes_of(buffer_);
}

}  // namespace bkmon::inspect
