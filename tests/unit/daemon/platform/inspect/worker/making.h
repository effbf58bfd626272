#pragma once
#include <string>
#include <vector>

#include "daemon/platform/inspect/worker/stream.h"

namespace bkmon::inspect::test {

/// What the streaming core says of these bytes under this name. `portion`: the most that one read gives.
struct Asked {
    core::Content content = core::Content::auto_detect;
    bool end_mark = true;
    std::uint64_t output_limit = 0;
    std::size_t portion = 1 << 20;
};
Findings look(const std::string& name, const std::string& bytes, Asked asked = {});

std::string gzip(const std::string& bytes, int level = 6);
std::string zstd(const std::string& bytes, bool checksum = true, int window_log = 0);
std::string xz(const std::string& bytes, bool check = true);

struct ZipMember {
    std::string name, bytes;
    bool deflate = true;
    int method = -1;  ///< lie about the method
    unsigned flags = 0;
};
std::string zip(const std::vector<ZipMember>& members, const std::string& comment = "");

struct TarMember {
    std::string name, bytes;
    bool pax_size = false;  ///< the size stands in a pax header, the header's own field says 0
};
std::string tar(const std::vector<TarMember>& members, int end_blocks = 2);

/// Bytes that nothing compresses, the same every time.
std::string noise(std::size_t n);

std::string mysql_dump(const std::string& rows = "INSERT INTO `t` VALUES (1);\n");

}  // namespace bkmon::inspect::test

namespace bkmon::inspect {
/// "damaged truncated gzip: sentence": what a failing test prints, and the short way to compare.
void PrintTo(const Findings& f, std::ostream* os);
std::string verdict(const Findings& f);  ///< "whole", "whole empty", "damaged truncated", …
}  // namespace bkmon::inspect
