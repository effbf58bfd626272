#include "daemon/control/introspection.h"

#include "common/base/json_writer.h"
#include "common/protocol/interfaces.h"

namespace bkmon::control {

namespace {
constexpr std::string_view kService = "org.varlink.service.";

void error(Call& call, std::string_view name, std::string_view member, std::string_view value) {
    call.error(std::string(kService) + std::string(name), JsonWriter().begin_object().field(member, value).end_object().take());
}

void info(Call& call, const std::string& version) {
    JsonWriter w;
    w.begin_object().field("vendor", "bkmon").field("product", "bkmond").field("version", version).field("url", "").key("interfaces").begin_array();
    for (const auto& i : protocol::interfaces()) w.value(i.name);
    call.reply(w.end_array().end_object().take());
}

void description(Call& call) {
    const auto name = call.params().string("interface");
    if (!name || !*name) return error(call, "InvalidParameter", "parameter", "interface");
    const auto* found = protocol::find_interface(**name);
    if (found == nullptr) return error(call, "InterfaceNotFound", "interface", **name);
    call.reply(JsonWriter().begin_object().field("description", found->text).end_object().take());
}
}  // namespace

bool is_introspection(std::string_view method) { return method.substr(0, kService.size()) == kService; }

void introspect(std::string_view method, Call& call, const std::string& version) {
    const auto name = method.substr(kService.size());
    if (name == "GetInfo") return info(call, version);
    if (name == "GetInterfaceDescription") return description(call);
    error(call, "MethodNotFound", "method", method);
}

void answer_unknown(std::string_view method, Call& call) {
    const auto interface = method.substr(0, method.rfind('.'));
    if (method.find('.') == std::string_view::npos || protocol::find_interface(interface) == nullptr)
        return error(call, "InterfaceNotFound", "interface", interface);
    error(call, "MethodNotFound", "method", method);
}

}  // namespace bkmon::control
