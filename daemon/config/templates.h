#pragma once
#include <string>

#include "daemon/config/config.h"
#include "daemon/config/context.h"

namespace bkmon::config {

/// Reads the folder of templates (<name>.subject, <name>.txt, <name>.html) into `into.texts`; hidden files and those that end with '~' are
/// passed over. Problems with a file name it, with line and column where `check` says them; what is wrong with the folder stands at `at`.
void read_templates(Context& context, const Mark& at, const TemplateCheck& check, core::MailSettings& into);

}  // namespace bkmon::config
