#pragma once
#include <string>
#include <string_view>

namespace bkmon::alerts {

/// Pure. Valid UTF-8 folded at spaces to `columns` of a terminal; words are never cut. How a line goes on is said by the spaces in front of it:
/// none (a heading): by two; one or three (a paragraph): by as many; two (a line of a list): by six; four and more (a command): it is not folded.
/// So nothing from the middle of a line ever stands where something else begins. Several empty lines become one; there are none at the
/// beginning and one line end at the end. "-- " of a signature keeps its space.
std::string fold(std::string_view text, std::size_t columns);

}  // namespace bkmon::alerts
