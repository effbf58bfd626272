#include "common/protocol/codec.h"

#include "common/base/json_writer.h"

namespace bkmon::protocol {

namespace {
constexpr std::size_t kMaxCallValues = 20000;  // a megabyte of "[0,0,0…" must not cost the loop half a million nodes

void put_parameters(std::string& frame, std::string_view parameters) {
    frame += "\"parameters\":";
    frame += parameters.empty() ? std::string_view("{}") : parameters;
}
}  // namespace

Result<void> FrameBuffer::append(std::string_view bytes) {
    const auto first = bytes.find('\0');
    const auto head = tail_ + (first == std::string_view::npos ? bytes.size() : first);
    if (head > limit_) return fail(Errc::invalid, "a call is longer than " + std::to_string(limit_) + " bytes");
    if (first != std::string_view::npos) {
        const auto last = bytes.rfind('\0');
        for (auto at = first; at != last;) {
            const auto end = bytes.find('\0', at + 1);
            if (end - at - 1 > limit_) return fail(Errc::invalid, "a call is longer than " + std::to_string(limit_) + " bytes");
            at = end;
        }
        tail_ = bytes.size() - last - 1;
        if (tail_ > limit_) return fail(Errc::invalid, "a call is longer than " + std::to_string(limit_) + " bytes");
    } else {
        tail_ = head;
    }
    data_.append(bytes);
    return {};
}

std::optional<std::string> FrameBuffer::next() {
    if (!has_frame()) return std::nullopt;
    const auto end = data_.find('\0', start_);
    std::string frame = data_.substr(start_, end - start_);
    start_ = end + 1;
    if (start_ == data_.size() || start_ > (std::size_t{64} << 10)) {
        data_.erase(0, start_);
        start_ = 0;
        if (data_.empty()) data_.shrink_to_fit();  // an idle connection keeps no megabyte
    }
    return frame;
}

Result<CallFrame> parse_call(std::string_view frame) {
    auto object = Params::parse(frame, kMaxCallValues);
    if (!object) return fail(std::move(object.error()));
    for (const auto& name : object->names())
        if (name != "method" && name != "parameters" && name != "more" && name != "oneway" && name != "upgrade")
            return fail(Errc::invalid, "a call has no member " + json_quote(name));
    CallFrame call;
    const auto method = object->string("method");
    if (!method || !*method || (*method)->empty() || (*method)->size() > 255) return fail(Errc::invalid, "a call needs a method");
    call.method = **method;
    if (auto parameters = object->object("parameters"))
        call.parameters = std::move(*parameters);
    else if (object->dump("parameters") != "null")
        return fail(Errc::invalid, "parameters are not an object");
    for (const auto& [name, flag] : {std::pair{"more", &call.more}, std::pair{"oneway", &call.oneway}, std::pair{"upgrade", &call.upgrade}}) {
        const auto value = object->boolean(name);
        if (!value) return fail(value.error());
        *flag = value->value_or(false);
    }
    return call;
}

Result<ReplyFrame> parse_reply(std::string_view frame) {
    auto object = Params::parse(frame);
    if (!object) return fail(Errc::corrupt, "not a reply: " + object.error().what);
    ReplyFrame reply;
    if (auto parameters = object->object("parameters")) reply.parameters = std::move(*parameters);
    const auto continues = object->boolean("continues");
    const auto error = object->string("error");
    if (!continues || !error) return fail(Errc::corrupt, "not a reply: " + (continues ? error.error().what : continues.error().what));
    reply.continues = continues->value_or(false);
    reply.error = error->value_or("");
    return reply;
}

std::string call_frame(std::string_view method, std::string_view parameters, bool more, bool oneway) {
    std::string frame = "{\"method\":" + json_quote(method) + ",";
    put_parameters(frame, parameters);
    if (more) frame += ",\"more\":true";
    if (oneway) frame += ",\"oneway\":true";
    frame += "}";
    frame.push_back('\0');
    return frame;
}

std::string reply_frame(std::string_view parameters, bool continues) {
    std::string frame;
    frame.reserve(parameters.size() + 40);
    frame += "{";
    put_parameters(frame, parameters);
    if (continues) frame += ",\"continues\":true";
    frame += "}";
    frame.push_back('\0');
    return frame;
}

std::string error_frame(std::string_view error, std::string_view parameters) {
    std::string frame = "{\"error\":" + json_quote(error) + ",";
    put_parameters(frame, parameters);
    frame += "}";
    frame.push_back('\0');
    return frame;
}

}  // namespace bkmon::protocol
