#pragma once
#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "daemon/platform/smb/worker/backend.h"

namespace bkmon::smb::test {

struct FakeFile {
    std::string name;
    std::string bytes;  ///< repeated, so that large files need no memory
    std::uint64_t size = 0;
    Stamp modified{1'795'000'000, 0};
    bool folder = false, link = false;
    // What happens when it is opened.
    std::optional<Unreadable> refused;
    std::uint64_t real_size = ~std::uint64_t{0};  ///< when it is read; by default what was listed
    bool claims_size = false;                     ///< and says of itself that it still has the size that was listed
    std::optional<Stamp> modified_later;
    std::optional<Unreadable> unreadable;
    std::optional<Unreadable> stateless;
};

struct FakeShare {
    std::optional<Trouble> trouble;
    std::vector<FakeFile> files;
};

/// A server in memory that writes down what it was asked.
class FakeBackend final : public Backend {
public:
    std::map<std::string, FakeShare> shares;  ///< a share that is not here is missing
    std::vector<std::string> asked;
    std::uint64_t max_entries = 0;
    bool out_of_memory = false;
    int logins_tried = 0;
    bool came_with_connection = false;

    void begin(const Order& order, UniqueFd connection) override {
        came_with_connection = static_cast<bool>(connection);
        asked.push_back("begin " + order.address);
        max_entries = order.max_entries;
        logins_tried = 0;
    }

    std::optional<Trouble> list(const std::string& share, const std::string& folder, const std::function<void(const Entry&)>& each) override {
        asked.push_back("list " + share + " " + folder);
        ++logins_tried;
        if (out_of_memory) throw std::bad_alloc();
        const auto it = shares.find(share);
        if (it == shares.end()) return Trouble{Outcome::no_share, "no such share"};
        if (it->second.trouble) return it->second.trouble;
        std::uint64_t n = 0;
        for (const auto& f : it->second.files) {
            if (++n > max_entries) return Trouble{Outcome::too_many, "too many"};
            each({f.name, f.size, f.modified, f.folder, f.link});
        }
        return std::nullopt;
    }

    std::unique_ptr<File> open(const std::string& share, const std::string& folder, const std::string& name, Unreadable& why) override {
        asked.push_back("open " + share + " " + folder + " " + name);
        for (const auto& f : shares.at(share).files) {
            if (f.name != name) continue;
            if (f.refused) {
                why = *f.refused;
                return nullptr;
            }
            return std::make_unique<Open>(f, asked);
        }
        why = {Visit::Content::changed, "gone"};
        return nullptr;
    }

    int logins() const override { return logins_tried; }
    void forget() override { asked.push_back("forget"); }

private:
    class Open final : public File {
    public:
        Open(const FakeFile& file, std::vector<std::string>& asked) : file_(file), asked_(asked) {}
        ~Open() override { asked_.push_back("close"); }
        Open(const Open&) = delete;
        Open& operator=(const Open&) = delete;

        std::optional<Unreadable> read(std::uint64_t offset, std::span<std::uint8_t> to, std::size_t& got) override {
            asked_.push_back("read " + std::to_string(offset) + "+" + std::to_string(to.size()));
            if (file_.unreadable) return file_.unreadable;
            const auto size = std::min(file_.size, file_.real_size);
            got = static_cast<std::size_t>(offset >= size ? 0 : std::min<std::uint64_t>(size - offset, to.size()));
            for (std::size_t i = 0; i < got; ++i)
                to[i] = file_.bytes.empty() ? 0 : static_cast<std::uint8_t>(file_.bytes[static_cast<std::size_t>((offset + i) % file_.bytes.size())]);
            return std::nullopt;
        }
        std::optional<Unreadable> state(FileState& now) override {
            asked_.emplace_back("state");
            if (file_.stateless) return file_.stateless;
            now = {file_.real_size == ~std::uint64_t{0} || file_.claims_size ? file_.size : file_.real_size,
                   file_.modified_later.value_or(file_.modified)};
            return std::nullopt;
        }

    private:
        const FakeFile& file_;
        std::vector<std::string>& asked_;
    };
};

}  // namespace bkmon::smb::test
