#include "daemon/platform/smb/worker/visitor.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <new>
#include <tuple>

#include "common/base/text.h"
#include "daemon/mtf/header.h"
#include "daemon/platform/smb/worker/names.h"

namespace bkmon::smb {
namespace {

constexpr std::int64_t kLastSecond = 253402300799;                            // 9999-12-31T23:59:59Z
constexpr std::uint64_t kMaxSize = std::numeric_limits<std::int64_t>::max();  // servers may say more; nobody could count with it
constexpr std::size_t kLongestSecret = 255;                                   // what libraries pass on whole
// FAT keeps times in steps of two seconds, and a listing may be rounded differently from the file itself.
constexpr milliseconds kSameTime{2000};

/// Looks at each entry once and keeps what the answer needs: memory does not grow with the folder.
class Choice {
public:
    Choice(const Order& order, Visit& visit) : order_(order), visit_(visit) {
        for (const auto& pattern : order.patterns) patterns_.push_back(fold(pattern));
    }

    void take(const Entry& entry) {
        if (entry.folder) return;
        const Time modified = clamped(entry.modified);
        if (order_.until && modified > *order_.until) return;
        ++visit_.files;
        const auto name = as_text(entry.name);
        const auto folded = fold(name);
        if (std::none_of(patterns_.begin(), patterns_.end(), [&](const auto& p) { return glob_match(p, folded); })) return;
        ++visit_.matching;
        FoundFile file{name, entry.size, modified};
        if (entry.size < order_.min_size) {
            ++visit_.too_small;
            if (!visit_.largest_too_small || larger(file, *visit_.largest_too_small)) visit_.largest_too_small = std::move(file);
        } else if (modified > order_.latest) {
            ++visit_.in_future;
            if (!visit_.future || newer(file, *visit_.future)) visit_.future = std::move(file);
        } else if (!visit_.newest || newer(file, *visit_.newest)) {
            raw_name_ = entry.name;
            link_ = entry.link;
            visit_.newest = std::move(file);
        }
    }

    /// Of the newest, byte for byte.
    const std::string& raw_name() const { return raw_name_; }
    /// Of the newest: a link, which has no size of its own, or a file that is kept elsewhere (deduplicated, archived).
    bool link() const { return link_; }

private:
    // The same files give the same answer, whatever the order they come in.
    static bool newer(const FoundFile& a, const FoundFile& b) { return std::tie(a.modified, a.size, a.name) > std::tie(b.modified, b.size, b.name); }
    static bool larger(const FoundFile& a, const FoundFile& b) { return std::tie(a.size, a.modified, a.name) > std::tie(b.size, b.modified, b.name); }

    const Order& order_;
    Visit& visit_;
    std::vector<std::string> patterns_;
    std::string raw_name_;
    bool link_ = false;
};

/// The ends of one file, read into buffers of its own.
class Ends {
public:
    Ends(File& file, std::uint64_t size) : file_(file) { view_.size = size; }

    std::optional<Unreadable> read() {
        const auto head = static_cast<std::size_t>(std::min<std::uint64_t>(view_.size, mtf::kWindow));
        const auto tail = static_cast<std::size_t>(std::min<std::uint64_t>(view_.size - head, mtf::kWindow));
        if (auto why = fill(0, head, buffers_[0])) return why;
        view_.head = {buffers_[0].get(), head};
        if (auto why = fill(view_.size - tail, tail, buffers_[1])) return why;
        view_.tail = {buffers_[1].get(), tail};
        const auto third = mtf::third_read(view_);
        if (!third || *third >= view_.size) return std::nullopt;
        const auto more = static_cast<std::size_t>(std::min<std::uint64_t>(view_.size - *third, mtf::kWindow));
        if (auto why = fill(*third, more, buffers_[2])) return why;
        view_.third = {buffers_[2].get(), more};
        view_.third_at = *third;
        return std::nullopt;
    }

    const mtf::View& view() const { return view_; }
    std::uint64_t bytes_read() const { return bytes_read_; }

private:
    using Buffer = std::unique_ptr<std::uint8_t[]>;

    std::optional<Unreadable> fill(std::uint64_t offset, std::size_t length, Buffer& to) {
        if (length == 0) return std::nullopt;
        to = std::make_unique_for_overwrite<std::uint8_t[]>(length);
        std::size_t got = 0;
        if (auto why = file_.read(offset, {to.get(), length}, got)) return why;
        bytes_read_ += got;
        if (got < length) return Unreadable{Visit::Content::changed, "the file became shorter while it was read"};
        return std::nullopt;
    }

