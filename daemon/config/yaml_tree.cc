#include "daemon/config/yaml_tree.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <istream>
#include <map>
#include <optional>
#include <streambuf>
#include <unordered_set>

#include "common/base/text.h"
#include "common/base/utf8.h"

namespace bkmon::config {
namespace {

using Report = std::function<void(Mark, std::string)>;

/// Ends the parse of one file: what follows would make no sense.
struct Refusal {
    Mark mark;
    std::string message;
};

/// Reads from bytes that somebody else keeps.
class ViewBuffer final : public std::streambuf {
public:
    explicit ViewBuffer(std::string_view bytes) {
        char* p = const_cast<char*>(bytes.data());  // NOLINT: streambuf has no const get area; nothing is put back
        setg(p, p, p + bytes.size());
    }
};

Mark mark_at(std::uint32_t file, std::string_view bytes, std::size_t offset) {
    const auto before = bytes.substr(0, offset);
    const auto line = std::count(before.begin(), before.end(), '\n');
    const auto start = before.rfind('\n');
    return {file, static_cast<std::uint32_t>(line + 1),
            static_cast<std::uint32_t>(before.size() - (start == std::string_view::npos ? 0 : start + 1) + 1)};
}

/// Builds the tree from the parser's events. Events alone give the place of each key and show keys that occur twice.
class Builder final : public YAML::EventHandler {
public:
    Builder(std::uint32_t file, const TreeLimits& limits, std::size_t& nodes, const Report& report)
        : file_(file), limits_(limits), nodes_(nodes), report_(report) {}

    Node root;
    int documents = 0;
    std::optional<Mark> last_quoted;
    /// The innermost `[` or `{` that is open: where a missing end is searched.
    std::optional<Mark> open_flow() const {
        for (auto o = open_.rbegin(); o != open_.rend(); ++o)
            if (o->flow) return o->node.mark;
        return {};
    }

    void OnDocumentStart(const YAML::Mark& at) override {
        if (++documents > 1) throw Refusal{place(at), "a second document ('---') in one file: make it a file of its own in conf.d"};
    }
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark& at, YAML::anchor_t anchor) override {
        Node n;
        n.mark = place(at);
        put(std::move(n), anchor);
    }
    void OnScalar(const YAML::Mark& at, const std::string& tag, YAML::anchor_t anchor, const std::string& value) override {
        check_tag(at, tag);
        Node n;
        n.kind = Node::Kind::scalar;
        n.quoted = tag == "!";
        n.text = value;
        n.mark = place(at);
        if (n.quoted) last_quoted = n.mark;
        put(std::move(n), anchor);
    }
    void OnAlias(const YAML::Mark& at, YAML::anchor_t anchor) override {
        const auto known = anchors_.find(anchor);
        if (known == anchors_.end()) throw Refusal{place(at), "an alias inside the value it stands for"};
        count(place(at), known->second);
        // The copy says where it is used: a message must lead to the line that somebody may want to change.
        if (open_.empty() || !open_.back().waits_for_key())
            attach(known->second);
        else
            throw Refusal{place(at), "an alias cannot be a key"};
    }
    void OnSequenceStart(const YAML::Mark& at, const std::string& tag, YAML::anchor_t anchor, YAML::EmitterStyle::value style) override {
        begin(at, tag, anchor, Node::Kind::list, style);
    }
    void OnMapStart(const YAML::Mark& at, const std::string& tag, YAML::anchor_t anchor, YAML::EmitterStyle::value style) override {
        begin(at, tag, anchor, Node::Kind::map, style);
    }
    void OnSequenceEnd() override { end(); }
    void OnMapEnd() override { end(); }

private:
    struct Open {
        Node node;
        YAML::anchor_t anchor = 0;
        bool flow = false;
        std::optional<Node::Key> key;  ///< whose value comes next
        bool skip = false;             ///< that value is dropped: its key is wrong
        std::unordered_set<std::string> seen;
        bool waits_for_key() const { return node.kind == Node::Kind::map && !key; }
    };

