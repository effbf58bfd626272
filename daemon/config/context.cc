#include "daemon/config/context.h"

#include <fmt/format.h>

#include <algorithm>

namespace bkmon::config {

std::uint32_t Context::add_file(std::string path) {
    files_.push_back(std::move(path));
    return static_cast<std::uint32_t>(files_.size() - 1);
}

void Context::problem(const Mark& mark, std::string message) { found_.push_back({mark, std::move(message)}); }

std::string Context::where(const Mark& mark) const {
    const auto file = mark.file < files_.size() ? files_[mark.file] : std::string();
    return mark.line == 0 ? file : fmt::format("{}:{}:{}", file, mark.line, mark.column);
}

void Context::effective(std::string path, std::string value, const Mark* set_at) {
    effective_.push_back({std::move(path), std::move(value), set_at ? where(*set_at) : "default"});
}

std::vector<Problem> Context::take_problems() {
    constexpr std::size_t kMost = 500;  // nobody reads more, and a broken default would otherwise be said ten thousand times
    std::stable_sort(found_.begin(), found_.end(), [](const Found& a, const Found& b) { return a.mark < b.mark; });
    std::vector<Problem> problems;
    for (auto& f : found_) {
        if (problems.size() == kMost) {
            problems.push_back({"", fmt::format("and {} more problems", found_.size() - kMost)});
            break;
        }
        problems.push_back({where(f.mark), std::move(f.message)});
    }
    found_.clear();
    return problems;
}

}  // namespace bkmon::config
