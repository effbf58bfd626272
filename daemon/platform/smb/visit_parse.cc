#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "common/base/still_printable.h"
#include "common/base/text.h"
#include "daemon/platform/smb/visit.h"
#include "daemon/platform/smb/visit_words.h"

namespace bkmon::smb {
namespace {

using Json = nlohmann::json;

constexpr std::int64_t kYear10000 = 253402300800000;
constexpr std::uint64_t kMaxSize = std::numeric_limits<std::int64_t>::max();  // of a file anywhere
constexpr std::int64_t kMaxTook = 24LL * 3600 * 1000;
constexpr std::size_t kMaxShares = 64, kMaxPatterns = 256, kMaxPattern = 256, kMaxFolder = 4096, kMaxAddress = 64;

/// Reads the members of one object; the first that is wrong is what is said. All of them have to be asked for.
class Members {
public:
    explicit Members(const Json& object) : object_(object) {
        if (!object.is_object()) wrong("it is no object");
    }

    std::string text(const char* key, std::size_t limit) {
        const auto* value = member(key);
        if (value == nullptr) return {};
        if (!value->is_string()) return wrong(std::string(key) + " is no text"), std::string();
        auto text = value->get<std::string>();
        if (text.size() > limit || !valid_utf8(text) || text.find('\0') != std::string::npos)
            return wrong(std::string(key) + " is too long or no UTF-8"), std::string();
        return text;
    }

    /// One that is shown as it is.
    std::string printable_text(const char* key, std::size_t limit) {
        auto text = this->text(key, limit);
        if (!is_printable(text)) wrong(std::string(key) + " is not printable");
        return text;
    }

    std::vector<std::string> texts(const char* key, std::size_t count, std::size_t limit) {
        std::vector<std::string> all;
        const auto* value = member(key);
        if (value == nullptr) return all;
        if (!value->is_array() || value->size() > count) return wrong(std::string(key) + " is no list, or too long a one"), all;
        for (const auto& one : *value) {
            if (!one.is_string() || one.get_ref<const std::string&>().size() > limit ||
                one.get_ref<const std::string&>().find('\0') != std::string::npos)
                return wrong(std::string(key) + " holds what is no text or too long"), all;
            all.push_back(one.get<std::string>());
        }
        return all;
    }

    std::uint64_t number(const char* key, std::uint64_t least, std::uint64_t most) {
        const auto* value = member(key);
        if (value == nullptr) return least;
        if (!value->is_number_unsigned()) return wrong(std::string(key) + " is no number"), least;
        const auto n = value->get<std::uint64_t>();
        if (n < least || n > most) return wrong(std::string(key) + " is too small or too large"), least;
        return n;
    }
    std::uint64_t number(const char* key) { return number(key, 0, std::numeric_limits<std::uint64_t>::max()); }

    milliseconds span(const char* key, std::int64_t most) {
        return milliseconds(static_cast<std::int64_t>(number(key, 0, static_cast<std::uint64_t>(most))));
    }
    Time time(const char* key) { return Time(span(key, kYear10000 - 1)); }

    bool flag(const char* key) {
        const auto* value = member(key);
        if (value == nullptr) return false;
        if (!value->is_boolean()) wrong(std::string(key) + " is no boolean");
        return value->is_boolean() && value->get<bool>();
    }

    bool is_null(const char* key) const {
        if (!object_.is_object()) return true;
        const auto it = object_.find(key);
        return it != object_.end() && it->is_null();
    }
    /// For a member that may be null and is.
    void skip(const char* key) { member(key); }

    const Json* member(const char* key) {
        if (!object_.is_object()) return nullptr;
        ++asked_;
        const auto it = object_.find(key);
        if (it == object_.end()) {
            wrong(std::string(key) + " is missing");
            return nullptr;
        }
        return &*it;
    }

    void wrong(std::string what) {
        if (wrong_.empty()) wrong_ = std::move(what);
    }

