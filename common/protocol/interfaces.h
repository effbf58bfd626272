#pragma once
#include <span>
#include <string_view>

namespace bkmon::protocol {

struct InterfaceText {
    std::string_view name;  ///< "io.bkmon.Targets"
    std::string_view text;  ///< the .varlink file as it is
};

/// All *.varlink files of this folder, sorted by name; put in at build time.
std::span<const InterfaceText> interfaces();
/// nullptr when there is none of that name.
const InterfaceText* find_interface(std::string_view name);

}  // namespace bkmon::protocol
