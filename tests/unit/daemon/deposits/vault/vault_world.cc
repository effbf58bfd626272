#include "tests/unit/daemon/deposits/vault/vault_world.h"

namespace bkmon::test {

using namespace deposits;

std::unique_ptr<inspect::Inspector::Job> CannedInspector::inspect(inspect::Request request, std::function<void(inspect::Findings)> done) {
    struct Answer final : Job {
        explicit Answer(int& n) : ended(n) {}
        ~Answer() override { ++ended; }
        std::shared_ptr<char> alive = std::make_shared<char>();
        int& ended;
        std::function<void(inspect::Findings)> silenced;  ///< a real one holds on to it as well
    };
    ++asked;
    last = std::move(request);
    auto job = std::make_unique<Answer>(ended);
    if (silent)
        job->silenced = std::move(done);
    else
        loop_.post(Task([weak = std::weak_ptr<char>(job->alive), done = std::move(done), answer = findings] {
            if (!weak.expired()) done(answer);
        }));
    return job;
}

VaultWorld::VaultWorld(files::FileOps& o, history::Store& s, ManualLoop& l, std::string deposit_root, std::string vault_root)
    : ops(o), store(s), loop(l), registry(l, s), inspector(l) {
    options.deposit_root = std::move(deposit_root);
    options.root = std::move(vault_root);
    options.held_max_bytes = 1 << 20;
    registry.load([](Result<void>) {});
    loop.run_posted();
    targets::TargetSpec spec;
    spec.id = target;
    registry.define("deposit", {spec}, [](Result<void>) {});
    loop.run_posted();
}

void VaultWorld::open() {
    loop::Lane& chosen = by_step ? static_cast<loop::Lane&>(steps) : lane;
    vault = std::make_unique<Vault>(loop, chosen, ops, store, registry, inspector, journal, options,
                                    [this](VaultState state) { told = std::move(state); });
    done = false;
    vault->open([this] { done = true; });
    loop.run_posted();
}

FileIdentity VaultWorld::identity(const std::string& file) const {
    auto root = ops.open_root(options.deposit_root);
    if (!root) return {};
    auto st = ops.stat_at(root->get(), agent + "/" + folder + "/" + file);
    return st ? FileIdentity{st->dev, st->ino, st->size, st->mtime_ns, st->ctime_ns} : FileIdentity{};
}

TakeRequest VaultWorld::request(const std::string& file, const std::string& bytes) {
    TakeRequest r;
    r.target = target;
    r.agent = agent;
    r.folder = folder;
    r.file = file;
    r.expected = identity(file);
    r.claimed_size = bytes.size();
    r.claimed_sha256 = files::Sha256::of(bytes);
    r.report_file = "STATUS.json";
    r.report_sha256 = files::Sha256::of("report of " + bytes);
    r.max_size = 1 << 30;
    return r;
}

Taken VaultWorld::take(TakeRequest r) {
    auto out = std::make_shared<Taken>();
    done = false;
    auto job = vault->take(std::move(r), {}, [this, out](Taken t) {
        *out = std::move(t);
        done = true;
    });
    loop.run_posted();
    return *out;
}

targets::Registry::Publication VaultWorld::publication(core::Status status, const std::string& sha256) const {
    targets::Registry::Publication p;
    p.target = target;
    p.verdict.status = status;
    p.verdict.severity = core::severity_of(status);
    p.verdict.reason_code = status == core::Status::held ? "size_band" : "promoted";
    p.verdict.reason = "as the test says";
    p.verdict.at = loop.clock().now();
    p.verdict.sha256 = sha256;
    return p;
}

Result<std::string> VaultWorld::promote(Taken taken, const std::string& path) {
    auto out = std::make_shared<Result<std::string>>(fail(Errc::cancelled, "never called back"));
    PromotePlan plan;
    plan.publication = publication(core::Status::ok, taken.sha256);
    plan.healthy.target = target;
    plan.healthy.sha256 = taken.sha256;
    plan.healthy.size_bytes = taken.size;
    plan.healthy.backup_at = loop.clock().now();
    plan.taken = std::move(taken);
    plan.final_path = path;
    plan.keep = keep;
    plan.keep_replaced = keep_replaced;
    done = false;
    vault->promote(std::move(plan), [this, out](Result<std::string> result) {
        *out = std::move(result);
        done = true;
    });
    loop.run_posted();
    return *out;
}

Result<std::string> VaultWorld::promote(const std::string& file, const std::string& bytes, const std::string& path) {
    auto taken = take(request(file, bytes));
    if (taken.outcome != Taken::Outcome::copied) return fail(Errc::invalid, "not copied: " + taken.reason_code + " " + taken.detail);
    return promote(std::move(taken), path);
}

Result<void> VaultWorld::hold(Taken taken, const std::string& final_path) {
    auto out = std::make_shared<Result<void>>(fail(Errc::cancelled, "never called back"));
    HoldPlan plan;
    plan.publication = publication(core::Status::held, taken.sha256);
    plan.held.target = target;
    plan.held.final_path = final_path;
    plan.held.reason_code = "size_band";
    plan.held.reason = "small";
    plan.taken = std::move(taken);
    done = false;
    vault->hold(std::move(plan), [this, out](Result<void> result) {
        *out = std::move(result);
        done = true;
    });
    loop.run_posted();
    return *out;
}

Result<std::string> VaultWorld::release(const std::string& sha256) {
    auto out = std::make_shared<Result<std::string>>(fail(Errc::cancelled, "never called back"));
    history::HealthyRow healthy;
    healthy.target = target;
    healthy.sha256 = sha256;
    done = false;
    vault->release(target, sha256, publication(core::Status::ok, sha256), healthy, keep, keep_replaced, [this, out](Result<std::string> result) {
        *out = std::move(result);
        done = true;
    });
    loop.run_posted();
    return *out;
}

Result<void> VaultWorld::reject(const std::string& sha256) {
    auto out = std::make_shared<Result<void>>(fail(Errc::cancelled, "never called back"));
    done = false;
    vault->reject(target, sha256, publication(core::Status::failed, sha256), [this, out](Result<void> result) {
        *out = std::move(result);
        done = true;
    });
    loop.run_posted();
    return *out;
}

void VaultWorld::tidy() {
    done = false;
    vault->tidy([this] { done = true; });
    loop.run_posted();
}

}  // namespace bkmon::test
