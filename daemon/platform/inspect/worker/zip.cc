#include "daemon/platform/inspect/worker/zip.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <vector>

#include "common/base/text.h"
#include "daemon/platform/inspect/worker/decoder.h"
#include "daemon/platform/inspect/worker/kind.h"
#include "daemon/platform/inspect/worker/layer.h"

namespace bkmon::inspect {
namespace {

constexpr std::uint64_t kMaxMembers = 1000000;
constexpr std::size_t kEndRecord = 22, kCentral = 46, kLocal = 30, kMaxComment = 65535;

struct Member {
    std::string name;
    std::uint64_t offset = 0, packed = 0, size = 0;
    std::uint32_t crc = 0, time = 0;
    std::uint16_t flags = 0, method = 0;
    bool is_folder() const { return name.ends_with('/') && size == 0; }
};

struct Directory {
    std::uint64_t offset = 0, size = 0, count = 0;
};

/// Counts and checksums a member's bytes and shows them to a content layer, if there is one.
class MemberSink final : public Sink {
public:
    MemberSink(Inquiry& inquiry, Layer* layer) : inquiry_(inquiry), layer_(layer) {}
    Outcome take(Bytes b) override {
        crc_ = static_cast<std::uint32_t>(crc32_z(crc_, b.data(), b.size()));
        size_ += b.size();
        if (layer_ != nullptr) return layer_->take(b);
        if (b.size() > inquiry_.output_left) return gave_up("it unpacks to more than the limit of content that is looked at");
        inquiry_.output_left -= b.size();
        return {};
    }
    std::uint32_t crc() const { return crc_; }
    std::uint64_t size() const { return size_; }

private:
    Inquiry& inquiry_;
    Layer* layer_;
    std::uint32_t crc_ = 0;
    std::uint64_t size_ = 0;
};

class Zip {
public:
    Zip(const ReadAt& read, Inquiry& inquiry) : read_(read), inquiry_(inquiry) {}

    Outcome run(Findings& f) {
        if (auto bad = find_directory()) return bad;
        if (auto bad = read_directory()) return bad;
        if (auto bad = check_layout()) return bad;
        files_ = static_cast<std::size_t>(std::count_if(members_.begin(), members_.end(), [](const Member& m) { return !m.is_folder(); }));
        std::size_t locked = 0, unknown = 0;
        for (const auto& m : members_) {
            if ((m.flags & 1) != 0)
                ++locked;
            else if (m.method != 0 && m.method != 8)
                ++unknown;
            else if (auto bad = member(m, f))
                return in_member(m, std::move(*bad));
        }
        f.empty = files_ == 0;
        f.state = Findings::State::whole;
        f.detail = fmt::format("{} {}, each with its right CRC", files_, files_ == 1 ? "member" : "members");
        if (locked + unknown > 0) {
            f.state = Findings::State::not_applicable;
            f.detail = fmt::format("{} of {} members are encrypted and {} packed in a way that bkmon does not read: they are not proven", locked,
                                   files_, unknown);
        }
        return {};
    }

private:
    static Trouble in_member(const Member& m, Trouble t) {
        t.detail = fmt::format("member '{}': {}", printable(m.name, 160), t.detail);
        return t;
    }

    Result<std::string> bytes(std::uint64_t offset, std::size_t n) {
        std::string b(n, '\0');
        std::size_t have = 0;
        while (have < n) {
            const auto got = read_(offset + have, std::span(reinterpret_cast<unsigned char*>(b.data()) + have, n - have));
            if (!got) return fail(Errc::unavailable, "read");
            if (*got == 0) return fail(Errc::invalid, "end");
            have += *got;
        }
        return b;
    }

