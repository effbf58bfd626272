// Interfaces and what is held against them: any text as an interface definition, any JSON as a value of each of its types and as the parameters
// of each method built in. Input: a definition up to a NUL, then the JSON.
#include "common/protocol/idl.h"
#include "common/protocol/methods.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace bkmon;

void hold(const protocol::Interface& interface, const protocol::Type& type, std::string_view json) {
    for (const auto members : {protocol::Members::all, protocol::Members::nullable_may_miss})
        if (const auto fits = protocol::check(interface, type, json, members); !fits)
            MUST(fits.error().code == Errc::invalid && !fits.error().what.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    const auto interface = protocol::parse_interface(input.part());
    const auto json = input.rest();
    for (const auto& spec : protocol::kMethods) {
        const auto call = protocol::check_call(spec.name, json);
        const auto reply = protocol::check_reply(spec.name, json);
        if (!call) MUST(call.error().code == Errc::invalid);
        if (!reply) MUST(reply.error().code == Errc::invalid);
    }
    if (!interface) {
        MUST(interface.error().code == Errc::invalid && interface.error().what.starts_with("line "));
        return 0;
    }
    MUST(!interface->name.empty());
    for (const auto& [name, type] : interface->types) hold(*interface, type, json);
    for (const auto& [name, type] : interface->errors) hold(*interface, type, json);
    for (const auto& [name, method] : interface->methods) {
        hold(*interface, method.in, json);
        hold(*interface, method.out, json);
    }
    return 0;
}
