#include <array>
#include <utility>

#include "daemon/platform/smb/worker_process.h"

namespace bkmon::smb {
namespace {

/// A home that is not there: the library would read its settings from it. Nothing else, and nothing of ours.
constexpr std::array<const char*, 3> kEnvironment{"HOME=/nonexistent", "PATH=/nonexistent", "LC_ALL=C.UTF-8"};
constexpr std::size_t kMostOutput = 1 << 20;  // it has nothing to say there

class Spawner final : public WorkerSource {
public:
    Spawner(loop::ChildRunner& runner, std::string executable) : runner_(runner), executable_(std::move(executable)) {}
    Result<std::unique_ptr<loop::Child>> start(UniqueFd socket, std::function<void(loop::ChildResult)> ended) override {
        return runner_.spawn(worker_process(executable_, std::move(socket)), std::move(ended));
    }

private:
    loop::ChildRunner& runner_;
    std::string executable_;
};

}  // namespace

loop::ChildSpec worker_process(const std::string& executable, UniqueFd socket) {
    loop::ChildSpec spec;
    spec.argv = {executable};
    spec.env.assign(kEnvironment.begin(), kEnvironment.end());
    spec.stdin_fd = std::move(socket);
    spec.max_output = kMostOutput;
    spec.deadline = std::nullopt;  // each order has its own
    spec.last_err = true;
    return spec;
}

std::unique_ptr<WorkerSource> make_spawner(loop::ChildRunner& runner, std::string executable) {
    return std::make_unique<Spawner>(runner, std::move(executable));
}

}  // namespace bkmon::smb