    Outcome find_directory() {
        const auto span = static_cast<std::size_t>(std::min<std::uint64_t>(inquiry_.size, kEndRecord + kMaxComment));
        const auto tail = bytes(inquiry_.size - span, span);
        if (!tail) return unread(tail.error());
        std::size_t at = std::string::npos;
        for (std::size_t p = tail->rfind("PK\5\6"); p != std::string::npos; p = p == 0 ? std::string::npos : tail->rfind("PK\5\6", p - 1))
            if (p + kEndRecord <= tail->size() && p + kEndRecord + little(bytes_of(*tail), p + 20, 2) <= tail->size()) {
                at = p;
                break;
            }
        if (at == std::string::npos) return cut_short("the zip's directory at the end of the file is missing");
        const Bytes t = bytes_of(*tail);
        if (at + kEndRecord + little(t, at + 20, 2) != t.size()) return broken("bytes that are no part of the zip follow its end");
        end_ = inquiry_.size - span + at;
        directory_ = {little(t, at + 16, 4), little(t, at + 12, 4), little(t, at + 10, 2)};
        if (directory_.count == 0xffff || directory_.size == 0xffffffff || directory_.offset == 0xffffffff) {
            if (auto bad = find_zip64()) return bad;
        }
        if (directory_.offset > end_ || directory_.size != end_ - directory_.offset)
            return broken("the zip's end record does not point at its directory: bytes are missing or were added");
        if (directory_.count > kMaxMembers) return gave_up("the zip has more members than are looked at");
        return {};
    }

    Outcome find_zip64() {
        if (end_ < 20) return broken("the zip64 end record is missing");
        const auto locator = bytes(end_ - 20, 20);
        if (!locator) return unread(locator.error());
        if (!locator->starts_with("PK\6\7")) return {};  // not zip64: exactly 65535 members
        const auto where = little(bytes_of(*locator), 8, 8);
        if (where > end_ - 20 || end_ - 20 - where < 56) return broken("the zip64 end record lies outside the file");
        const auto record = bytes(where, 56);
        if (!record) return unread(record.error());
        if (!record->starts_with("PK\6\6")) return broken("the zip64 end record is damaged");
        const Bytes r = bytes_of(*record);
        directory_ = {little(r, 48, 8), little(r, 40, 8), little(r, 32, 8)};
        end_ = where;
        return {};
    }

    /// Entry by entry through a window: a directory may be large, names are short.
    Outcome read_directory() {
        std::uint64_t at = directory_.offset;
        for (std::uint64_t i = 0; i < directory_.count; ++i) {
            if (end_ - at < kCentral) return broken("the zip's directory ends early");
            const auto fixed = bytes(at, kCentral);
            if (!fixed) return unread(fixed.error());
            const Bytes h = bytes_of(*fixed);
            if (!fixed->starts_with("PK\1\2")) return broken(fmt::format("the zip's directory is damaged at byte {}", at));
            const auto name = little(h, 28, 2), extra = little(h, 30, 2), comment = little(h, 32, 2);
            if (end_ - at - kCentral < name + extra + comment) return broken("the zip's directory ends early");
            const auto rest = bytes(at + kCentral, static_cast<std::size_t>(name + extra));
            if (!rest) return unread(rest.error());
            Member m;
            m.name = rest->substr(0, name);
            m.flags = static_cast<std::uint16_t>(little(h, 8, 2));
            m.method = static_cast<std::uint16_t>(little(h, 10, 2));
            m.time = static_cast<std::uint32_t>(little(h, 12, 4));
            m.crc = static_cast<std::uint32_t>(little(h, 16, 4));
            m.packed = little(h, 20, 4);
            m.size = little(h, 24, 4);
            m.offset = little(h, 42, 4);
            read_zip64(m, bytes_of(*rest).subspan(name));
            members_.push_back(std::move(m));
            at += kCentral + name + extra + comment;
        }
        if (at != end_) return broken("the zip's directory has another length than its end record says");
        return {};
    }

    /// Extra field 1: the 64-bit values of those that are all ones, in this order (APPNOTE 4.5.3).
    static void read_zip64(Member& m, Bytes extra) {
        while (extra.size() >= 4) {
            const auto id = little(extra, 0, 2);
            const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(little(extra, 2, 2), extra.size() - 4));
            Bytes value = extra.subspan(4, length);
            extra = extra.subspan(4 + length);
            if (id != 1) continue;
            for (auto* field : {&m.size, &m.packed, &m.offset})
                if (*field == 0xffffffff && value.size() >= 8) {
                    *field = little(value, 0, 8);
                    value = value.subspan(8);
                }
            return;
        }
    }

    /// Members one after the other below the directory: an overlap is a bomb or damage.
    Outcome check_layout() {
        std::stable_sort(members_.begin(), members_.end(), [](const Member& a, const Member& b) { return a.offset < b.offset; });
        std::uint64_t free_from = 0;
        for (const auto& m : members_) {
            const auto least = kLocal + m.name.size();
            if (m.offset < free_from) return in_member(m, broken("it overlaps the member before it"));
            if (m.offset > directory_.offset || m.packed > directory_.offset - m.offset || least > directory_.offset - m.offset - m.packed)
                return in_member(m, broken("it reaches beyond the members' part of the file"));
            free_from = m.offset + least + m.packed;
        }
        return {};
    }

