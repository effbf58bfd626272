#include "tests/unit/daemon/alerts/fixture.h"

namespace bkmon::alerts {

namespace {

std::string decoded_quoted_printable(const std::string& in, bool words) {
    std::string out;
    for (std::size_t i = 0; i < in.size(); ++i) {
        if (in[i] == '=' && i + 2 < in.size()) {
            if (in[i + 1] == '\r')
                i += 2;
            else
                out += static_cast<char>(std::stoi(in.substr(i + 1, 2), nullptr, 16)), i += 2;
        } else if (in[i] == '_' && words) {
            out += ' ';
        } else if (in[i] != '\r') {
            out += in[i];
        }
    }
    return out;
}

std::string header(const std::string& bytes, const std::string& name) {
    const auto head = "\r\n" + bytes.substr(0, bytes.find("\r\n\r\n") + 2);
    const auto at = head.find("\r\n" + name + ": ");
    if (at == std::string::npos) return "";
    std::string value;
    for (auto i = at + name.size() + 4; i < head.size(); ++i) {
        if (head[i] != '\r') {
            value += head[i];
            continue;
        }
        if (head[i + 2] != ' ') break;
        i += 1;
    }
    return value;
}

}  // namespace

TargetId id_of(const std::string& text) { return *TargetId::parse(text); }

Got read_mail(const net::Envelope& envelope) {
    Got got;
    got.to = envelope.to;
    got.id = header(envelope.bytes, "Message-ID");
    got.subject = header(envelope.bytes, "Subject");
    got.answers = header(envelope.bytes, "In-Reply-To");
    const auto part = envelope.bytes.find("Content-Type: text/plain");
    const auto begin = envelope.bytes.find("\r\n\r\n", part);
    const auto end = envelope.bytes.find("\r\n--bkmon-", begin);
    if (part != std::string::npos && begin != std::string::npos && end != std::string::npos)
        got.text = decoded_quoted_printable(envelope.bytes.substr(begin + 4, end - begin - 4), false);
    return got;
}

AlertsTest::AlertsTest() {
    options.mail.configured = true;
    options.mail.server = "smtp://mail.example.org:587";
    options.mail.from = "bkmon@example.org";
    options.mail.to = {"ops@example.org"};
    options.mail.digest = "0 8 * * *";
    options.site = "HQ";
    options.version = "1.0";
    options.timezone = "UTC";
    options.host = "here.example.org";
    options.complete = [] { return true; };
    loop.advance(9h);  // of the day: the digest is due at 8
}

void AlertsTest::define(std::initializer_list<const char*> ids) {
    std::vector<Wanted> all;
    for (const auto* one : ids) all.push_back({one, {}, {}});
    define(std::move(all));
}

void AlertsTest::define(std::vector<Wanted> targets) {
    wanted_ = std::move(targets);
    if (registry) define_now();
}

void AlertsTest::define_now() {
    std::map<std::string, std::vector<targets::TargetSpec>> by_kind;
    by_kind["deposit"];
    auto all = wanted_;
    all.push_back({"bkmon/mail", {}, {}});
    all.push_back({"bkmon/history", {}, {}});
    for (const auto& one : all) {
        targets::TargetSpec spec;
        spec.id = id_of(one.id);
        spec.labels = one.labels;
        if (!one.recipients.empty()) spec.recipients = std::make_shared<const std::vector<std::string>>(one.recipients);
        spec.initial = spec.id.kind() == "bkmon" ? core::plain_verdict(Status::ok, "working", "It works.", now())
                                                 : core::plain_verdict(Status::unknown, "first_due", "The first one is due.", now());
        if (spec.id.kind() != "bkmon") spec.initial.severity = Severity::ok;
        by_kind[spec.id.kind()].push_back(std::move(spec));
    }
    for (auto& [kind, specs] : by_kind) registry->define(kind, std::move(specs), [](Result<void>) {});
    loop.run_posted();
}

void AlertsTest::start() {
    registry = std::make_unique<targets::Registry>(loop, store);
    scheduler = std::make_unique<runs::Scheduler>(loop, store);
    registry->load([](Result<void>) {});
    scheduler->load([](Result<void>) {});
    loop.run_posted();
    define_now();
    part = std::make_unique<Part>(Part::Rooms{loop, lane, store, *registry, *scheduler, mail, journal}, options);
    part->start();
    loop.run_posted();
}

void AlertsTest::stop() {
    part.reset();
    scheduler.reset();
    registry.reset();
    loop.run_posted();
}

void AlertsTest::reconfigure() {
    part->reconfigure(options);
    loop.run_posted();
}

bool AlertsTest::publish(const std::string& target, Status status, std::optional<Severity> severity, const std::string& code) {
    targets::Registry::Publication p;
    p.target = id_of(target);
    p.verdict = core::plain_verdict(status, !code.empty() ? code : core::is_good(status) ? "promoted" : "stage_failed", "because of the test", now());
    if (severity) p.verdict.severity = *severity;
    p.verdict.due = now();
    p.verdict.sha256 = std::string(64, status == Status::ok ? 'a' : 'b');
    auto stored = std::make_shared<bool>(false);
    registry->publish(std::move(p), [stored](Result<void> r) { *stored = r.has_value(); });
    loop.run_posted();
    return *stored;
}

void AlertsTest::pause(const std::string& target, std::optional<Time> until) {
    registry->pause({id_of(target), "alice", "moving", now(), until}, [](Result<void> r) { EXPECT_TRUE(r); });
    loop.run_posted();
}

void AlertsTest::resume(const std::string& target) {
    registry->resume(id_of(target), "alice", [](Result<void> r) { EXPECT_TRUE(r); });
    loop.run_posted();
}

std::vector<Got> AlertsTest::take() {
    std::vector<Got> all;
    for (; taken_ < mail.attempts.size(); ++taken_) {
        const auto& a = mail.attempts[taken_];
        if (a.sent.kind != Kind::accepted) continue;
        all.push_back(read_mail(a.envelope));
        all.back().at = a.at;
    }
    return all;
}

std::vector<std::string> AlertsTest::subjects() {
    std::vector<std::string> all;
    for (const auto& got : take()) all.push_back(got.subject);
    return all;
}

std::vector<core::Incident> AlertsTest::incidents(bool open_only) {
    history::IncidentQuery q;
    q.open_only = open_only;
    q.limit = 1000000;
    return *tables.tables().incidents(q);
}

core::Incident AlertsTest::incident(const std::string& target) {
    auto row = *tables.tables().last_incident(id_of(target));
    EXPECT_TRUE(row) << "no incident of " << target;
    return row.value_or(core::Incident{});
}

std::vector<MailRow> AlertsTest::rows(const std::string& state) { return *tables.tables().mails({state, 0, 1000000}); }

std::size_t AlertsTest::notices() { return tables.tables().notices(true, 1000000)->size() + tables.tables().notices(false, 1000000)->size(); }

core::AlertRule& AlertsTest::rule(Mode mode) {
    core::AlertRule r;
    r.mail = mode;
    r.origin = "bkmon.yaml:" + std::to_string(options.alerts.rules.size() + 1) + ":1";
    options.alerts.rules.push_back(r);
    return options.alerts.rules.back();
}

}  // namespace bkmon::alerts