    Mark place(const YAML::Mark& at) const { return {file_, static_cast<std::uint32_t>(at.line + 1), static_cast<std::uint32_t>(at.column + 1)}; }

    void check_tag(const YAML::Mark& at, const std::string& tag) const {
        if (!tag.empty() && tag != "?" && tag != "!") report_(place(at), fmt::format("tags ('{}') are not supported", printable(tag, 60)));
    }

    void count_one(Mark at) {
        if (++nodes_ > limits_.nodes) throw Refusal{at, fmt::format("more than {} values (aliases count as what they stand for)", limits_.nodes)};
    }
    void count(Mark at, const Node& n) {
        count_one(at);
        for (const auto& item : n.items) count(at, item);
    }

    void begin(const YAML::Mark& at, const std::string& tag, YAML::anchor_t anchor, Node::Kind kind, YAML::EmitterStyle::value style) {
        check_tag(at, tag);
        if (!open_.empty() && open_.back().waits_for_key()) throw Refusal{place(at), "a key must be plain text (text in braces needs quotes)"};
        count_one(place(at));
        if (open_.size() >= limits_.depth) throw Refusal{place(at), fmt::format("nested deeper than {}", limits_.depth)};
        open_.emplace_back();
        open_.back().node.kind = kind;
        open_.back().node.mark = place(at);
        open_.back().anchor = anchor;
        open_.back().flow = style == YAML::EmitterStyle::Flow;
    }

    void end() {
        auto done = std::move(open_.back());
        open_.pop_back();
        if (done.anchor) {
            count(done.node.mark, done.node);  // anchors inside anchors are kept once each
            anchors_[done.anchor] = done.node;
        }
        attach(std::move(done.node));
    }

    void put(Node n, YAML::anchor_t anchor) {
        count_one(n.mark);
        if (!open_.empty() && open_.back().waits_for_key()) return take_key(std::move(n));
        if (anchor) anchors_[anchor] = n;
        attach(std::move(n));
    }

    void take_key(Node n) {
        auto& top = open_.back();
        if (n.kind != Node::Kind::scalar) throw Refusal{n.mark, "a key must be plain text (null and ~ need quotes)"};
        if (n.text == "<<" && !n.quoted) {
            report_(n.mark, "merge keys ('<<') are not supported: use deposits.defaults, or write the settings out");
            top.skip = true;
        } else if (!top.seen.insert(n.text).second) {
            const auto first = std::find_if(top.node.keys.begin(), top.node.keys.end(), [&](const Node::Key& k) { return k.text == n.text; });
            report_(
                n.mark,
                fmt::format("duplicate key '{}'{}", printable(n.text, 100),
                            first == top.node.keys.end() ? "" : fmt::format(" (first at line {}, column {})", first->mark.line, first->mark.column)));
            top.skip = true;
        }
        top.key = Node::Key{std::move(n.text), n.mark};
    }

    void attach(Node n) {
        if (open_.empty()) {
            root = std::move(n);
            return;
        }
        auto& top = open_.back();
        if (top.node.kind == Node::Kind::map) {
            if (n.kind == Node::Kind::null) n.mark = top.key->mark;  // the parser gives the place of what follows
            if (!top.skip) top.node.keys.push_back(std::move(*top.key));
            top.key.reset();
            if (std::exchange(top.skip, false)) return;
        }
        top.node.items.push_back(std::move(n));
    }

