#include "common/base/json_writer.h"
#include "daemon/control/parts.h"
#include "daemon/control/rows_json.h"

namespace bkmon::control {

void bind_schedule(Dispatcher& dispatcher, ControlParts& parts) {
    dispatcher.bind("io.bkmon.Schedule.List", [&parts](const std::shared_ptr<Call>& call) {
        JsonWriter w;
        w.begin_object().key("schedules").begin_array();
        for (const auto& entry : parts.scheduler.list()) {
            if (!call->caller().may_touch(entry.id)) continue;  // entries of targets carry their ids
            w.begin_object().field("id", entry.id).field("what", entry.what).field("expression", entry.expression).field("timezone", entry.timezone);
            w.field("next_at", entry.next_at).field("last_at", entry.last_at);
            put_text(w, "last_result", entry.last_result).end_object();
        }
        call->reply(w.end_array().end_object().take());
    });
}

}  // namespace bkmon::control
