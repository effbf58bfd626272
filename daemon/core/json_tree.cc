#include "daemon/core/json_tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "common/base/json_writer.h"
#include "common/base/text.h"
#include "common/base/utf8.h"

namespace bkmon::core {
namespace {

using Json = nlohmann::json;
using Kind = JsonNode::Kind;

std::string place(std::string_view bytes, std::size_t offset) {
    const auto before = bytes.substr(0, std::min(offset, bytes.size()));
    const auto line = std::count(before.begin(), before.end(), '\n') + 1;
    const auto start = before.rfind('\n');
    const auto column = before.size() - (start == std::string_view::npos ? 0 : start + 1) + 1;
    return fmt::format("line {}, column {}", line, column);
}

/// Builds the tree; the first thing it does not like ends the parse. Containers that are still open are owned by `open_`, so that a
/// vector that grows moves no node that somebody points to.
class Builder final : public nlohmann::json_sax<Json> {
public:
    Builder(std::string_view bytes, const JsonLimits& limits) : bytes_(bytes), limits_(limits) {}

    std::string problem;
    JsonNode root;

    bool null() override { return put({}); }
    bool boolean(bool value) override {
        JsonNode n;
        n.kind = Kind::boolean;
        n.flag = value;
        return put(std::move(n));
    }
    bool number_integer(number_integer_t value) override { return number(std::to_string(value)); }
    bool number_unsigned(number_unsigned_t value) override { return number(std::to_string(value)); }
    bool number_float(number_float_t, const string_t& written) override { return number(written); }
    bool string(string_t& value) override {
        JsonNode n;
        n.kind = Kind::text;
        n.text = std::move(value);
        return put(std::move(n));
    }
    bool binary(binary_t&) override { return refuse("binary data"); }
    bool start_object(std::size_t) override { return begin(Kind::object); }
    bool start_array(std::size_t) override { return begin(Kind::array); }
    bool end_object() override { return end(); }
    bool end_array() override { return end(); }
    bool key(string_t& name) override {
        auto& top = open_.back();
        if (!top.seen.insert(name).second) return refuse(fmt::format("the key '{}' occurs twice", printable(name, 100)));
        top.node.keys.push_back(name);
        return true;
    }
    bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception& e) override {
        std::string_view what = e.what();
        if (const auto bracket = what.find("] "); bracket != std::string_view::npos) what.remove_prefix(bracket + 2);
        problem = what.starts_with("parse error at") ? printable(what, 300) : place(bytes_, position) + ": " + printable(what, 300);
        return false;
    }

private:
    struct Open {
        JsonNode node;
        std::unordered_set<std::string> seen;
    };

    bool number(std::string written) {
        JsonNode n;
        n.kind = Kind::number;
        n.text = std::move(written);
        return put(std::move(n));
    }
    bool count() { return ++nodes_ <= limits_.nodes || refuse(fmt::format("more than {} values", limits_.nodes)); }
    bool begin(Kind kind) {
        if (!count()) return false;
        if (open_.size() >= limits_.depth) return refuse(fmt::format("nested deeper than {}", limits_.depth));
        open_.emplace_back();
        open_.back().node.kind = kind;
        return true;
    }
    bool end() {
        auto done = std::move(open_.back().node);
        open_.pop_back();
        attach(std::move(done));
        return true;
    }
    bool put(JsonNode n) {
        if (!count()) return false;
        attach(std::move(n));
        return true;
    }
    void attach(JsonNode n) {
        if (open_.empty())
            root = std::move(n);
        else
            open_.back().node.items.push_back(std::move(n));
    }
    bool refuse(std::string_view what) {
        std::string path;
        for (const auto& o : open_)
            if (o.node.kind == Kind::array)
                path += fmt::format("[{}]", o.node.items.size());
            else if (o.node.keys.size() > o.node.items.size())  // the last key's value is what is being read
                path += (path.empty() ? "" : ".") + printable(o.node.keys.back(), 100);
        problem = path.empty() ? std::string(what) : path + ": " + std::string(what);
        return false;
    }

    std::string_view bytes_;
    JsonLimits limits_;
    std::vector<Open> open_;
    std::size_t nodes_ = 0;
};

/// The offset of the first byte that no UTF-8 text can have there; the length when all is well.
std::size_t first_bad_byte(std::string_view bytes) {
    std::size_t at = 0;
    while (at < bytes.size()) {
        const auto length = first_utf8(bytes.substr(at)).length;
        if (length == 0) break;
        at += length;
    }
    return at;
}

void write(JsonWriter& w, const JsonNode& n) {
    switch (n.kind) {
        case Kind::null: w.null(); break;
        case Kind::boolean: w.value(n.flag); break;
        case Kind::number: w.raw(n.text); break;
        case Kind::text: w.value(n.text); break;
        case Kind::array:
            w.begin_array();
            for (const auto& item : n.items) write(w, item);
            w.end_array();
            break;
        case Kind::object:
            w.begin_object();
            for (std::size_t i = 0; i < n.items.size(); ++i) write(w.key(n.keys[i]), n.items[i]);
            w.end_object();
            break;
    }
}

}  // namespace

const JsonNode* JsonNode::find(std::string_view key) const {
    if (kind != Kind::object) return nullptr;
    const auto at = std::find(keys.begin(), keys.end(), key);
    return at == keys.end() ? nullptr : &items[static_cast<std::size_t>(at - keys.begin())];
}

Result<JsonNode> parse_json(std::string_view bytes, const JsonLimits& limits) {
    if (bytes.size() > limits.bytes) return fail(Errc::invalid, fmt::format("{} bytes, more than the {} that are read", bytes.size(), limits.bytes));
    if (bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);
    if (bytes.find_first_not_of(" \t\r\n") == std::string_view::npos) return fail(Errc::invalid, "it is empty");
    // The parser takes a NUL for the end of its input and would not see what follows.
    if (const auto nul = bytes.find('\0'); nul != std::string_view::npos)
        return fail(Errc::invalid, place(bytes, nul) + ": a NUL byte (is it UTF-16? write it as UTF-8)");
    if (const auto bad = first_bad_byte(bytes); bad < bytes.size()) return fail(Errc::invalid, place(bytes, bad) + ": bytes that are no UTF-8");
    try {
        Builder builder(bytes, limits);
        if (Json::sax_parse(bytes.begin(), bytes.end(), &builder, Json::input_format_t::json, true)) return std::move(builder.root);
        return fail(Errc::invalid, std::move(builder.problem));
    } catch (const std::exception& e) {
        return fail(Errc::invalid, printable(e.what()));
    }
}

std::string json_text(const JsonNode& node) {
    JsonWriter w;
    write(w, node);
    return w.take();
}

}  // namespace bkmon::core
