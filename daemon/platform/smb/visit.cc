#include "daemon/platform/smb/visit.h"

#include "common/base/json_writer.h"
#include "common/base/utf8.h"
#include "daemon/platform/smb/visit_words.h"

namespace bkmon::smb {
namespace {

void write(JsonWriter& w, std::string_view key, const std::optional<FoundFile>& file) {
    w.key(key);
    if (!file) {
        w.null();
        return;
    }
    w.begin_object().field("name", utf8_cut(file->name, kMaxFileName)).field("size", file->size);
    w.field("modified", to_ms(file->modified)).end_object();
}

}  // namespace

std::string_view word(Outcome outcome) {
    const auto i = static_cast<std::size_t>(outcome);
    return i < kOutcomeWords.size() ? kOutcomeWords[i] : "internal";
}

std::string_view word(Visit::Content content) {
    const auto i = static_cast<std::size_t>(content);
    return i < kContentWords.size() ? kContentWords[i] : "not_asked";
}

std::string to_json(const Visit& visit) {
    JsonWriter w(visit.reading ? 4096 : 1024);
    w.begin_object().field("outcome", word(visit.outcome)).field("detail", utf8_cut(visit.detail, kMaxDetail));
    w.field("share", utf8_cut(visit.share, kMaxShare));
    write(w, "newest", visit.newest);
    write(w, "future", visit.future);
    write(w, "largest_too_small", visit.largest_too_small);
    w.field("files", visit.files).field("matching", visit.matching).field("too_small", visit.too_small).field("in_future", visit.in_future);
    w.field("content", word(visit.content)).field("content_detail", utf8_cut(visit.content_detail, kMaxDetail));
    // As a text: what is in it is its own room's business, and the document around it stays flat.
    w.key("reading");
    if (visit.reading)
        w.value(mtf::encode(*visit.reading));
    else
        w.null();
    w.field("bytes_read", visit.bytes_read).field("logins", visit.logins).field("took", std::int64_t{visit.took.count()}).end_object();
    return w.take();
}

std::string to_json(const Order& order) {
    JsonWriter w;
    const auto texts = [&w](std::string_view key, const std::vector<std::string>& list) {
        w.key(key).begin_array();
        for (const auto& text : list) w.value(text);
        w.end_array();
    };
    w.begin_object().field("address", order.address).field("port", unsigned{order.port});
    texts("shares", order.shares);
    w.field("folder", order.folder);
    texts("patterns", order.patterns);
    w.field("min_size", order.min_size).field("latest", to_ms(order.latest)).key("until");
    if (order.until)
        w.value(to_ms(*order.until));
    else
        w.null();
    w.field("look_inside", order.look_inside).field("signing", order.signing);
    w.field("request_timeout", std::int64_t{order.request_timeout.count()}).field("max_entries", order.max_entries);
    w.key("credential").begin_object().field("user", order.credential.user).field("domain", order.credential.domain);
    w.field("password", order.credential.password).end_object().end_object();
    return w.take();
}

}  // namespace bkmon::smb
