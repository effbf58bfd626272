#pragma once
#include <string>
#include <vector>

#include "daemon/config/config.h"
#include "daemon/config/yaml_tree.h"

namespace bkmon::config {

/// What reading the tree collects: problems with their places, and what each setting became.
class Context {
public:
    explicit Context(std::vector<std::string> files) : files_(std::move(files)) {}

    /// A further file in which there may be problems: what Mark::file is for it.
    std::uint32_t add_file(std::string path);
    void problem(const Mark& mark, std::string message);
    /// "file:line:col", or the file alone.
    std::string where(const Mark& mark) const;
    void effective(std::string path, std::string value, const Mark* set_at);

    /// In the order of the files, then of the places.
    std::vector<Problem> take_problems();
    std::vector<EffectiveSetting> take_effective() { return std::move(effective_); }

private:
    struct Found {
        Mark mark;
        std::string message;
    };
    std::vector<std::string> files_;
    std::vector<Found> found_;
    std::vector<EffectiveSetting> effective_;
};

}  // namespace bkmon::config
