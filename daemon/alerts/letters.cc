#include "daemon/alerts/letters.h"

#include <algorithm>

#include "common/base/html.h"
#include "common/base/still_printable.h"
#include "common/base/text.h"
#include "daemon/alerts/part_impl.h"

namespace bkmon::alerts {

namespace {

Language language(const core::MailSettings& mail) { return language_of(mail.language).value_or(Language::en); }

Templates templates(const core::MailSettings& mail, const std::string& name) {
    const auto at = mail.texts.find(name);
    return at == mail.texts.end() ? Templates{} : Templates{at->second.subject, at->second.text, at->second.html};
}

/// What follows the '@' of our own address: a Message-ID needs a domain that is ours.
std::string domain_of(const std::string& address) { return address.substr(std::min(address.size(), address.rfind('@') + 1)); }

}  // namespace

Story Letters::story(Time now) const {
    Story s;
    s.language = language(mail);
    s.site = site;
    s.timezone = timezone;
    s.version = version;
    s.now = now;
    return s;
}

Result<Composed> Letters::composed(const Story& story, const std::string& text) const {
    auto own = compose(story, templates(mail, text.empty() ? "default" : text));
    return own ? std::move(own) : compose(story);
}

Result<history::MailRow> Letters::row(const char* kind, const Composed& composed, Time now, const std::string& recipient,
                                      const std::vector<std::string>& parts, const std::vector<std::string>& threads) const {
    const auto from = parse_address(mail.from), to = parse_address(recipient);
    history::MailRow row;
    row.kind = kind;
    row.message_id = message_id(parts, from ? domain_of(from->address) : site);
    row.recipient = recipient;
    row.subject = still_printable(composed.subject, 400);
    row.state = "waiting";
    row.created_at = row.next_at = now;
    row.give_up_at = now + give_up;
    if (!from || !to) {
        row.state = "failed";
        row.ended_at = now;
        row.last_error = printable((!from ? from : to).error().what);
        return row;
    }
    Message m;
    m.from = *from;
    m.to = *to;
    m.subject = composed.subject;
    m.date = now;
    m.message_id = row.message_id;
    m.references = threads;
    m.text = composed.text;
    m.html = composed.html;
    row.bytes = wire(m);
    return row;
}

Result<history::MailRow> Letters::alert(const Story& story, const std::string& recipient, const std::string& text,
                                        const std::vector<std::string>& parts, const std::vector<std::string>& threads) const {
    auto written = composed(story, text);
    if (!written) return fail(std::move(written.error()));
    return row("alert", *written, story.now, recipient, parts, threads);
}

Result<history::MailRow> Letters::digest(const DigestStory& story, const std::string& recipient, const std::vector<std::string>& parts) const {
    auto composed = compose_digest(story, templates(mail, "digest"));
    if (!composed) composed = compose_digest(story);
    if (!composed) return fail(std::move(composed.error()));
    return row("digest", *composed, story.now, recipient, parts, {});
}

Result<history::MailRow> Letters::test(Time now, const std::string& by, const std::string& recipient, const std::vector<std::string>& parts) const {
    TestStory story;
    story.language = language(mail);
    story.site = site;
    story.timezone = timezone;
    story.version = version;
    story.now = now;
    story.by = by;
    auto composed = compose_test(story);
    if (!composed) return fail(std::move(composed.error()));
    return row("test", *composed, now, recipient, parts, {});
}

std::function<std::string(const history::MailRow&)> short_mail(const Letters& letters) {
    return [letters](const history::MailRow& row) {
        const auto from = parse_address(letters.mail.from), to = parse_address(row.recipient);
        if (!from || !to) return row.bytes;
        Message m;
        m.from = *from;
        m.to = *to;
        m.subject = row.subject;
        m.date = row.created_at;
        m.message_id = row.message_id;
        m.text = row.subject + "\n\n    bkmonctl status --problems\n    bkmonctl alerts outbox\n";
        m.html = "<!DOCTYPE html><html><body><p>" + html_escaped(row.subject) +
                 "</p><pre>bkmonctl status --problems\nbkmonctl alerts outbox</pre></body></html>\n";
        return wire(m);
    };
}

}  // namespace bkmon::alerts