    File& file_;
    mtf::View view_;
    std::array<Buffer, 3> buffers_;
    std::uint64_t bytes_read_ = 0;
};

std::optional<Unreadable> still_the_same(File& file, const FoundFile& listed) {
    FileState now;
    if (auto why = file.state(now)) return why;
    if (now.size != listed.size)
        return Unreadable{Visit::Content::changed,
                          fmt::format("the file had {} when it was listed and {} when it was read", size_words(listed.size), size_words(now.size))};
    const auto moved = clamped(now.modified) - listed.modified;
    if (moved > kSameTime || moved < -kSameTime) return Unreadable{Visit::Content::changed, "the file was written to while it was looked at"};
    return std::nullopt;
}

/// What both ends say together is of one file in one state: nobody has to ask whether it is another one by now.
bool proves_itself(const mtf::Reading& reading) { return reading.whole.value == mtf::Whole::whole && reading.whole.sure == mtf::Sure::proven; }

void look_inside(const Order& order, const Choice& choice, Backend& backend, Visit& visit) {
    const auto& name = choice.raw_name();
    const auto refuse = [&visit](Unreadable why) {
        visit.content = why.content;
        visit.content_detail = std::move(why.detail);
    };
    if (choice.link()) return refuse({Visit::Content::not_opened, "it is a link, or kept elsewhere by its server: it is not followed"});
    if (!may_be_opened(name)) return refuse({Visit::Content::not_opened, "a file of this name cannot be asked for"});
    if (visit.newest->size > kMaxSize) return refuse({Visit::Content::not_opened, "no file has this size"});
    Unreadable why;
    const auto file = backend.open(visit.share, order.folder, name, why);
    if (!file) return refuse(std::move(why));
    Ends ends(*file, visit.newest->size);
    auto trouble = ends.read();
    visit.bytes_read = ends.bytes_read();
    if (trouble) return refuse(std::move(*trouble));
    auto reading = mtf::read(ends.view());
    if (!proves_itself(reading)) trouble = still_the_same(*file, *visit.newest);
    if (trouble) return refuse(std::move(*trouble));
    visit.content = Visit::Content::read;
    visit.reading = std::move(reading);
}

/// What each share said; those that said the same together.
class Said {
public:
    void add(const std::string& share, const std::string& what) {
        if (what == last_) {
            shares_ += ", " + printable(share, 80);
            return;
        }
        close();
        shares_ = printable(share, 80);
        last_ = what;
    }
    std::string text() {
        close();
        return printable(text_, 1000);
    }

private:
    void close() {
        if (!shares_.empty()) text_ += fmt::format("{}{}: {}", text_.empty() ? "" : "; ", shares_, last_);
        shares_.clear();
    }

    std::string text_, shares_, last_;
};

/// Goes on to the next share after it: this one cannot be what is looked for.
bool passes_on(Outcome outcome) { return outcome == Outcome::no_share || outcome == Outcome::no_folder || outcome == Outcome::access_denied; }

void forget_files(Visit& visit) {
    visit.newest.reset();
    visit.future.reset();
    visit.largest_too_small.reset();
}

void search(const Order& order, Backend& backend, Visit& visit) {
    bool denied = false;
    Said said;
    for (const auto& share : order.shares) {
        Visit here;
        Choice choice(order, here);
        auto trouble = backend.list(share, order.folder, [&choice](const Entry& entry) { choice.take(entry); });
        if (!trouble) {
            visit = std::move(here);
            visit.outcome = Outcome::listed;
            visit.share = share;
            if (order.look_inside && visit.newest) look_inside(order, choice, backend, visit);
            return;
        }
        said.add(share, trouble->detail);
        denied = denied || trouble->outcome == Outcome::access_denied;
        visit.outcome = trouble->outcome;
        if (trouble->outcome == Outcome::too_many) {
            forget_files(here);
            visit.share = share;
            visit.files = here.files;
            visit.matching = here.matching;
        }
        if (!passes_on(trouble->outcome)) break;
    }
    visit.detail = said.text();
    if (order.shares.size() > 1 && passes_on(visit.outcome)) visit.outcome = denied ? Outcome::access_denied : Outcome::no_drive;
}

bool numeric(const std::string& address) {
    std::array<unsigned char, sizeof(in6_addr)> any{};
    return inet_pton(AF_INET, address.c_str(), any.data()) == 1 || inet_pton(AF_INET6, address.c_str(), any.data()) == 1;
}

bool plain_part(std::string_view part) {
    return may_be_opened(part) && std::none_of(part.begin(), part.end(), [](char c) { return c >= 0 && c < ' '; });
}

}  // namespace

Time clamped(const Stamp& stamp) {
    if (stamp.seconds < 0) return Time{};
    if (stamp.seconds > kLastSecond) return Time(std::chrono::seconds(kLastSecond) + milliseconds(999));
    const bool fraction = stamp.nanoseconds > 0 && stamp.nanoseconds < 1'000'000'000;
    return Time(std::chrono::seconds(stamp.seconds) + milliseconds(fraction ? stamp.nanoseconds / 1'000'000 : 0));
}

std::string flaw(const Order& order) {
    if (!numeric(order.address)) return "the address is not numeric";
    if (order.port == 0) return "the port is 0";
    if (order.shares.empty()) return "there is no share to look at";
    if (!std::all_of(order.shares.begin(), order.shares.end(), plain_part)) return "a share's name cannot be one";
    if (order.patterns.empty()) return "there is no pattern that a file's name could match";
    if (!order.folder.empty())
        for (const auto& part : split(order.folder, '/'))
            if (!plain_part(part)) return "the folder's name cannot be one";
    // Without a user libraries log in as nobody, and what they cut off of a password counts as a wrong one.
    if (order.credential.user.empty()) return "there is no user to log in as";
    for (const auto* part : {&order.credential.user, &order.credential.domain, &order.credential.password})
        if (part->size() > kLongestSecret) return "user, domain or password is longer than 255 bytes";
    return {};
}

Visit carry_out(const Order& order, UniqueFd connection, Backend& backend, const Stopwatch& stopwatch) {
    const auto began = stopwatch();
    Visit visit;
    if (auto wrong = flaw(order); !wrong.empty()) {
        visit.detail = "the order cannot be carried out: " + wrong;
        return visit;
    }
    backend.begin(order, std::move(connection));
    try {
        search(order, backend, visit);
    } catch (const std::bad_alloc&) {
        visit = {};
        visit.detail = "the server's answer needs more memory than may be used for it";
    }
    for (auto* file : {&visit.newest, &visit.future, &visit.largest_too_small})
        if (*file) (*file)->size = std::min((*file)->size, kMaxSize);
    visit.logins = backend.logins();
    visit.took = stopwatch() - began;
    backend.forget();
    return visit;
}

}  // namespace bkmon::smb
