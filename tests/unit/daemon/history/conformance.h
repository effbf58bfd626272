#pragma once
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "daemon/history/sqlite_store.h"
#include "tests/support/fake_store.h"
#include "tests/support/manual_loop.h"

namespace bkmon::test {

inline const Time kStart = from_ms(1763769600250);  // 2025-11-22T00:00:00.250Z

inline TargetId id(std::string_view text) { return *TargetId::parse(text); }

/// What every engine of the history must do. A new engine is one more value of the parameter, and one more line in SetUp.
class HistoryConformance : public testing::TestWithParam<std::string> {
protected:
    void SetUp() override {
        if (GetParam() == "fake") {
            store_ = std::make_unique<FakeStore>(loop_);
            return;
        }
        char name[] = "/tmp/bkmon-history-XXXXXX";
        directory_ = ::mkdtemp(name);
        auto opened = history::SqliteStore::open(loop_, directory_ + "/history.db");
        ASSERT_TRUE(opened) << opened.error().what;
        store_ = std::move(*opened);
    }
    void TearDown() override {
        store_.reset();
        if (!directory_.empty()) std::filesystem::remove_all(directory_);
    }

    /// Runs what was posted until `over`: the engine answers from a thread of its own.
    void pump(const bool& over) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        for (loop_.run_posted(); !over && std::chrono::steady_clock::now() < end; loop_.run_posted())
            std::this_thread::sleep_for(std::chrono::microseconds(200));
        ASSERT_TRUE(over) << "the history did not answer";
    }
    Result<void> write(history::Store::Work work) {
        Result<void> result;
        bool over = false;
        store_->write(std::move(work), [&](Result<void> r) {
            result = std::move(r);
            over = true;
        });
        pump(over);
        return result;
    }
    template <class F>
    auto read(F look) {
        using Value = decltype(look(std::declval<history::Reader&>()));
        std::optional<Value> value;
        bool over = false;
        store_->read(
            [&](history::Reader& r) -> Result<void> {
                value.emplace(look(r));
                if (!*value) return fail(value->error());
                return {};
            },
            [&](Result<void> r) {
                EXPECT_TRUE(r) << r.error().what;
                over = true;
            });
        pump(over);
        return std::move(**value);
    }
    /// A write of statements that must all succeed.
    template <class F>
    void put(F statements) {
        const auto r = write([statements](history::Session& s) -> Result<void> {
            statements(s);
            return {};
        });
        ASSERT_TRUE(r) << r.error().what;
    }

    ManualLoop loop_;
    std::string directory_;
    std::unique_ptr<history::Store> store_;
};

inline auto engines() { return testing::Values("sqlite", "fake"); }

}  // namespace bkmon::test