    Outcome member(const Member& m, Findings& f) {
        const auto header = bytes(m.offset, kLocal + m.name.size());
        if (!header) return unread(header.error());
        const Bytes h = bytes_of(*header);
        const bool sizes_follow = (m.flags & 8) != 0;
        if (!header->starts_with("PK\3\4") || little(h, 6, 2) != m.flags || little(h, 8, 2) != m.method || little(h, 10, 4) != m.time ||
            little(h, 26, 2) != m.name.size() || header->substr(kLocal) != m.name || (!sizes_follow && little(h, 14, 4) != m.crc))
            return broken("its own header differs from the zip's directory");
        const auto data = m.offset + kLocal + m.name.size() + little(h, 28, 2);
        if (data > directory_.offset || m.packed > directory_.offset - data) return broken("it reaches beyond the members' part of the file");
        const bool dump = lower(m.name).ends_with(".sql") || files_ == 1;
        std::optional<Layer> layer;
        if (dump && !m.is_folder() && inquiry_.content != core::Content::archive) layer.emplace(inquiry_, m.name.substr(m.name.rfind('/') + 1), 1);
        MemberSink sink(inquiry_, layer ? &*layer : nullptr);
        if (auto bad = unpack(m, data, sink)) return bad;
        if (sink.size() != m.size) return broken(fmt::format("it has {} bytes and should have {}", sink.size(), m.size));
        if (sink.crc() != m.crc) return broken("its CRC is wrong");
        f.content_bytes += sink.size();
        return layer ? look_inside(*layer, f) : Outcome();
    }

    Outcome unpack(const Member& m, std::uint64_t at, MemberSink& sink) {
        const auto inflate = m.method == 8 ? deflate_decoder() : nullptr;
        std::vector<unsigned char> buffer(static_cast<std::size_t>(std::min<std::uint64_t>(m.packed, 1 << 18)));
        for (std::uint64_t left = m.packed; left > 0;) {
            const auto n = read_(at, std::span(buffer).first(static_cast<std::size_t>(std::min<std::uint64_t>(left, buffer.size()))));
            if (!n) return gave_up(fmt::format("the file cannot be read at byte {}", at));
            if (*n == 0) return gave_up("the file changed while it was read");
            if (auto bad = inflate ? inflate->feed(Bytes(buffer.data(), *n), sink) : sink.take(Bytes(buffer.data(), *n))) return bad;
            at += *n;
            left -= *n;
        }
        if (!inflate) return {};
        auto bad = inflate->finish(sink);
        if (bad) bad->code = "broken_archive";  // the file is all there: the member is not
        return bad;
    }

    Outcome look_inside(Layer& layer, Findings& f) {
        Findings inner;
        layer.conclude(inner);
        if (inner.state == Findings::State::damaged || inner.state == Findings::State::not_inspected)
            return Trouble{inner.state, inner.code, inner.detail};
        if (f.format == "zip") f.format = "zip+" + inner.format;
        if (f.database.empty()) f.database = inner.database;
        if (f.server.empty()) f.server = inner.server;
        if (!f.written_at) f.written_at = inner.written_at;
        if (!inner.checksum_in_frame) f.checksum_in_frame = true;  // the zip's CRC stands for it
        if (inner.empty && files_ == 1) files_ = 0;
        return {};
    }

    static Trouble unread(const Error& e) {
        return e.code == Errc::unavailable ? gave_up("the file cannot be read") : broken("the zip points beyond the end of the file");
    }

    const ReadAt& read_;
    Inquiry& inquiry_;
    Directory directory_;
    std::uint64_t end_ = 0;  // where the directory must end
    std::vector<Member> members_;
    std::size_t files_ = 0;
};

}  // namespace

void inspect_zip(const ReadAt& read, Inquiry& inquiry, Findings& f) {
    f.format = "zip";
    std::vector<unsigned char> head(4);
    if (!read(0, head)) return apply(f, gave_up("the file cannot be read at its start"));
    if (auto bad = breach(inquiry, inquiry.name, Kind::zip, head, false)) return apply(f, std::move(*bad));
    Zip zip(read, inquiry);
    if (auto bad = zip.run(f)) apply(f, std::move(*bad));
}

}  // namespace bkmon::inspect
