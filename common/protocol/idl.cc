#include "common/protocol/idl.h"

#include <algorithm>
#include <cctype>
#include <set>

#include "common/protocol/interfaces.h"

namespace bkmon::protocol {

namespace {

bool is_letter(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; }
bool is_alnum(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }

/// Recursive descent over the whole text. The first problem ends it: every step returns false from then on.
class Reader {
public:
    explicit Reader(std::string_view text) : text_(text) {}

    Result<Interface> read() {
        if (!(word("interface") && interface_name(out_.name))) return problem();
        while (!at_end())
            if (!member()) return problem();
        for (const auto& [name, line] : used_)
            if (out_.types.find(name) == out_.types.end())
                return fail(Errc::invalid, "line " + std::to_string(line) + ": type '" + name + "' is not declared");
        return std::move(out_);
    }

private:
    Failure problem() const { return fail(Errc::invalid, "line " + std::to_string(line_) + ": " + problem_); }
    bool refuse(std::string why) {
        if (problem_.empty()) problem_ = std::move(why);
        return false;
    }
    void skip() {
        while (at_ < text_.size()) {
            const char c = text_[at_];
            if (c == '#') {
                while (at_ < text_.size() && text_[at_] != '\n') ++at_;
            } else if (c == '\n' || c == ' ' || c == '\t' || c == '\r') {
                line_ += c == '\n' ? 1 : 0;
                ++at_;
            } else {
                return;
            }
        }
    }
    bool at_end() {
        skip();
        return at_ == text_.size();
    }
    bool is_next(std::string_view token) {
        skip();
        return text_.substr(at_, token.size()) == token;
    }
    bool take(std::string_view token) {
        if (!is_next(token)) return false;
        at_ += token.size();
        return true;
    }
    bool expect(std::string_view token) { return take(token) || refuse("expected '" + std::string(token) + "'"); }

    bool identifier(std::string& name) {
        skip();
        const auto begin = at_;
        while (at_ < text_.size() && (is_alnum(text_[at_]) || text_[at_] == '_')) ++at_;
        name = text_.substr(begin, at_ - begin);
        return !name.empty() || refuse("expected a name");
    }
    bool word(std::string_view expected) {
        std::string name;
        return identifier(name) && (name == expected || refuse("expected '" + std::string(expected) + "'"));
    }
    bool interface_name(std::string& name) {
        skip();
        const auto begin = at_;
        while (at_ < text_.size() && (is_alnum(text_[at_]) || text_[at_] == '.' || text_[at_] == '-')) ++at_;
        name = text_.substr(begin, at_ - begin);
        const bool good = !name.empty() && is_letter(name.front()) && name.find('.') != std::string::npos && name.back() != '.' &&
                          name.find("..") == std::string::npos;
        return good || refuse("not an interface name");
    }
    bool member_name(std::string& name) {
        return identifier(name) && ((name[0] >= 'A' && name[0] <= 'Z') || refuse("a member's name begins with a capital letter"));
    }
    bool field_name(std::string& name) { return identifier(name) && (is_letter(name[0]) || refuse("a field's name begins with a letter")); }

    bool member() {
        std::string what, name;
        if (!identifier(what) || !member_name(name)) return false;
        if (!seen_.insert(name).second) return refuse("'" + name + "' is declared twice");
        if (what == "type") return structure_or_enum(out_.types[name]);
        if (what == "error") return structure(out_.errors[name]);
        if (what != "method") return refuse("expected type, method or error");
        auto& method = out_.methods[name];
        return structure(method.in) && expect("->") && structure(method.out);
    }

    bool structure(Type& type) {
        return is_next("(") ? structure_or_enum(type) && (type.kind == Type::Kind::structure || refuse("expected fields with types")) : expect("(");
    }

    bool structure_or_enum(Type& type) {
        if (!expect("(")) return false;
        type.kind = Type::Kind::structure;
        if (take(")")) return true;
        do {
            std::string name;
            if (!field_name(name)) return false;
            if (take(":")) {
                if (type.kind == Type::Kind::enumeration) return refuse("an enumeration has no types");
                if (std::any_of(type.fields.begin(), type.fields.end(), [&](const Field& f) { return f.name == name; }))
                    return refuse("field '" + name + "' is declared twice");
                Field field{name, {}};
                if (!any_type(field.type, 0)) return false;
                type.fields.push_back(std::move(field));
            } else {
                if (!type.fields.empty()) return refuse("expected ':' after '" + name + "'");
                type.kind = Type::Kind::enumeration;
                type.values.push_back(std::move(name));
            }
        } while (take(","));
        return expect(")");
    }

