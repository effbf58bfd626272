#include "daemon/config/merge.h"

#include <fmt/format.h>

#include <unordered_map>

#include "common/base/text.h"

namespace bkmon::config {

void merge(Context& context, Node& into, Node&& from, const std::string& path) {
    using Kind = Node::Kind;
    if (from.kind == Kind::null) return;
    if (into.kind == Kind::null) {
        into = std::move(from);
        return;
    }
    if (into.kind == Kind::list && from.kind == Kind::list) {
        for (auto& item : from.items) into.items.push_back(std::move(item));
        return;
    }
    if (into.kind != Kind::map || from.kind != Kind::map)
        return context.problem(from.mark, fmt::format("'{}' is set twice: also at {}", printable(path, 200), context.where(into.mark)));
    std::unordered_map<std::string, std::size_t> known;
    for (std::size_t i = 0; i < into.keys.size(); ++i) known.emplace(into.keys[i].text, i);
    for (std::size_t i = 0; i < from.keys.size(); ++i) {
        const auto same = known.find(from.keys[i].text);
        if (same != known.end()) {
            merge(context, into.items[same->second], std::move(from.items[i]), path.empty() ? from.keys[i].text : path + "." + from.keys[i].text);
        } else {
            into.keys.push_back(std::move(from.keys[i]));
            into.items.push_back(std::move(from.items[i]));
        }
    }
}

}  // namespace bkmon::config
