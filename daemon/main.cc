// bkmond [--config FILE] [--check-config | --tell-failure UNIT [--patience TIME]] [--version] [--help]
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/time.h"
#include "daemon/app/app.h"
#include "daemon/app/tell_failure.h"

namespace {

constexpr char kUsage[] =
    "usage: bkmond [--config FILE] [--check-config | --tell-failure UNIT [--patience TIME]] [--version] [--help]\n"
    "\n"
    "Watches database backups. Runs in the foreground; SIGTERM stops it, SIGHUP reads the configuration again.\n"
    "  --config FILE    default /etc/bkmon/bkmon.yaml; conf.d/*.yaml beside it is read too\n"
    "  --check-config   only read the configuration, print every problem in it, and end (0: none, 1: some)\n"
    "  --tell-failure UNIT\n"
    "                   mail that this unit of systemd has failed, through the settings under mail; no daemon is needed (0: accepted for all)\n"
    "  --patience TIME  how long a mail server that says no for now is tried; default 15m\n"
    "See bkmond(8), bkmon.yaml(5), bkmonctl(1).\n";

}  // namespace

int main(int argc, char** argv) {
    bkmon::app::Arguments arguments;
    std::optional<std::string> failed_unit;
    bkmon::milliseconds patience = std::chrono::minutes(15);
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
        } else if (word == "--tell-failure" && i + 1 < argc) {
            failed_unit = argv[++i];
        } else if (const auto time = bkmon::parse_duration(word == "--patience" && i + 1 < argc ? argv[i + 1] : ""); time) {
            patience = *time;
            ++i;
        } else {
            std::fprintf(stderr, "bkmond: unknown option or missing value: '%s'\n%s", argv[i], kUsage);
            return 2;
        }
    }
    if (failed_unit) return bkmon::app::tell_failure(arguments.config, *failed_unit, patience);
    return bkmon::app::run(arguments);
}
