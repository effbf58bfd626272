#pragma once
#include <string>
#include <string_view>

namespace bkmon::ctl {

/// The beginning of a page, up to its first heading: its policy allows nothing but what stands in the page itself, and of scripts only
/// kPageScript, by its hash. `title` is HTML already.
std::string page_head(std::string_view title);
std::string page_end();  ///< with the script

/// Makes tables of the class "sort" sortable by their headings and gives long ones a filter. Touches nothing else.
extern const std::string_view kPageScript;

}  // namespace bkmon::ctl
