#pragma once
#include <string>
#include <string_view>

#include "daemon/control/dispatcher.h"

namespace bkmon::control {

/// org.varlink.service, https://varlink.org/Service.
bool is_introspection(std::string_view method);
void introspect(std::string_view method, Call& call, const std::string& version);
/// MethodNotFound or InterfaceNotFound.
void answer_unknown(std::string_view method, Call& call);

}  // namespace bkmon::control
