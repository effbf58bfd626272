#pragma once
#include <string>

#include "common/base/json_writer.h"
#include "daemon/platform/jail/jail.h"

namespace bkmon::jail {

/// Tries from inside what must fail, and writes down how it did.
class Attempts {
public:
    explicit Attempts(const State& state);
    /// `result` below 0 with errno: it failed, as it should.
    void made(const char* what, long result);
    /// What nobody in a jail may do: open and make files (`file`, which is removed again where there is no wall), talk to others on the machine, make
    /// processes, start programs, signal the parent, run what it wrote. Where there is no wall, the process may be another program afterwards.
    void usual(const char* file);
    /// One line of JSON: {"landlock":true,"seccomp":true,"open":"EACCES",…}. True when all failed. Ends it.
    bool all_failed(std::string& report);
    JsonWriter& report() { return report_; }

private:
    JsonWriter report_;
    bool all_ = true;
};

}  // namespace bkmon::jail
