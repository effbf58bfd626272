#pragma once
#include <ctime>

namespace bkmon::test {

/// Seconds of processor time of this process that `work` takes. What it says about a machine is nothing: compare it with another of the same run.
template <class Work>
double cpu_spent(Work&& work) {
    const auto began = std::clock();
    work();
    return static_cast<double>(std::clock() - began) / CLOCKS_PER_SEC;
}

/// What ten times as much may take where no part of it is compared with every other: that would be a hundred times.
constexpr double kTenTimesAsMuch = 30;

}  // namespace bkmon::test
