#pragma once
#include <string>
#include <vector>

#include "daemon/alerts/text/digest.h"

namespace bkmon::alerts {

/// 2026-11-22 07:00 UTC, a Sunday.
Time sample_now();
Told sample_told(const std::string& target, core::Status status, const std::string& code);
Story sample_story(Word word, Language language = Language::en);
/// 212 of 214 targets of one region.
Story sample_group(Word word, Language language = Language::en);
DigestStory sample_digest(bool good, Language language = Language::en);

struct Sample {
    std::string name;
    Composed mail;
};
/// Each kind of mail in each language, as people get them.
std::vector<Sample> all_samples();

}  // namespace bkmon::alerts
