#include "common/protocol/idl.h"

#include <gtest/gtest.h>

#include <set>

#include "common/protocol/interfaces.h"
#include "common/protocol/methods.h"

namespace bkmon::protocol {
namespace {

constexpr std::string_view kSample = R"(# sample
interface io.example.Sample
type Kind (small, large)   # an enumeration
type Item (name: string, size: ?int, kind: Kind, tags: [string]string, parts: []Item, weight: float, inner: (on: bool))
method Get(id: string, deep: ?bool) -> (item: ?Item, extra: object)
method Nothing() -> ()
error Gone (id: string)
)";

TEST(Idl, ReadsTypesMethodsAndErrors) {
    const auto i = parse_interface(kSample);
    ASSERT_TRUE(i) << i.error().what;
    EXPECT_EQ(i->name, "io.example.Sample");
    EXPECT_EQ(i->types.at("Kind").values, (std::vector<std::string>{"small", "large"}));
    EXPECT_EQ(i->types.at("Item").fields.size(), 7U);
    EXPECT_EQ(i->methods.at("Get").in.fields[1].type.kind, Type::Kind::nullable);
    EXPECT_TRUE(i->methods.at("Nothing").out.fields.empty());
    EXPECT_EQ(i->errors.at("Gone").fields[0].name, "id");
}

TEST(Idl, RefusesWithTheLine) {
    const auto refused = [](std::string body) {
        const auto i = parse_interface("interface a.b\n" + std::move(body));
        return i ? std::string("accepted") : i.error().what;
    };
    EXPECT_EQ(refused("\nmethod Get() -> (x: Lost)"), "line 3: type 'Lost' is not declared");
    EXPECT_EQ(refused("type A (x: int)\ntype A (x: int)"), "line 3: 'A' is declared twice");
    EXPECT_EQ(refused("type A (x: int, x: int)"), "line 2: field 'x' is declared twice");
    EXPECT_NE(refused("type a (x: int)"), "accepted");
    EXPECT_NE(refused("method Get() (x: int)"), "accepted");
    EXPECT_NE(refused("method Get() -> (x, y)"), "accepted");
    EXPECT_NE(refused("type A (x: ??int)"), "accepted");
    EXPECT_NE(refused("type A (x: int, y)"), "accepted");
    EXPECT_NE(refused("type A (x, y: int)"), "accepted");
    EXPECT_NE(refused("type A (x: int"), "accepted");
    EXPECT_NE(refused("thing A (x: int)"), "accepted");
    EXPECT_FALSE(parse_interface("interface nodots\n"));
    EXPECT_FALSE(parse_interface(""));
}

struct Case {
    const char* json;
    const char* problem;  // empty: fits
};

TEST(Idl, HoldsAValueAgainstItsType) {
    const auto i = parse_interface(kSample);
    ASSERT_TRUE(i);
    const auto& item = i->types.at("Item");
    const Case cases[] = {
        {R"({"name":"n","size":null,"kind":"small","tags":{"a":"b"},"parts":[],"weight":1,"inner":{"on":true}})", ""},
        {R"({"name":1,"size":null,"kind":"small","tags":{},"parts":[],"weight":1,"inner":{"on":true}})", "name: not a text"},
        {R"({"name":"n","kind":"small","tags":{},"parts":[],"weight":1,"inner":{"on":true}})", "size: missing"},
        {R"({"name":"n","size":1.5,"kind":"small","tags":{},"parts":[],"weight":1,"inner":{"on":true}})", "size: not a whole number"},
        {R"({"name":"n","size":1,"kind":"medium","tags":{},"parts":[],"weight":1,"inner":{"on":true}})", "kind: not one of the values declared"},
        {R"({"name":"n","size":1,"kind":"small","tags":{"a":1},"parts":[],"weight":1,"inner":{"on":true}})", "tags.a: not a text"},
        {R"({"name":"n","size":1,"kind":"small","tags":{},"parts":[{"name":2}],"weight":1,"inner":{"on":true}})", "parts[0].name: not a text"},
        {R"({"name":"n","size":1,"kind":"small","tags":{},"parts":[],"weight":"1","inner":{"on":true}})", "weight: not a number"},
        {R"({"name":"n","size":1,"kind":"small","tags":{},"parts":[],"weight":1,"inner":{"on":0}})", "inner.on: not true or false"},
        {R"({"name":"n","size":1,"kind":"small","tags":{},"parts":[],"weight":1,"inner":{"on":true},"more":1})", "more: not declared"},
        {R"([])", "value: not an object"},
        {R"({)", "value: not JSON"},
    };
    for (const auto& c : cases) {
        const auto r = check(*i, item, c.json, Members::all);
        if (*c.problem == '\0')
            EXPECT_TRUE(r) << r.error().what;
        else
            EXPECT_EQ(r ? "fits" : r.error().what, c.problem) << c.json;
    }
}

TEST(Idl, CallsMayLeaveOutWhatIsNullable) {
    EXPECT_TRUE(check_call("io.bkmon.Targets.Status", "{}"));
    EXPECT_TRUE(check_call("io.bkmon.Targets.Pause", R"({"target":"a/b","reason":"r"})"));
    EXPECT_FALSE(check_call("io.bkmon.Targets.Pause", R"({"target":"a/b"})"));
    EXPECT_FALSE(check_call("io.bkmon.Targets.Status", R"({"typo":1})"));
    EXPECT_FALSE(check_reply("io.bkmon.Targets.Status", "{}"));
    EXPECT_TRUE(check_reply("io.bkmon.Runs.Cancel", "{}"));
    EXPECT_TRUE(check_error("io.bkmon.Busy", R"({"message":"m"})"));
    EXPECT_FALSE(check_error("io.bkmon.Busy", "{}"));
    EXPECT_EQ(check_reply("io.bkmon.Targets.Nothing", "{}").error().code, Errc::not_found);
    EXPECT_EQ(check_reply("nodots", "{}").error().code, Errc::not_found);
}

TEST(Interfaces, EachBuiltInTextParsesUnderItsOwnName) {
    ASSERT_FALSE(interfaces().empty());
    std::string last;
    for (const auto& text : interfaces()) {
        const auto i = parse_interface(text.text);
        ASSERT_TRUE(i) << text.name << ": " << i.error().what;
        EXPECT_EQ(i->name, text.name);
        EXPECT_LT(last, text.name);
        last = text.name;
        EXPECT_EQ(find_interface(text.name)->text, text.text);
    }
    EXPECT_EQ(find_interface("io.bkmon.Nothing"), nullptr);
}

TEST(Methods, TheTableAndTheInterfacesNameTheSameMethods) {
    std::set<std::string> declared, listed;
    for (const auto& text : interfaces()) {
        const auto parsed = parse_interface(text.text);
        for (const auto& [name, method] : parsed->methods)
            if (text.name != "org.varlink.service") declared.insert(std::string(text.name) + "." + name);
    }
    for (const auto& spec : kMethods) listed.insert(std::string(spec.name));
    EXPECT_EQ(declared, listed);
}

TEST(Methods, EachHasARoleAndACommandOfItsOwn) {
    std::set<std::string_view> commands;
    for (const auto& spec : kMethods) {
        EXPECT_NE(spec.role, Role::none) << spec.name;
        EXPECT_FALSE(spec.command.empty()) << spec.name;
        EXPECT_TRUE(commands.insert(spec.command).second) << spec.command;
        EXPECT_EQ(find_method(spec.name), &spec);
    }
    EXPECT_EQ(find_method("io.bkmon.Targets.Nothing"), nullptr);
    EXPECT_EQ(find_method(""), nullptr);
    EXPECT_EQ(MethodSpec{}.role, Role::admin);
}

TEST(Methods, RolesHaveNames) {
    for (const auto role : {Role::none, Role::viewer, Role::oper, Role::admin}) EXPECT_EQ(role_of(name_of(role)), role);
    EXPECT_EQ(name_of(Role::oper), "operator");
    EXPECT_EQ(role_of("root"), std::nullopt);
}

TEST(Methods, ParameterNamesComeFromTheInterfaces) {
    EXPECT_EQ(parameter_names("io.bkmon.Targets.Pause"), (std::vector<std::string>{"target", "until", "reason"}));
    EXPECT_TRUE(parameter_names("io.bkmon.Nothing.Here").empty());
}

}  // namespace
}  // namespace bkmon::protocol
