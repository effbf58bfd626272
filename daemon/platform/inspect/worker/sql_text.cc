#include "daemon/platform/inspect/worker/sql_text.h"

#include <fmt/format.h>

#include <array>
#include <cstring>
#include <set>

#include "common/base/text.h"

namespace bkmon::inspect {
namespace {

using core::Content;

constexpr std::size_t kHead = 1 << 14;
constexpr std::size_t kSniff = 1 << 12;
constexpr std::size_t kCarry = 512;  // what is kept so that a needle or a line over the border of two chunks is seen

bool has(std::string_view text, std::string_view needle) { return memmem(text.data(), text.size(), needle.data(), needle.size()) != nullptr; }

/// `needle` at the start of a line.
bool line_starts(std::string_view text, std::string_view needle) {
    return text.starts_with(needle) || has(text, std::string("\n") + std::string(needle));
}

/// What follows `label` up to the end of its line; empty when it is not there.
std::string_view rest_of_line(std::string_view text, std::string_view label) {
    const auto at = text.find(label);
    if (at == std::string_view::npos) return {};
    text.remove_prefix(at + label.size());
    return text.substr(0, text.find_first_of("\r\n"));
}

std::string_view strip(std::string_view s) {
    const auto first = s.find_first_not_of(" \t\r\n\f");
    if (first == std::string_view::npos) return {};
    return s.substr(first, s.find_last_not_of(" \t\r\n\f") - first + 1);
}

std::string_view take_last_line(std::string_view& s) {
    s = strip(s);
    const auto at = s.rfind('\n');
    const auto line = at == std::string_view::npos ? s : s.substr(at + 1);
    s = at == std::string_view::npos ? std::string_view() : s.substr(0, at);
    return strip(line);
}

/// The last line of the text that says something: in PostgreSQL's dumps bare comment signs and \unrestrict stand after it.
std::string_view last_word(std::string_view tail, bool postgresql) {
    while (true) {
        const auto line = take_last_line(tail);
        if (postgresql && !tail.empty() && (line == "--" || line.starts_with("\\unrestrict "))) continue;
        return line;
    }
}

enum class Ending { none, mysql, pg_dump, pg_dumpall, sqlite, sqlite_failed };

Ending ending_of(std::string_view tail) {
    const auto plain = last_word(tail, false);
    if (plain.starts_with("-- Dump completed")) return Ending::mysql;
    if (plain == "COMMIT;") return Ending::sqlite;
    if (plain.starts_with("ROLLBACK; -- due to errors")) return Ending::sqlite_failed;
    const auto pg = last_word(tail, true);
    if (pg == "-- PostgreSQL database dump complete") return Ending::pg_dump;
    if (pg == "-- PostgreSQL database cluster dump complete") return Ending::pg_dumpall;
    return Ending::none;
}

class SqlText final : public Format {
public:
    SqlText(Kind kind, Content content, bool end_mark) : kind_(kind), content_(content), end_mark_(end_mark) {}

    std::string name() const override { return std::string(words(kind_)); }

    Outcome take(Bytes in) override {
        const auto text = text_of(in);
        if (head_.size() < kHead) {
            head_.append(text.substr(0, kHead - head_.size()));
            many_ = kind_ == Kind::mysql_dump && has(head_, "\n-- Current Database: `");
        }
        if (!something_ || many_) {
            // The border first: the end of what came before and the start of this.
            const std::string border = carry_ + std::string(text.substr(0, kCarry));
            look_at(border);
            look_at(text);
            carry_ = text.size() >= kCarry ? std::string(text.substr(text.size() - kCarry)) : (carry_ + std::string(text));
            if (carry_.size() > kCarry) carry_.erase(0, carry_.size() - kCarry);
        }
        if (!blank_known_) blank_known_ = !strip(text).empty();
        tail_.take(in);
        return {};
    }

