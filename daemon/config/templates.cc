#include "daemon/config/templates.h"

#include <dirent.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>

#include "common/base/c_ptr.h"
#include "common/base/text.h"
#include "daemon/config/sources.h"
#include "daemon/core/path_template.h"

namespace bkmon::config {
namespace {

constexpr std::size_t kMaxTemplate = std::size_t{256} << 10, kMaxSubject = 4096, kMaxFiles = 300, kMaxName = 64;

struct Part {
    std::string_view ending;
    std::string core::MailTemplate::*text;
};
constexpr std::array<Part, 3> kParts{
    {{"subject", &core::MailTemplate::subject}, {"txt", &core::MailTemplate::text}, {"html", &core::MailTemplate::html}}};

Result<std::vector<std::string>> names_in(const std::string& folder) {
    const CPtr<DIR, &::closedir> dir(::opendir(folder.c_str()));
    if (!dir) return sys_fail("cannot be read", errno);
    std::vector<std::string> names;
    while (const auto* entry = ::readdir(dir.get())) {
        const std::string name = entry->d_name;
        if (!name.starts_with('.') && !name.ends_with('~')) names.push_back(name);
        if (names.size() > kMaxFiles) return fail(Errc::invalid, fmt::format("holds more than {} files", kMaxFiles));
    }
    std::sort(names.begin(), names.end());
    return names;
}

/// "12:5: what" apart. Without a place it is the file as a whole.
std::string take_place(std::string text, Mark& mark) {
    const auto* at = text.data();
    const auto* const end = at + text.size();
    std::uint32_t line = 0, column = 0;
    const auto first = std::from_chars(at, end, line);
    if (first.ec != std::errc() || first.ptr == end || *first.ptr != ':') return text;
    const auto second = std::from_chars(first.ptr + 1, end, column);
    if (second.ec != std::errc() || end - second.ptr < 2 || second.ptr[0] != ':' || second.ptr[1] != ' ') return text;
    mark.line = line;
    mark.column = column;
    return {second.ptr + 2, end};
}

/// What is wrong with the bytes; empty: nothing.
std::string unfit(std::string_view ending, const std::string& text) {
    if (trim(text).empty()) return "is empty: remove it, and the built-in text is used";
    if (!valid_utf8(text) || text.find('\0') != std::string::npos) return "holds bytes that are no UTF-8";
    if (ending != "subject") return {};
    if (text.size() > kMaxSubject) return fmt::format("a subject is no longer than {} bytes", kMaxSubject);
    return trim(text).find('\n') == std::string::npos ? "" : "a subject is one line";
}

/// So that a reload sees that a text changed (FNV-1a).
std::string fingerprint(std::string_view text) {
    std::uint64_t hash = 0xcbf29ce484222325U;
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    return fmt::format("{} bytes, {:016x}", text.size(), hash);
}

void read_one(Context& context, const std::string& folder, const std::string& file, const TemplateCheck& check, core::MailSettings& into) {
    const auto path = folder + "/" + file;
    Mark mark{context.add_file(printable(path, 4096)), 0, 0};
    const auto dot = file.rfind('.');
    const auto name = file.substr(0, dot), ending = dot == std::string::npos ? std::string() : file.substr(dot + 1);
    const auto part = std::find_if(kParts.begin(), kParts.end(), [&](const Part& p) { return p.ending == ending; });
    if (part == kParts.end() || !core::acceptable_component(name) || name.size() > kMaxName)
        return context.problem(mark, "is no template: those are <name>.subject, <name>.txt and <name>.html");
    auto text = read_plain_file(path, kMaxTemplate);
    if (!text) return context.problem(mark, text.error().what);
    if (auto why = unfit(ending, *text); !why.empty()) return context.problem(mark, std::move(why));
    if (const auto checked = check(name, ending, *text); !checked) {
        auto what = take_place(checked.error().what, mark);
        return context.problem(mark, std::move(what));
    }
    context.effective(fmt::format("mail.templates.{}", file), fingerprint(*text), &mark);
    into.texts[name].*part->text = std::move(*text);
}

}  // namespace

void read_templates(Context& context, const Mark& at, const TemplateCheck& check, core::MailSettings& into) {
    const auto names = names_in(into.templates);
    if (!names) return context.problem(at, fmt::format("templates: '{}' {}", printable(into.templates, 300), names.error().what));
    for (const auto& name : *names) read_one(context, into.templates, name, check, into);
}

}  // namespace bkmon::config
