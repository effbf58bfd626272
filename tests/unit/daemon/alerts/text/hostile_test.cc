#include "hostile.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>
#include <utility>

#include "common/base/text.h"

namespace bkmon::alerts {
namespace {

/// What of a page is markup: all between < and >.
std::string markup(const std::string& html) {
    std::string out;
    for (auto at = html.find('<'); at != std::string::npos; at = html.find('<', at + 1)) out += html.substr(at, html.find('>', at) + 1 - at);
    return out;
}

/// Lines that begin where headings, lines of lists and commands do, between what happened and who says it.
std::size_t beginnings(const std::string& text) {
    std::size_t n = 0;
    const auto from = text.find("\n\n");
    for (const auto& line : split(text.substr(from, text.find("\n-- \n") - from), '\n')) {
        const auto indent = line.find_first_not_of(' ');
        n += indent == 0 || indent == 2 || indent == 4;
    }
    return n;
}

void expect_harmless(const Composed& mail, const Composed& plain, const std::string& value) {
    const auto shown = printable(value, 80);
    EXPECT_EQ(markup(mail.html), markup(plain.html)) << shown;
    EXPECT_EQ(beginnings(mail.text), beginnings(plain.text)) << shown << '\n' << mail.text;
    EXPECT_EQ(mail.subject.find('\n'), std::string::npos) << shown;
    EXPECT_LE(mail.subject.size(), 600U) << shown;
    for (const auto* part : {&mail.subject, &mail.text, &mail.html}) {
        EXPECT_TRUE(valid_utf8(*part)) << shown;
        const auto odd = [](char c) { return c != '\n' && (static_cast<unsigned char>(c) < 0x20 || c == 0x7F); };
        EXPECT_EQ(std::find_if(part->begin(), part->end(), odd), part->end()) << shown;  // a check for each byte would take a sanitizer minutes
        for (const auto* turns : {"\xE2\x80\xAE", "\xE2\x81\xA6", "\xE2\x80\xA8", "\xEF\xBB\xBF", "\xC2\x9B"})
            EXPECT_EQ(part->find(turns), std::string::npos) << shown;
    }
    EXPECT_LT(mail.html.size(), 200000U) << shown;
}

/// As long as the value, for what is left out where it is too long.
std::string plain_one(const std::string& value) { return value.size() > 200 ? std::string(value.size(), 'a') : "a"; }

/// What `make` composes of the plain one; most values have the same.
template <class Make>
class Plain {
public:
    explicit Plain(Make make) : make_(std::move(make)) {}
    const Composed& of(const std::string& value) {
        const auto plain = plain_one(value);
        const auto it = known_.find(plain);
        return it != known_.end() ? it->second : known_.emplace(plain, make_(plain)).first->second;
    }

private:
    Make make_;
    std::map<std::string, Composed> known_;
};

TEST(HostileValues, BecomeNoSyntaxOfAnAlert) {
    const char* folder = std::getenv("BKMON_MAIL_HOSTILE");
    int n = 0;
    Plain story([](const std::string& value) { return compose(story_of(value)).value(); });
    Plain group([](const std::string& value) { return compose(group_of(value)).value(); });
    for (const auto& value : hostile_values()) {
        const auto mail = compose(story_of(value)).value();
        expect_harmless(mail, story.of(value), value);
        expect_harmless(compose(group_of(value)).value(), group.of(value), value);
        if (folder == nullptr) continue;
        const auto name = std::string(folder) + "/" + std::to_string(n++);
        std::ofstream(name + ".value") << printable(value, 2000);
        std::ofstream(name + ".html") << mail.html;
        std::ofstream(name + ".plain") << story.of(value).html;
    }
}

TEST(HostileValues, BecomeNoSyntaxOfADigest) {
    Plain digest([](const std::string& value) { return compose_digest(digest_of(value)).value(); });
    for (const auto& value : hostile_values()) expect_harmless(compose_digest(digest_of(value)).value(), digest.of(value), value);
}

TEST(HostileValues, AreShownAsTheyAre) {
    const auto mail = compose(story_of("<b>{{footer}}</b>")).value();
    EXPECT_NE(mail.text.find("<b>{{footer}}</b>"), std::string::npos);
    EXPECT_NE(mail.html.find("&lt;b&gt;{{footer}}&lt;/b&gt;"), std::string::npos);
    // A sentence of a verdict has its escapes already; a file's name has not.
    const auto escaped = compose(story_of("CORP\\svc \\x1b")).value();
    EXPECT_NE(escaped.text.find(" CORP\\\\svc"), std::string::npos);
    EXPECT_NE(escaped.text.find("\n CORP\\svc \\x1b\n"), std::string::npos);
}

TEST(HostileValues, AreNoCommands) {
    for (const auto& value : hostile_values()) {
        const auto mail = compose(story_of(value)).value();
        // A hash that is none ends in no command, and a target's name is one word that no shell takes apart.
        EXPECT_EQ(mail.text.find("--sha256"), std::string::npos) << printable(value, 80);
        const auto at = mail.text.find("\n    bkmonctl explain ");
        if (at == std::string::npos) continue;
        const auto word = mail.text.substr(at + 22, mail.text.find('\n', at + 1) - at - 22);
        EXPECT_EQ(word.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-%"), std::string::npos) << word;
    }
}

}  // namespace
}  // namespace bkmon::alerts
