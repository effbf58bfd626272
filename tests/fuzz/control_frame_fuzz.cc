// What a client may send: bytes in pieces of any size, cut into frames, read as calls, dispatched for a caller of any role. No crash, nothing
// kept beyond the limit, no answer twice or never, and whatever is answered is a whole reply. Input: a byte that picks the role, one that picks
// the size of the pieces, then the stream.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "common/base/text.h"
#include "common/protocol/codec.h"
#include "common/protocol/idl.h"
#include "daemon/control/dispatcher.h"

namespace {

using namespace bkmon;

constexpr std::size_t kLimit = 4096;

void require(bool holds) {
    if (!holds) std::abort();
}

void require_reply(std::string_view frame) {
    require(frame.size() > 1 && frame.back() == '\0');
    require(valid_utf8(frame) && frame.find('\0') == frame.size() - 1);
    require(protocol::parse_reply(frame.substr(0, frame.size() - 1)).has_value());
}

class OneCall final : public control::Call {
public:
    OneCall(control::Caller caller, protocol::CallFrame frame, int& answers)
        : caller_(std::move(caller)), frame_(std::move(frame)), answers_(answers) {}
    const control::Caller& caller() const override { return caller_; }
    const protocol::Params& params() const override { return frame_.parameters; }
    bool more() const override { return frame_.more; }
    void reply(std::string json) override {
        require_reply(protocol::reply_frame(json));
        ++answers_;
    }
    void stream(std::string json, bool) override { require_reply(protocol::reply_frame(json, true)); }
    bool ready() const override { return true; }
    void on_drain(std::function<void()>) override {}
    void on_hangup(std::function<void()>) override {}
    void error(std::string name, std::string json) override {
        require_reply(protocol::error_frame(name, json));
        require(protocol::check_error(name, json).has_value());
        require(caller_.role != protocol::Role::none || name == "io.bkmon.NotAllowed");
        ++answers_;
    }

private:
    control::Caller caller_;
    protocol::CallFrame frame_;
    int& answers_;
};

/// Asks for every member as every type, and gives it all back.
void echo(const std::shared_ptr<control::Call>& call) {
    const auto& p = call->params();
    for (const auto& name : p.names()) {
        const bool any = p.string(name).has_value() || p.integer(name).has_value() || p.number(name).has_value() || p.boolean(name).has_value() ||
                         p.strings(name).has_value() || p.object(name).has_value();
        require(any || !p.dump(name).empty());
        for (const auto& part : p.objects(name)) require(!part.dump().empty());
    }
    const auto again = protocol::Params::parse(p.dump());
    require(again.has_value() && again->dump() == p.dump());
    require(call->caller().role >= protocol::Role::viewer);
    call->reply(p.dump());
}

control::Dispatcher& dispatcher() {
    static control::Dispatcher& d = []() -> control::Dispatcher& {
        static control::Dispatcher made;
        for (const auto& spec : protocol::kMethods) made.bind(spec.name, echo);
        return made;
    }();
    return d;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    control::Caller caller;
    caller.role = static_cast<protocol::Role>(data[0] % 4);
    if ((data[0] & 0x80U) != 0) caller.targets = {"deposit/*"};
    const std::size_t piece = std::size_t{data[1]} + 1;
    std::string_view stream(reinterpret_cast<const char*>(data) + 2, size - 2);
    protocol::FrameBuffer buffer(kLimit);
    while (!stream.empty()) {
        if (!buffer.append(stream.substr(0, piece))) return 0;
        stream.remove_prefix(std::min(piece, stream.size()));
        while (const auto frame = buffer.next()) {
            require(frame->size() <= kLimit && frame->find('\0') == std::string::npos);
            auto call = protocol::parse_call(*frame);
            if (!call) {
                require(call.error().code == Errc::invalid && !call.error().what.empty());
                continue;
            }
            int answers = 0;
            const auto method = call->method;
            dispatcher().dispatch(method, std::make_shared<OneCall>(caller, std::move(*call), answers));
            require(answers == 1);
        }
        require(buffer.size() <= kLimit && !buffer.has_frame());
    }
    return 0;
}
