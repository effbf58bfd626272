#include "common/protocol/params.h"

#include <nlohmann/json.hpp>

#include "common/base/json_writer.h"
#include "common/base/text.h"

namespace bkmon::protocol {

using nlohmann::json;

/// Parts of one document share its root.
struct Params::Impl {
    std::shared_ptr<const json> root;
    const json* node;
};

namespace {
constexpr std::size_t kMaxDepth = 32;  // nlohmann writes recursively

/// Builds the tree and stops at the first thing that is not allowed.
class StrictBuilder final : public nlohmann::json_sax<json> {
public:
    StrictBuilder(json& root, std::size_t max_values) : root_(root), left_(max_values) {}
    const std::string& problem() const { return problem_; }

    bool null() override { return put(nullptr) != nullptr; }
    bool boolean(bool v) override { return put(v) != nullptr; }
    bool number_integer(number_integer_t v) override { return put(v) != nullptr; }
    bool number_unsigned(number_unsigned_t v) override { return put(v) != nullptr; }
    bool number_float(number_float_t v, const string_t&) override { return put(v) != nullptr; }
    bool string(string_t& v) override { return put(std::move(v)) != nullptr; }
    bool binary(binary_t&) override { return refuse("binary data"); }
    bool start_object(std::size_t) override { return open(json::object()); }
    bool end_object() override { return close(); }
    bool start_array(std::size_t) override { return open(json::array()); }
    bool end_array() override { return close(); }
    bool key(string_t& name) override {
        if (open_.back()->contains(name)) return refuse(json_quote(printable(name, 64)) + " stands twice");
        key_ = std::move(name);
        return true;
    }
    bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
        return refuse("not JSON at byte " + std::to_string(position));
    }

private:
    bool refuse(std::string why) {
        problem_ = std::move(why);
        return false;
    }
    template <class V>
    json* put(V&& value) {
        if (left_ == 0) {
            refuse("too many values");
            return nullptr;
        }
        --left_;
        if (open_.empty()) return &(root_ = std::forward<V>(value));
        if (open_.back()->is_array()) return &open_.back()->emplace_back(std::forward<V>(value));
        return &((*open_.back())[key_] = std::forward<V>(value));
    }
    bool open(json empty) {
        if (open_.size() == kMaxDepth) return refuse("nested more than 32 deep");
        json* const node = put(std::move(empty));
        if (node != nullptr) open_.push_back(node);
        return node != nullptr;
    }
    bool close() {
        open_.pop_back();
        return true;
    }

    json& root_;
    std::size_t left_;
    std::vector<json*> open_;  // a child is finished before its parent grows again: the pointers stay good
    std::string key_, problem_;
};

std::string quoted(std::string_view name) { return "parameter '" + printable(name, 64) + "'"; }

const json* member(const json& object, std::string_view name) {
    const auto it = object.find(std::string(name));
    return it == object.end() || it->is_null() ? nullptr : &*it;
}
}  // namespace

Params::Params() {
    static const auto empty = [] {
        auto root = std::make_shared<const json>(json::object());
        const json* node = root.get();
        return std::make_shared<const Impl>(Impl{std::move(root), node});
    }();
    impl_ = empty;
}

Result<Params> Params::parse(std::string_view text, std::size_t max_values) {
    if (!valid_utf8(text)) return fail(Errc::invalid, "not valid UTF-8");
    auto root = std::make_shared<json>();
    StrictBuilder builder(*root, max_values);
    if (!json::sax_parse(text.begin(), text.end(), &builder)) return fail(Errc::invalid, builder.problem());
    if (!root->is_object()) return fail(Errc::invalid, "not a JSON object");
    Params params;
    const json* node = root.get();
    params.impl_ = std::make_shared<const Impl>(Impl{std::move(root), node});
    return params;
}

Result<std::optional<std::string>> Params::string(std::string_view name) const {
    const json* v = member(*impl_->node, name);
    if (v == nullptr) return std::nullopt;
    if (!v->is_string()) return fail(Errc::invalid, quoted(name) + " is not a text");
    return v->get<std::string>();
}

Result<std::optional<std::int64_t>> Params::integer(std::string_view name) const {
    const json* v = member(*impl_->node, name);
    if (v == nullptr) return std::nullopt;
    const bool fits = v->is_number_integer() && (!v->is_number_unsigned() || v->get<std::uint64_t>() <= static_cast<std::uint64_t>(INT64_MAX));
    if (!fits) return fail(Errc::invalid, quoted(name) + " is not a whole number");
    return v->get<std::int64_t>();
}

Result<std::optional<double>> Params::number(std::string_view name) const {
    const json* v = member(*impl_->node, name);
    if (v == nullptr) return std::nullopt;
    if (!v->is_number()) return fail(Errc::invalid, quoted(name) + " is not a number");
    return v->get<double>();
}

Result<std::optional<bool>> Params::boolean(std::string_view name) const {
    const json* v = member(*impl_->node, name);
    if (v == nullptr) return std::nullopt;
    if (!v->is_boolean()) return fail(Errc::invalid, quoted(name) + " is not true or false");
    return v->get<bool>();
}

Result<std::optional<std::vector<std::string>>> Params::strings(std::string_view name) const {
    const json* v = member(*impl_->node, name);
    if (v == nullptr) return std::nullopt;
    if (!v->is_array()) return fail(Errc::invalid, quoted(name) + " is not a list of texts");
    std::vector<std::string> texts;
    for (const auto& e : *v) {
        if (!e.is_string()) return fail(Errc::invalid, quoted(name) + " is not a list of texts");
        texts.push_back(e.get<std::string>());
    }
    return texts;
}

std::optional<Params> Params::object(std::string_view name) const {
    const json* v = member(*impl_->node, name);
    if (v == nullptr || !v->is_object()) return std::nullopt;
    Params part;
    part.impl_ = std::make_shared<const Impl>(Impl{impl_->root, v});
    return part;
}

std::vector<Params> Params::objects(std::string_view name) const {
    std::vector<Params> parts;
    const json* v = member(*impl_->node, name);
    if (v == nullptr || !v->is_array()) return parts;
    for (const auto& e : *v) {
        if (!e.is_object()) continue;
        Params part;
        part.impl_ = std::make_shared<const Impl>(Impl{impl_->root, &e});
        parts.push_back(std::move(part));
    }
    return parts;
}

std::vector<std::string> Params::names() const {
    std::vector<std::string> names;
    for (const auto& [name, value] : impl_->node->items()) names.push_back(name);
    return names;
}

std::string Params::dump() const { return impl_->node->dump(-1, ' ', false, json::error_handler_t::replace); }

std::string Params::dump(std::string_view name) const {
    const json* v = member(*impl_->node, name);
    return v == nullptr ? "null" : v->dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace bkmon::protocol
