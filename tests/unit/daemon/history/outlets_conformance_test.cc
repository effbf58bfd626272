#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/daemon/history/conformance.h"
#include "tests/unit/daemon/history/rows_text.h"

namespace bkmon::test {
namespace {

using namespace history;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

OutletRow outlet(std::string code, std::string address = "10.0.0.1") { return {std::move(code), "Shop", std::move(address), true, {}, {}}; }

class OutletsConformance : public HistoryConformance {
protected:
    std::vector<OutletRow> outlets() {
        return read([](Reader& r) { return r.outlets(); });
    }
    void put_all(const std::vector<OutletRow>& rows, Time at = kStart) {
        put([&](Session& s) {
            const auto r = s.put_outlets(rows, at);
            ASSERT_TRUE(r) << r.error().what;
        });
    }
};

TEST_P(OutletsConformance, ComeBackWholeAndInOrder) {
    EXPECT_THAT(outlets(), IsEmpty());
    const OutletRow odd{"S-2", "Größe \n\\\x01\xff", "fe80::1", false, {{"region", "north\nsouth"}, {"", "\\"}}, {}};
    put_all({outlet("s-3"), odd, outlet("S-1")});
    EXPECT_THAT(texts(outlets()), ElementsAre(text(outlet("S-1")), text(odd), text(outlet("s-3"))));
}

TEST_P(OutletsConformance, AreTheNewestInventoryAndRememberWhatItDroppedSince) {
    put_all({outlet("A"), outlet("B"), outlet("C")});
    put_all({outlet("a", "10.0.0.9"), outlet("C")}, kStart + 1h);
    auto b = outlet("B");
    b.gone_at = kStart + 1h;
    EXPECT_THAT(texts(outlets()), ElementsAre(text(outlet("a", "10.0.0.9")), text(b), text(outlet("C"))));
    put_all({outlet("C")}, kStart + 2h);
    auto a = outlet("a", "10.0.0.9");
    a.gone_at = kStart + 2h;
    EXPECT_THAT(texts(outlets()), ElementsAre(text(a), text(b), text(outlet("C")))) << "since when it is gone stays";
    put_all({outlet("B"), outlet("C")}, kStart + 3h);
    EXPECT_THAT(texts(outlets()), ElementsAre(text(a), text(outlet("B")), text(outlet("C"))));
    put_all({b}, kStart + 4h);
    EXPECT_FALSE(outlets().at(1).gone_at) << "what is given is there";
}

TEST_P(OutletsConformance, TwoOfOneCodeAreRefusedAndNothingIsWritten) {
    const auto r = write([](Session& s) { return s.put_outlets({outlet("A"), outlet("x"), outlet("a")}, kStart); });
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().code, Errc::invalid);
    EXPECT_THAT(outlets(), IsEmpty());
}

TEST_P(OutletsConformance, GoneOnesExpireAndOthersDoNot) {
    put_all({outlet("A"), outlet("B"), outlet("C")});
    put_all({outlet("B"), outlet("C")}, kStart + 1h);
    put_all({outlet("C")}, kStart + 3h);
    put([](Session& s) { EXPECT_EQ(s.expire(kStart + 2h, 100).value(), 1); });
    auto b = outlet("B");
    b.gone_at = kStart + 3h;
    EXPECT_THAT(texts(outlets()), ElementsAre(text(b), text(outlet("C"))));
}

TEST_P(OutletsConformance, SharesAreRememberedOneForATarget) {
    EXPECT_THAT(read([](Reader& r) { return r.remembered_shares(); }), IsEmpty());
    put([](Session& s) {
        ASSERT_TRUE(s.put_remembered_share({id("outlet/b/usb"), "e$", kStart}));
        ASSERT_TRUE(s.put_remembered_share({id("outlet/A/usb"), "f$", kStart}));
        ASSERT_TRUE(s.put_remembered_share({id("outlet/B/USB"), "g$", kStart + 1h}));
    });
    EXPECT_THAT(
        texts(read([](Reader& r) { return r.remembered_shares(); })),
        ElementsAre(text(RememberedShareRow{id("outlet/A/usb"), "f$", kStart}), text(RememberedShareRow{id("outlet/B/USB"), "g$", kStart + 1h})));
}

TEST_P(OutletsConformance, ARollbackTakesThemBack) {
    put_all({outlet("A")});
    const auto r = write([](Session& s) -> Result<void> {
        EXPECT_TRUE(s.put_outlets({outlet("B")}, kStart));
        EXPECT_TRUE(s.put_remembered_share({id("outlet/b/usb"), "e$", kStart}));
        return fail(Errc::invalid, "no");
    });
    EXPECT_FALSE(r);
    EXPECT_THAT(texts(outlets()), ElementsAre(text(outlet("A"))));
    EXPECT_THAT(read([](Reader& reader) { return reader.remembered_shares(); }), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Engines, OutletsConformance, engines(), [](const auto& i) { return i.param; });

}  // namespace
}  // namespace bkmon::test
