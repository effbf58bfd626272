#pragma once
#include "daemon/config/context.h"
#include "daemon/config/yaml_tree.h"

namespace bkmon::config {

/// Puts `from` into `into`: maps merge, lists concatenate, what is empty gives way. Anything else that is there twice is a problem that
/// names both places; the first is kept.
void merge(Context& context, Node& into, Node&& from, const std::string& path = "");

}  // namespace bkmon::config