    /// Empty when everything was right and nothing was left over.
    const std::string& verdict() {
        if (object_.is_object() && object_.size() != asked_) wrong("it has members that nobody knows");
        return wrong_;
    }

private:
    const Json& object_;
    std::size_t asked_ = 0;
    std::string wrong_;
};

template <std::size_t N>
std::size_t index_of(const std::array<std::string_view, N>& words, std::string_view text, Members& from, const char* key) {
    const auto it = std::find(words.begin(), words.end(), text);
    if (it == words.end()) return from.wrong(std::string(key) + " is a word that nobody knows"), 0;
    return static_cast<std::size_t>(it - words.begin());
}

std::optional<FoundFile> file(Members& from, const char* key) {
    const auto* value = from.member(key);
    if (value == nullptr || value->is_null()) return std::nullopt;
    Members m(*value);
    FoundFile file{m.text("name", kMaxFileName), m.number("size", 0, kMaxSize), m.time("modified")};
    if (file.name.empty()) m.wrong("it has no name");
    if (!m.verdict().empty()) from.wrong(std::string(key) + ": " + m.verdict());
    return file;
}

void read_content(Members& m, Visit& v) {
    v.content = static_cast<Visit::Content>(index_of(kContentWords, m.text("content", 64), m, "content"));
    v.content_detail = m.printable_text("content_detail", kMaxDetail);
    v.bytes_read = m.number("bytes_read");
    if (m.is_null("reading")) {
        m.skip("reading");
    } else {
        auto reading = mtf::decode(m.text("reading", kMaxMessage));
        if (reading)
            v.reading = std::move(*reading);
        else
            m.wrong("reading: " + reading.error().what);
    }
    if (v.reading.has_value() != (v.content == Visit::Content::read)) m.wrong("content and reading do not fit");
    if (!v.newest && v.content != Visit::Content::not_asked) m.wrong("there is content but no file");
}

Visit visit_of(Members& m) {
    Visit v;
    v.outcome = static_cast<Outcome>(index_of(kOutcomeWords, m.text("outcome", 64), m, "outcome"));
    v.detail = m.printable_text("detail", kMaxDetail);
    v.share = m.text("share", kMaxShare);
    v.newest = file(m, "newest");
    v.future = file(m, "future");
    v.largest_too_small = file(m, "largest_too_small");
    if (v.outcome != Outcome::listed && (v.newest || v.future || v.largest_too_small)) m.wrong("there are files, but no folder was read");
    v.files = m.number("files");
    v.matching = m.number("matching", 0, v.files);
    v.too_small = m.number("too_small", 0, v.matching);
    v.in_future = m.number("in_future", 0, v.matching);
    read_content(m, v);
    v.logins = static_cast<int>(m.number("logins", 0, 1000));
    v.took = m.span("took", kMaxTook);
    return v;
}

Order order_of(Members& m) {
    Order o;
    o.address = m.text("address", kMaxAddress);
    o.port = static_cast<std::uint16_t>(m.number("port", 1, 65535));
    o.shares = m.texts("shares", kMaxShares, kMaxShare);
    o.folder = m.text("folder", kMaxFolder);
    o.patterns = m.texts("patterns", kMaxPatterns, kMaxPattern);
    o.min_size = m.number("min_size");
    o.latest = m.time("latest");
    if (m.is_null("until"))
        m.skip("until");
    else
        o.until = m.time("until");
    o.look_inside = m.flag("look_inside");
    o.signing = m.flag("signing");
    o.request_timeout = std::max(milliseconds(1), m.span("request_timeout", kMaxTook));
    o.max_entries = m.number("max_entries");
    if (const auto* inner = m.member("credential"); inner != nullptr) {
        Members c(*inner);
        o.credential = {c.text("user", 256), c.text("domain", 256), c.text("password", 1024)};
        if (!c.verdict().empty()) m.wrong("credential: " + c.verdict());
    }
    return o;
}

template <class T, class Read>
Result<T> from_json(std::string_view text, const char* name, Read&& read) {
    const std::string what = std::string("the ") + name + " cannot be used: ";
    if (text.size() > kMaxMessage) return fail(Errc::invalid, what + "it is too long");
    const Json parsed = Json::parse(text.begin(), text.end(), nullptr, false);
    if (parsed.is_discarded()) return fail(Errc::invalid, what + "it is no JSON");
    Members m(parsed);
    auto value = read(m);
    if (!m.verdict().empty()) return fail(Errc::invalid, what + m.verdict());
    return value;
}

}  // namespace

Result<Order> order_from_json(std::string_view text) { return from_json<Order>(text, "order", order_of); }

Result<Visit> visit_from_json(std::string_view text) { return from_json<Visit>(text, "answer about a server", visit_of); }

}  // namespace bkmon::smb
