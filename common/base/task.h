#pragma once
#include <memory>
#include <type_traits>
#include <utility>

namespace bkmon {

/// A move-only `void()`: unlike std::function it may own files and promises.
class Task {
public:
    Task() = default;
    template <class F, class = std::enable_if_t<!std::is_same_v<std::decay_t<F>, Task>>>
    Task(F&& f) : body_(std::make_unique<Body<std::decay_t<F>>>(std::forward<F>(f))) {}  // NOLINT: meant to convert

    explicit operator bool() const { return body_ != nullptr; }
    void operator()() { body_->run(); }

private:
    struct Any {
        virtual ~Any() = default;
        virtual void run() = 0;
    };
    template <class F>
    struct Body final : Any {
        template <class G>
        explicit Body(G&& g) : f(std::forward<G>(g)) {}
        void run() override { f(); }
        F f;
    };
    std::unique_ptr<Any> body_;
};

}  // namespace bkmon
