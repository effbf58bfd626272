#pragma once
#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>

#include "common/base/time.h"
#include "ctl/render/terminal.h"

namespace bkmon::ctl {

/// One line of a progress bar that fits `width`: "[######......]  45 %  12/27  reading agent_a". Without a total: "12  reading agent_a".
std::string bar_line(std::int64_t done, std::int64_t total, std::string_view text, std::size_t width);

/// Progress on a stream: a bar that is drawn over itself on a terminal, elsewhere one line per change of text. At most ten a second.
class Bar {
public:
    Bar(std::ostream& out, Terminal terminal, const Clock& clock) : out_(out), terminal_(terminal), clock_(clock) {}
    Bar(const Bar&) = delete;
    Bar& operator=(const Bar&) = delete;
    ~Bar() { clear(); }
    void show(std::int64_t done, std::int64_t total, std::string_view text);
    void clear();  ///< takes the bar away before anything else is written

private:
    std::ostream& out_;
    Terminal terminal_;
    const Clock& clock_;
    bool drawn_ = false;
    std::optional<BootTime> last_;
    std::int64_t last_total_ = 0;
    std::string last_text_;
};

}  // namespace bkmon::ctl
