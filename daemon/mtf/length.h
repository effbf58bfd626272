#pragma once
#include "daemon/mtf/ends.h"

namespace bkmon::mtf {

/// The answer to "whole": "yes: it is whole by its length", "incomplete: its end is missing".
std::string whole_words(const Reading& reading);

struct Judgement {
    Answer<Whole> whole;
    std::string why;       ///< a clause: "its end is missing (…)"
    std::string rests_on;  ///< the fields
};

/// Whether anything is missing between a plain backup's first byte and its last: the offsets that its end names against where things are.
/// Content is not looked at; a file cut exactly behind an earlier set is whole with fewer sets.
Judgement judge_length(const View& view, const Seen& seen, const Media& media, const std::optional<End>& end);

}  // namespace bkmon::mtf
