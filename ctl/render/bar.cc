#include "ctl/render/bar.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/text.h"
#include "ctl/render/words.h"

namespace bkmon::ctl {

std::string bar_line(std::int64_t done, std::int64_t total, std::string_view text, std::size_t width) {
    const std::string safe = shown(text);
    if (total <= 0) return fit_width(fmt::format("{}  {}", done, safe), width);
    const std::int64_t capped = std::clamp<std::int64_t>(done, 0, total);
    const double share = static_cast<double>(capped) / static_cast<double>(total);
    const std::size_t cells = std::clamp<std::size_t>(width / 4, 8, 30);
    const auto full = static_cast<std::size_t>(share * static_cast<double>(cells));
    // Rounded down: 100 % is shown only when all is done.
    const auto percent = static_cast<int>(share * 100);
    return fit_width(fmt::format("[{}{}] {:3} %  {}/{}  {}", std::string(full, '#'), std::string(cells - full, '.'), percent, done, total, safe),
                     width);
}

void Bar::show(std::int64_t done, std::int64_t total, std::string_view text) {
    if (!terminal_.tty) {
        const std::string safe = shown(text);
        if (safe.empty() || safe == last_text_) return;
        out_ << (total > 0 ? fmt::format("{}/{} {}", done, total, safe) : safe) << '\n' << std::flush;
        last_text_ = safe;
        return;
    }
    const BootTime now = clock_.boot();
    // How much there is to do is news even so soon: nothing else may come for long.
    if (last_ && now - *last_ < milliseconds(100) && done < total && total == last_total_) return;
    last_ = now;
    last_total_ = total;
    drawn_ = true;
    // One column is left free: a full last column makes some terminals wrap.
    out_ << "\r\033[K" << bar_line(done, total, text, terminal_.width > 1 ? terminal_.width - 1 : 79) << std::flush;
}

void Bar::clear() {
    if (drawn_) out_ << "\r\033[K" << std::flush;
    drawn_ = false;
}

}  // namespace bkmon::ctl