    void conclude(Findings& f) override {
        const Ending ending = ending_of(text_of(tail_.bytes()));
        if (kind_ == Kind::text) adopt(ending);
        f.format = name();
        describe(f);
        if (!blank_known_) {
            f.state = Findings::State::whole;
            f.empty = true;
            f.detail = "nothing but white space";
            return;
        }
        if (ending == Ending::sqlite_failed)
            return apply(f, {Findings::State::damaged, "no_end_mark",
                             "sqlite3 could not read the whole database: the dump ends with 'ROLLBACK; -- due to errors'"});
        const auto expected = expected_line();
        if (!end_mark_ || expected.empty()) {
            f.state = end_mark_ ? Findings::State::not_applicable : Findings::State::whole;
            f.empty = kind_ != Kind::text && !something_;
            f.detail = end_mark_ ? "text without a known dump header: it has no end that could be asked for"
                                 : "the completion line is not asked for (end_mark: no)";
            return;
        }
        if (!fits(ending)) {
            auto tail = text_of(tail_.bytes());
            f.state = Findings::State::damaged;
            f.code = "no_end_mark";
            f.detail = fmt::format("the dump does not end with '{}', but with '{}'", expected, printable(take_last_line(tail).substr(0, 120), 120));
            return;
        }
        f.state = Findings::State::whole;
        f.empty = !something_;
        auto tail = text_of(tail_.bytes());
        f.detail =
            kind_ == Kind::mysql_dump ? fmt::format("ends with '{}'", printable(take_last_line(tail), 120)) : fmt::format("ends with '{}'", expected);
    }

private:
    void look_at(std::string_view text) {
        static constexpr std::array<std::string_view, 8> kSomething{"\nCREATE TABLE ",          "\nINSERT INTO ",          "\nCOPY ",
                                                                    "\nCREATE UNLOGGED TABLE ", "\nCREATE FOREIGN TABLE ", "\nREPLACE INTO ",
                                                                    "\nINSERT IGNORE ",         "\nINSERT  IGNORE INTO "};
        for (auto needle : kSomething) {
            if (something_) break;
            something_ = has(text, needle);
        }
        static constexpr std::string_view kCurrent = "\n-- Current Database: `";
        while (many_ && databases_.size() < 2) {
            const auto at = text.find(kCurrent);
            if (at == std::string_view::npos) break;
            text.remove_prefix(at + kCurrent.size());
            const auto end = text.find_first_of("`\n");
            if (end == std::string_view::npos) break;  // seen whole at the next border
            databases_.insert(std::string(text.substr(0, end)));
        }
    }

    /// Text without a known head may still have a known end, or a job that says what it is.
    void adopt(Ending ending) {
        if (ending == Ending::mysql)
            kind_ = Kind::mysql_dump;
        else if (ending == Ending::pg_dump)
            kind_ = Kind::pg_dump;
        else if (ending == Ending::pg_dumpall)
            kind_ = Kind::pg_dumpall;
        else if (content_ == Content::mysql)
            kind_ = Kind::mysql_dump;
        else if (content_ == Content::postgresql)
            kind_ = Kind::pg_dump;
        else if (content_ == Content::sqlite)
            kind_ = Kind::sqlite_dump;
    }

    std::string_view expected_line() const {
        switch (kind_) {
            case Kind::mysql_dump: return "-- Dump completed";
            case Kind::pg_dump: return "-- PostgreSQL database dump complete";
            case Kind::pg_dumpall: return "-- PostgreSQL database cluster dump complete";
            case Kind::sqlite_dump: return "COMMIT;";
            default: return {};
        }
    }

    bool fits(Ending e) const {
        switch (kind_) {
            case Kind::mysql_dump: return e == Ending::mysql;
            case Kind::pg_dump: return e == Ending::pg_dump;
            case Kind::pg_dumpall: return e == Ending::pg_dumpall;
            case Kind::sqlite_dump: return e == Ending::sqlite;
            default: return false;
        }
    }

    void describe(Findings& f) const {
        const std::string_view head = head_;
        if (kind_ == Kind::mysql_dump) {
            // "-- Host: localhost    Database: sales"; a server's own name may hold "Database: " no more than once before it.
            const auto host_line = rest_of_line(head, "-- Host: ");
            if (!many_)
                f.database = strip(rest_of_line(host_line, "Database: "));
            else if (databases_.size() == 1)
                f.database = *databases_.begin();
            f.server = strip(rest_of_line(head, "-- Server version"));
        } else if (kind_ == Kind::pg_dump) {
            const auto connect = strip(rest_of_line(head, "\n\\connect "));
            if (!connect.empty() && connect.front() != '-')
                f.database = connect.front() == '"' && connect.size() > 2 ? connect.substr(1, connect.size() - 2) : connect;
            if (auto v = strip(rest_of_line(head, "-- Dumped from database version ")); !v.empty()) f.server = "PostgreSQL " + std::string(v);
        }
    }

    Kind kind_;
    const Content content_;
    const bool end_mark_;
    std::string head_, carry_ = "\n";
    Tail tail_;
    bool something_ = false, many_ = false, blank_known_ = false;
    std::set<std::string> databases_;
};

}  // namespace

std::optional<Kind> sniff_dump(std::string_view head) {
    if (head.starts_with("\xef\xbb\xbf")) head.remove_prefix(3);
    head = head.substr(0, kSniff);
    if (line_starts(head, "-- MySQL dump ") || line_starts(head, "-- MariaDB dump ")) return Kind::mysql_dump;
    if (line_starts(head, "-- PostgreSQL database cluster dump")) return Kind::pg_dumpall;
    if (line_starts(head, "-- PostgreSQL database dump")) return Kind::pg_dump;
    if (head.starts_with("PRAGMA foreign_keys=OFF;") && has(head, "\nBEGIN TRANSACTION;")) return Kind::sqlite_dump;
    return std::nullopt;
}

std::unique_ptr<Format> sql_text_format(Kind kind, Content content, bool end_mark) { return std::make_unique<SqlText>(kind, content, end_mark); }

}  // namespace bkmon::inspect
