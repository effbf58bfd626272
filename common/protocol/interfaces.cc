#include "common/protocol/interfaces.h"

#include <algorithm>

namespace bkmon::protocol {

const InterfaceText* find_interface(std::string_view name) {
    const auto all = interfaces();
    const auto it = std::find_if(all.begin(), all.end(), [&](const InterfaceText& i) { return i.name == name; });
    return it == all.end() ? nullptr : &*it;
}

}  // namespace bkmon::protocol
