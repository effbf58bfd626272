#include "daemon/deposits/vault/vault.h"

#include "common/base/text.h"
#include "daemon/deposits/vault/consume.h"
#include "daemon/deposits/vault/impl.h"

namespace bkmon::deposits {
namespace {

class TakeJob final : public Vault::Job {
public:
    TakeJob(std::shared_ptr<Taking> taking, std::function<void()> cancel) : taking_(std::move(taking)), cancel_(std::move(cancel)) {}
    ~TakeJob() override {
        if (taking_->done) cancel_();  // else it ended: the copy belongs to whoever was told
    }

private:
    std::shared_ptr<Taking> taking_;
    std::function<void()> cancel_;
};

class VerifyJob final : public Vault::Job {
public:
    explicit VerifyJob(std::shared_ptr<Verifying> verifying) : verifying_(std::move(verifying)) {}
    ~VerifyJob() override {
        if (verifying_->done) verifying_->cancelled = true;
    }

private:
    std::shared_ptr<Verifying> verifying_;
};

}  // namespace

Vault::Vault(loop::EventLoop& loop, loop::Lane& lane, files::FileOps& files, history::Store& store, targets::Registry& registry,
             inspect::Inspector& inspector, journal::Journal& journal, Options options, std::function<void(VaultState)> on_state)
    : impl_(std::make_shared<Impl>(loop, lane, files, store, registry, inspector, journal, std::move(options), std::move(on_state))) {}

Vault::~Vault() = default;

void Vault::open(std::function<void()> done) { impl_->open(std::move(done)); }
const VaultState& Vault::state() const { return impl_->state; }
void Vault::init(std::function<void(Result<std::string>)> done) { impl_->init(std::move(done)); }

std::unique_ptr<Vault::Job> Vault::take(TakeRequest request, std::function<void(std::uint64_t, std::uint64_t)> progress,
                                        std::function<void(Taken)> done) {
    auto taking = std::make_shared<Taking>();
    taking->request = std::move(request);
    taking->progress = std::move(progress);
    taking->done = std::move(done);
    // Not from inside this call: the caller does not have its Job yet.
    impl_->loop.post(Task([weak = std::weak_ptr<Impl>(impl_), taking] {
        if (auto impl = weak.lock()) impl->take(taking);
    }));
    return std::make_unique<TakeJob>(taking, [weak = std::weak_ptr<Impl>(impl_), taking] {
        taking->cancelled = true;
        taking->done = nullptr;
        taking->progress = nullptr;
        if (auto impl = weak.lock()) impl->cancelled(taking);
    });
}

void Vault::promote(PromotePlan plan, std::function<void(Result<std::string>)> done) { impl_->promote(std::move(plan), std::move(done)); }
void Vault::hold(HoldPlan plan, std::function<void(Result<void>)> done) { impl_->hold(std::move(plan), std::move(done)); }
void Vault::discard(Taken taken, std::function<void()> done) { impl_->drop_copy(taken.tx, std::move(done)); }

void Vault::release(const TargetId& target, const std::string& sha256, targets::Registry::Publication publication, history::HealthyRow healthy,
                    int keep, milliseconds keep_replaced, std::function<void(Result<std::string>)> done) {
    auto m = std::make_shared<Move>();
    m->row.target = target;
    m->row.temp_name = std::string(disk::kHeld) + "/";
    m->publication = std::move(publication);
    m->record.healthy = std::move(healthy);
    m->record.keep = keep;
    m->record.keep_replaced = keep_replaced;
    m->done = std::move(done);
    impl_->release(m, sha256);
}

void Vault::reject(const TargetId& target, const std::string& sha256, targets::Registry::Publication publication,
                   std::function<void(Result<void>)> done) {
    impl_->reject(target, sha256, std::move(publication), std::move(done));
}

void Vault::set_keep_rules(std::map<std::string, KeepRule> rules) { impl_->keep_rules = std::move(rules); }
void Vault::tidy(std::function<void()> done) { impl_->tidy(std::move(done)); }

std::unique_ptr<Vault::Job> Vault::verify(VerifyRequest request) {
    auto v = std::make_shared<Verifying>();
    v->file = std::move(request.file);
    v->lane = &request.lane;
    v->bytes_per_second = request.bytes_per_second;
    v->word = std::move(request.word);
    v->progress = std::move(request.progress);
    v->done = std::move(request.done);
    // Not from inside this call: the caller does not have its Job yet.
    impl_->loop.post(Task([weak = std::weak_ptr<Impl>(impl_), v] {
        if (auto impl = weak.lock()) impl->verify(v);
    }));
    return std::make_unique<VerifyJob>(std::move(v));
}

void Vault::consume(const std::string& agent, const std::string& folder, const std::string& file, const FileIdentity& id,
                    std::function<void(Result<void>)> done) {
    impl_->on_lane([&f = impl_->files, root = impl_->options.deposit_root, agent, folder, file,
                    id](std::stop_token) { return disk::consume(f, root, agent, folder, file, id); },
                   std::move(done));
}

void Vault::finish_consumed(const std::string& agent, const std::string& folder) {
    impl_->on_lane(
        [&f = impl_->files, root = impl_->options.deposit_root, agent, folder](std::stop_token) {
            disk::finish_consumed(f, root, agent, folder);
            return true;
        },
        [](bool) {});
}

Result<std::string> expand_path(const std::string& path_template, const PathFields& fields) {
    auto read = core::PathTemplate::parse(path_template);
    if (!read) return fail(std::move(read.error()));
    return read->expand(fields);
}

}  // namespace bkmon::deposits
