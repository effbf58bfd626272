// Windows of a backup file on a server that somebody else owns, as the worker that looked at it reads them. Beside memory safety: a reading is
// always given, it is fit to be shown, the daemon's reader accepts it and says the same; nothing of the packed form is called proven; one more
// read lies within the file. What is unpacked stays within its bounds. What goes from process to process is tried too.
// Input: flags (what it is, which checksums to mend, where the windows are), then the file.
#include "daemon/mtf/header.h"
#include "daemon/mtf/xpress.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace bkmon;
using namespace bkmon::mtf;

/// No mutation finds a checksum (XOR of the first 25 words): those of whatever looks like a block are made right.
void mend(std::string& s) {
    for (std::size_t at = 0; at + 52 <= s.size(); at += 512) {
        if (!std::all_of(s.begin() + static_cast<std::ptrdiff_t>(at), s.begin() + static_cast<std::ptrdiff_t>(at) + 4,
                         [](char c) { return c >= 'A' && c <= 'Z'; }))
            continue;
        unsigned x = 0;
        for (std::size_t i = 0; i < 50; i += 2)
            x ^= static_cast<unsigned char>(s[at + i]) | static_cast<unsigned>(static_cast<unsigned char>(s[at + i + 1])) << 8U;
        s[at + 50] = static_cast<char>(x & 0xffU);
        s[at + 51] = static_cast<char>(x >> 8U & 0xffU);
    }
}

/// A small input for a large file: a hole between its halves.
std::string stretched(const std::string& s, std::size_t hole) {
    const std::size_t half = s.size() / 2 / 512 * 512;
    return s.substr(0, half) + std::string(hole, '\0') + s.substr(half);
}

void check(const Reading& r) {
    MUST(fuzz::fit_to_show(r.why) && valid_utf8(r.database.value) && valid_utf8(r.server.value));
    MUST(r.database.value.size() <= 512 && r.server.value.size() <= 512);
    for (const auto& c : r.claims)
        MUST(fuzz::fit_to_show(c.question) && fuzz::fit_to_show(c.answer) && fuzz::fit_to_show(c.rests_on) && !c.rests_on.empty());
    MUST((r.whole.value == Whole::unknown) == (r.whole.sure == Sure::unknown));
    MUST((r.kind.value == Kind::unknown) == (r.kind.sure == Sure::unknown));
    MUST(r.form != Form::packed || (r.whole.sure != Sure::proven && r.kind.sure != Sure::proven && r.database.sure != Sure::proven));
    const auto text = encode(r);
    const auto back = decode(text);
    MUST(back.has_value() && encode(*back) == text);
}

void look(const std::string& file, std::size_t window) {
    const Bytes all(reinterpret_cast<const std::uint8_t*>(file.data()), file.size());
    View view;
    view.size = all.size();
    view.head = all.first(std::min(window, all.size()));
    view.tail = all.last(std::min(window, all.size() - view.head.size()));
    const auto two = read(view);
    check(two);
    if (const auto at = third_read(view)) {
        MUST(*at < view.size);
        view.third_at = *at;
        view.third = all.subspan(static_cast<std::size_t>(*at)).first(std::min(window, all.size() - static_cast<std::size_t>(*at)));
        const auto three = read(view);
        check(three);
        MUST(three.form == two.form || two.form == Form::random || two.form == Form::zeros || two.form == Form::other);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    fuzz::Input input(data, size);
    const unsigned how = input.byte(), extent = input.byte();
    std::string file(input.rest());
    if ((how & 1U) != 0) {
        if (const auto r = decode(file)) {
            const auto text = encode(*r);
            const auto again = decode(text);
            MUST(again.has_value() && encode(*again) == text);
        } else {
            MUST(fuzz::speaks(r.error()));
        }
        return 0;
    }
    if ((how & 2U) != 0) {
        const std::size_t most = 1 + extent * 256U;
        MUST(unpack_xpress(Bytes(data + 2, size - 2), most).size() <= most);
        return 0;
    }
    if ((how & 4U) != 0) mend(file);
    if ((how & 8U) != 0) file = stretched(file, extent * 2048U);
    look(file, (how & 16U) != 0 ? kWindow : 512U + extent * 64U);
    return 0;
}
