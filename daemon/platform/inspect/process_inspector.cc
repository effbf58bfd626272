#include "daemon/platform/inspect/process_inspector.h"

#include <fmt/format.h>

#include <csignal>
#include <cstring>

#include "common/base/text.h"
#include "daemon/platform/inspect/content_word.h"

namespace bkmon::inspect {
namespace {

constexpr std::size_t kMaxAnswer = 16384;

Findings failed(std::string detail) {
    Findings f;
    f.state = Findings::State::not_inspected;
    f.code = "inspection_failed";
    f.detail = std::move(detail);
    f.format = "unknown";
    return f;
}

Findings findings_of(const loop::ChildResult& r, milliseconds deadline) {
    if (r.timed_out) return failed(fmt::format("the inspection did not end within {}", duration_words(deadline)));
    if (r.output_too_long) return failed("the inspector said more than it may");
    if (r.signal == SIGXCPU) return failed("the inspection used up its time on the processor");
    if (r.signal != 0) return failed(fmt::format("the inspector died of signal {} ({})", r.signal, strsignal(r.signal)));
    if (r.exit_code != 0) return failed(fmt::format("the inspector ended with code {}: {}", r.exit_code, printable(trim(r.err), 300)));
    auto findings = from_json(r.out);
    if (!findings) return failed(findings.error().what);
    return std::move(*findings);
}

class ProcessJob final : public Inspector::Job {
public:
    std::unique_ptr<loop::Child> child;
    std::shared_ptr<int> alive = std::make_shared<int>(0);
};

class ProcessInspector final : public Inspector {
public:
    ProcessInspector(loop::ChildRunner& runner, loop::EventLoop& loop, std::string executable)
        : runner_(runner), loop_(loop), executable_(std::move(executable)) {}

    std::unique_ptr<Job> inspect(Request request, std::function<void(Findings)> done) override {
        loop::ChildSpec spec;
        spec.argv = {executable_,
                     "--name",
                     request.name,
                     "--content",
                     std::string(word_of(request.content)),
                     "--end-mark",
                     request.end_mark ? "yes" : "no",
                     "--size",
                     std::to_string(request.size)};
        if (request.growing) spec.argv.emplace_back("--growing");
        spec.stdin_fd = std::move(request.file);
        spec.max_output = kMaxAnswer;
        spec.deadline = request.deadline;
        auto job = std::make_unique<ProcessJob>();
        auto child =
            runner_.spawn(std::move(spec), [done, deadline = request.deadline](const loop::ChildResult& r) { done(findings_of(r, deadline)); });
        if (child) {
            job->child = std::move(*child);
        } else {
            // Not from inside inspect(), and not to a job that is gone by then.
            Findings f = failed("the inspector cannot be started: " + child.error().what);
            f.not_started = true;
            static_cast<void>(loop_.post([alive = std::weak_ptr<int>(job->alive), done = std::move(done), f = std::move(f)]() mutable {
                if (!alive.expired()) done(std::move(f));
            }));
        }
        return job;
    }

private:
    loop::ChildRunner& runner_;
    loop::EventLoop& loop_;
    const std::string executable_;
};

}  // namespace

std::unique_ptr<Inspector> make_process_inspector(loop::ChildRunner& runner, loop::EventLoop& loop, std::string executable) {
    return std::make_unique<ProcessInspector>(runner, loop, std::move(executable));
}

}  // namespace bkmon::inspect