    std::uint32_t file_;
    TreeLimits limits_;
    std::size_t& nodes_;
    const Report& report_;
    std::vector<Open> open_;
    std::map<YAML::anchor_t, Node> anchors_;
};

/// True when the text in quotes that begins at `mark` ends. The parser takes the end of the file for its end.
bool quotes_close(std::string_view bytes, Mark mark) {
    std::size_t at = 0;
    for (std::uint32_t line = 1; line < mark.line; ++line) at = bytes.find('\n', at) + 1;
    at += mark.column - 1;
    if (at >= bytes.size() || (bytes[at] != '"' && bytes[at] != '\'')) return true;  // a block
    const char quote = bytes[at];
    for (++at; at < bytes.size(); ++at) {
        if (quote == '"' && bytes[at] == '\\')
            ++at;
        else if (bytes[at] == quote && quote == '\'' && bytes.substr(at + 1).starts_with('\''))
            ++at;
        else if (bytes[at] == quote)
            return true;
    }
    return false;
}

/// The parser's sentence, and for what people often stumble over how to write it.
std::string syntax_message(const YAML::Exception& e, std::string_view bytes) {
    std::string text = e.msg;
    const auto at = static_cast<std::size_t>(std::max(e.mark.pos, 0));
    const char c = at < bytes.size() ? bytes[at] : '\0';
    if (c == '@' || c == '`') text += fmt::format(": a word that starts with '{}' needs quotes", c);
    if (c == '%') text += ": a word that starts with '%' needs quotes";
    return printable(text, 300);
}

/// The tab in the indentation of that line: what the parser complains about further right.
std::optional<Mark> indenting_tab(std::string_view bytes, Mark mark) {
    std::size_t at = 0;
    for (std::uint32_t line = 1; line < mark.line; ++line) {
        const auto end = bytes.find('\n', at);
        if (end == std::string_view::npos) return {};
        at = end + 1;
    }
    const auto text = std::min(bytes.find_first_not_of(" \t", at), bytes.size());
    const auto tab = bytes.substr(at, text - at).find('\t');
    if (tab == std::string_view::npos) return {};
    return Mark{mark.file, mark.line, static_cast<std::uint32_t>(tab + 1)};
}

}  // namespace

const Node* Node::find(std::string_view key) const {
    if (kind != Kind::map) return nullptr;
    const auto at = std::find_if(keys.begin(), keys.end(), [&](const Key& k) { return k.text == key; });
    return at == keys.end() ? nullptr : &items[static_cast<std::size_t>(at - keys.begin())];
}

Node parse_tree(std::uint32_t file, std::string_view bytes, const TreeLimits& limits, std::size_t& nodes, const Report& problem) {
    if (bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);
    for (std::size_t at = 0; at < bytes.size();) {
        const auto character = first_utf8(bytes.substr(at));
        if (character.length == 0 || character.code == 0) {
            problem(mark_at(file, bytes, at),
                    character.length == 0 ? "bytes that are no UTF-8" : "a NUL byte (is the file UTF-16? write it as UTF-8)");
            return {};
        }
        at += character.length;
    }
    Builder builder(file, limits, nodes, problem);
    try {
        ViewBuffer buffer(bytes);
        std::istream in(&buffer);
        YAML::Parser parser(in);
        while (parser.HandleNextDocument(builder)) {
        }
        if (!builder.last_quoted || quotes_close(bytes, *builder.last_quoted)) return std::move(builder.root);
        problem(*builder.last_quoted, "the quotes that open here are not closed");
    } catch (const Refusal& r) {
        problem(r.mark, r.message);
    } catch (const YAML::Exception& e) {
        auto at = e.mark.is_null() ? Mark{file, 1, 1}
                                   : Mark{file, static_cast<std::uint32_t>(e.mark.line + 1), static_cast<std::uint32_t>(e.mark.column + 1)};
        auto message = syntax_message(e, bytes);
        if (const auto tab = indenting_tab(bytes, at)) {
            at = *tab;
            message = "a tab: indent with spaces";
        }
        // The parser says 1:1, or the end of the file, for a bracket that is never closed.
        if (const auto open = builder.open_flow(); open && message.find("flow") != std::string::npos) {
            at = *open;
            message += ": the bracket that opens here is not closed";
        }
        problem(at, message);
    } catch (const std::exception& e) {
        problem({file, 0, 0}, printable(e.what()));
    }
    return {};
}

}  // namespace bkmon::config