    bool any_type(Type& type, int depth) {
        if (depth > 16) return refuse("nested too deeply");
        if (take("?")) {
            if (is_next("?")) return refuse("one '?' is enough");
            return wrap(type, Type::Kind::nullable, depth);
        }
        if (take("[string]")) return wrap(type, Type::Kind::map, depth);
        if (take("[]")) return wrap(type, Type::Kind::array, depth);
        if (is_next("(")) return structure_or_enum(type);
        return plain_type(type);
    }

    bool wrap(Type& type, Type::Kind kind, int depth) {
        type.kind = kind;
        Type element;
        if (!any_type(element, depth + 1)) return false;
        type.element = std::make_shared<const Type>(std::move(element));
        return true;
    }

    bool plain_type(Type& type) {
        if (!identifier(type.name)) return false;
        static const std::map<std::string_view, Type::Kind> kPlain{{"bool", Type::Kind::boolean},
                                                                   {"int", Type::Kind::integer},
                                                                   {"float", Type::Kind::real},
                                                                   {"string", Type::Kind::text},
                                                                   {"object", Type::Kind::object}};
        const auto it = kPlain.find(type.name);
        type.kind = it == kPlain.end() ? Type::Kind::named : it->second;
        if (type.kind == Type::Kind::named) used_.emplace(type.name, line_);
        return true;
    }

    std::string_view text_;
    std::size_t at_ = 0;
    int line_ = 1;
    std::string problem_;
    Interface out_;
    std::set<std::string> seen_;
    std::map<std::string, int> used_;
};

struct Catalog {
    std::map<std::string, Interface, std::less<>> interfaces;
    std::map<std::string, std::vector<std::string>, std::less<>> parameters;  ///< by full method name
};

/// The built-in texts. One that does not parse is left out; the tests parse each of them.
const Catalog& catalog() {
    static const Catalog all = [] {
        Catalog c;
        for (const auto& i : interfaces()) {
            auto parsed = parse_interface(i.text);
            if (!parsed) continue;
            for (const auto& [name, method] : parsed->methods) {
                auto& names = c.parameters[std::string(i.name) + "." + name];
                for (const auto& field : method.in.fields) names.push_back(field.name);
            }
            c.interfaces.emplace(i.name, std::move(*parsed));
        }
        return c;
    }();
    return all;
}

struct Place {
    const Interface* interface = nullptr;
    std::string_view member;
};

Result<Place> locate(std::string_view full_name) {
    const auto dot = full_name.rfind('.');
    const auto& all = catalog().interfaces;
    const auto it = dot == std::string_view::npos ? all.end() : all.find(full_name.substr(0, dot));
    if (it == all.end()) return fail(Errc::not_found, "no interface declares " + std::string(full_name));
    return Place{&it->second, full_name.substr(dot + 1)};
}

Result<void> check_method(std::string_view name, std::string_view json, bool in) {
    const auto place = locate(name);
    if (!place) return fail(place.error());
    const auto method = place->interface->methods.find(place->member);
    if (method == place->interface->methods.end()) return fail(Errc::not_found, "no interface declares " + std::string(name));
    return check(*place->interface, in ? method->second.in : method->second.out, json, in ? Members::nullable_may_miss : Members::all);
}

}  // namespace

Result<Interface> parse_interface(std::string_view text) { return Reader(text).read(); }

Result<void> check_call(std::string_view method, std::string_view parameters) { return check_method(method, parameters, true); }
Result<void> check_reply(std::string_view method, std::string_view parameters) { return check_method(method, parameters, false); }

Result<void> check_error(std::string_view error, std::string_view parameters) {
    const auto place = locate(error);
    if (!place) return fail(place.error());
    const auto declared = place->interface->errors.find(place->member);
    if (declared == place->interface->errors.end()) return fail(Errc::not_found, "no interface declares the error " + std::string(error));
    return check(*place->interface, declared->second, parameters, Members::all);
}

const std::vector<std::string>& parameter_names(std::string_view method) {
    static const std::vector<std::string> none;
    const auto it = catalog().parameters.find(method);
    return it == catalog().parameters.end() ? none : it->second;
}

}  // namespace bkmon::protocol
