#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace bkmon::config {

/// A place in one of the files, counted from 1; line 0 means the file as a whole.
struct Mark {
    std::uint32_t file = 0, line = 0, column = 0;
    friend auto operator<=>(const Mark&, const Mark&) = default;
};

/// A YAML value as it was written: scalars stay text, so that `0777`, `no` and `1e3` mean what the setting says, not what YAML says.
struct Node {
    enum class Kind : std::uint8_t { null, scalar, list, map };
    struct Key {
        std::string text;
        Mark mark;
    };
    Kind kind = Kind::null;
    bool quoted = false;  ///< scalar: it stood in quotes or was a block
    std::string text;
    Mark mark;                ///< of a null: its key's
    std::vector<Key> keys;    ///< map: keys[i] names items[i]
    std::vector<Node> items;  ///< list and map

    const Node* find(std::string_view key) const;
};

/// Limits against files that are not meant to be read, alias bombs among them: nodes count after aliases were filled in.
struct TreeLimits {
    std::size_t depth = 24;
    std::size_t nodes = 1000000;
};

/// Reads one file's bytes. What is wrong goes to `problem` with its place; what could be read is returned (null when nothing could).
/// Found here: syntax errors, invalid UTF-8, duplicate keys (the first is kept), several documents, merge keys, tags, keys that are
/// no plain text, aliases that contain themselves, the limits. `nodes` goes on counting over several files.
Node parse_tree(std::uint32_t file, std::string_view bytes, const TreeLimits& limits, std::size_t& nodes,
                const std::function<void(Mark, std::string)>& problem);

}  // namespace bkmon::config
