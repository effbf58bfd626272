// The configuration with what only the whole daemon knows: credentials, and what templates of mails may say.
#include <fmt/format.h>

#include "daemon/alerts/text/templates.h"
#include "daemon/app/app.h"
#include "daemon/platform/service/credential.h"

namespace bkmon::app {
namespace {

constexpr std::string_view kExtra = "bkmon.extra";  ///< as systemd's own sysusers.extra, tmpfiles.extra

/// `digest` is the daily mail's, every other name an alert's.
Result<void> check_template(const std::string& name, const std::string& part, const std::string& text) {
    using alerts::TemplateKind;
    using alerts::TemplatePart;
    const auto what = part == "subject" ? TemplatePart::subject : part == "html" ? TemplatePart::html : TemplatePart::text;
    return alerts::check_template(text, name == "digest" ? TemplateKind::digest : TemplateKind::alert, what);
}

}  // namespace

config::Loaded read_configuration(const std::string& file) {
    return config::load(file, config::Extra{fmt::format("credential {}", kExtra), service::read_credential(kExtra)}, &check_template);
}

}  // namespace bkmon::app
