#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace bkmon::alerts {

/// What a template is for: each knows other names.
enum class TemplateKind : std::uint8_t { alert, digest };
enum class TemplatePart : std::uint8_t { subject, text, html };

/// Templates in mustache; what is empty is the built-in one.
struct Templates {
    std::string subject, text, html;
};

/// Pure. Errc::invalid with line and column for a template that cannot be read, that names a variable that there is not or not at that place,
/// that asks for another file or for other braces, or that would let text from outside become HTML ({{{name}}} or {{&name}}).
Result<void> check_template(const std::string& text, TemplateKind kind = TemplateKind::alert, TemplatePart part = TemplatePart::html);

/// One name that a template may use. `inside`: the list in which it is there, empty for everywhere.
struct TemplateName {
    std::string_view inside, name;
};
const std::vector<TemplateName>& template_names(TemplateKind kind);

/// The templates that are used when there are no others. They pass check_template.
std::string built_in(TemplateKind kind, TemplatePart part);

}  // namespace bkmon::alerts
