#include "tests/unit/daemon/deposits/arrival/rig.h"

namespace bkmon::deposits {
namespace {

/// Who asks again and again gets looks all the while, not one when he falls silent.
TEST(LookAgain, AskingWithoutEndPutsNothingOff) {
    Rig rig;
    rig.put("A/database/x.gz");
    rig.begin();
    rig.settle();
    rig.looks.clear();
    for (int i = 0; i < 100; ++i) {
        rig.arrival->look_at("A");
        rig.loop.advance(milliseconds(10));
        rig.loop.spin();
    }
    EXPECT_GE(rig.count("A"), 2U);
}

}  // namespace
}  // namespace bkmon::deposits
