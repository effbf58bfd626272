// What a sandboxed inspector says, if the file took it over: the daemon accepts nothing but Findings, and what it accepts is fit to be shown and
// says the same when written again. Rows of verdicts, read back after a crash, are held to the same.
#include "daemon/core/verdict_json.h"
#include "daemon/platform/inspect/inspector.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace bkmon;
    using State = inspect::Findings::State;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    if (const auto f = inspect::from_json(bytes)) {
        MUST(size <= 16384 && fuzz::fit_to_show(f->detail) && fuzz::fit_to_show(f->format) && valid_utf8(f->database) && valid_utf8(f->server));
        MUST((f->state == State::damaged || f->state == State::not_inspected) == !f->code.empty());
        const auto again = inspect::from_json(inspect::to_json(*f));
        MUST(again && again->state == f->state && again->code == f->code && again->empty == f->empty &&
             again->checksum_in_frame == f->checksum_in_frame && again->content_bytes == f->content_bytes);
    } else {
        MUST(fuzz::speaks(f.error()));
    }
    if (const auto verdict = core::verdict_from_json(bytes)) {
        const auto text = core::to_json(*verdict);
        const auto again = core::verdict_from_json(text);
        MUST(again && core::to_json(*again) == text && valid_utf8(text));
    } else {
        MUST(verdict.error().code == Errc::invalid && !verdict.error().what.empty());
    }
    return 0;
}
