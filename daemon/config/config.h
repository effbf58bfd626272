#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "daemon/core/settings/settings.h"

namespace bkmon::config {

struct Problem {
    std::string where;    ///< "file:line:col", or the file, or empty
    std::string message;  ///< "unknown key 'schedul' (did you mean 'schedule'?)"
};

struct EffectiveSetting {
    std::string path, value, origin;  ///< "deposits.root", "/mnt/…", "/etc/bkmon/bkmon.yaml:12:9" or "default"
};

/// What a load gave: settings are usable only when problems is empty. All problems are reported together.
struct Loaded {
    core::Settings settings;
    std::vector<Problem> problems;
    std::vector<EffectiveSetting> effective;
    std::string text() const;  ///< the problems, one a line, as `--check-config` prints them
};

/// Configuration that is no file: as problems and origins name it ("credential bkmon.extra"), and its bytes or why they cannot be had.
/// Errc::not_found means that there is none, which is no problem.
struct Extra {
    std::string name;
    Result<std::string> bytes;
};

/// Judges one template of mails: its name, which part it is ("subject", "txt", "html"), its text. Errc::invalid; the text may begin with
/// "line:column: ".
using TemplateCheck = std::function<Result<void>(const std::string& name, const std::string& part, const std::string& text)>;

/// Reads `file`, conf.d/*.yaml beside it in name order, then `extra`. Blocks on disk and may take long: off the loop. A missing main file is a
/// problem, an empty one is a valid, empty configuration. Limits on depth, nodes and size hold against alias bombs.
/// The folder mail.templates is read too where there is somebody to `check` what lies in it.
Loaded load(const std::string& file, const std::optional<Extra>& extra = {}, const TemplateCheck& check = {});

/// The YAML of jobs that would expect these, as `deposits adopt` prints and writes it.
struct AdoptJob {
    std::string agent, database;
};
std::string adopt_yaml(const std::vector<AdoptJob>& jobs);

}  // namespace bkmon::config
