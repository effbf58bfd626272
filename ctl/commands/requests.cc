#include "ctl/commands/requests.h"

namespace bkmon::ctl {

void put(JsonWriter& writer, const Arguments& arguments, std::string_view option, std::string_view name) {
    if (const auto value = arguments.maybe(option)) writer.field(name, *value);
}

void put_list(JsonWriter& writer, const Arguments& arguments, std::string_view option, std::string_view name) {
    if (!arguments.has(option)) return;
    writer.key(name).begin_array();
    for (const std::string& value : arguments.all(option)) writer.value(value);
    writer.end_array();
}

Outcome<std::vector<protocol::Params>> collect(const Session& session, std::string_view method, const std::string& parameters, std::string_view name,
                                               std::size_t limit) {
    std::vector<protocol::Params> all;
    const auto asked = session.pages(method, parameters, [&](const protocol::Params& page) {
        for (protocol::Params& object : page.objects(name)) {
            if (limit == 0 || all.size() < limit) all.push_back(std::move(object));
        }
        return limit == 0 || all.size() < limit;
    });
    if (!asked) return Refusal(asked.error());
    return all;
}

std::string document(std::string_view name, const std::vector<protocol::Params>& objects) {
    JsonWriter writer;
    return writer.begin_object().key(name).raw(array_json(objects)).end_object().take();
}

Cell status_cell(const protocol::Params& object) {
    const std::string status = text_of(object, "status");
    return {status, tone_of(status, text_of(object, "severity"))};
}

}  // namespace bkmon::ctl
