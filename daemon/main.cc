// bkmond [--config FILE] [--check-config] [--version] [--help]
#include <cstdio>
#include <string_view>

#include "daemon/app/app.h"

namespace {

constexpr char kUsage[] =
    "usage: bkmond [--config FILE] [--check-config] [--version] [--help]\n"
    "\n"
    "Watches database backups. Runs in the foreground; SIGTERM stops it, SIGHUP reads the configuration again.\n"
    "  --config FILE    default /etc/bkmon/bkmon.yaml; conf.d/*.yaml beside it is read too\n"
    "  --check-config   only read the configuration, print every problem in it, and end (0: none, 1: some)\n"
    "See bkmond(8), bkmon.yaml(5), bkmonctl(1).\n";

}  // namespace

int main(int argc, char** argv) {
    bkmon::app::Arguments arguments;
    for (int i = 1; i < argc; ++i) {
        const std::string_view word = argv[i];
        if (word == "--version") {
            std::printf("bkmond %s\n", BKMON_VERSION);
            return 0;
        }
        if (word == "--help" || word == "-h") {
            std::fputs(kUsage, stdout);
            return 0;
        }
        if (word == "--check-config") {
            arguments.check_only = true;
        } else if (word == "--config" && i + 1 < argc) {
            arguments.config = argv[++i];
        } else if (word.substr(0, 9) == "--config=") {
            arguments.config = word.substr(9);
        } else {
            std::fprintf(stderr, "bkmond: unknown option or missing value: '%s'\n%s", argv[i], kUsage);
            return 2;
        }
    }
    return bkmon::app::run(arguments);
}
