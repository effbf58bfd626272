#pragma once
#include <cstdint>
#include <random>
#include <string>

#include "common/base/time.h"

namespace bkmon::runs {

/// Makes ids such as "20261122T030405-1f47a9c": second in UTC, milliseconds in three hex digits, four random ones. They sort by time as
/// text, also within one millisecond and over small steps back of the clock; a clock set back by more than a minute is followed.
class RunIds {
public:
    std::string next(Time now);

private:
    std::random_device random_;
    Time last_{};
    std::uint32_t tail_ = 0;
};

}  // namespace bkmon::runs
