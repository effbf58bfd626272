#pragma once
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bkmon::journal {

enum class Level { error = 3, warning = 4, notice = 5, info = 6, debug = 7 };

/// One kind of entry: its MESSAGE_ID is fixed for ever; systemd/bkmon.catalog has a text for each that says what it means and what to do.
struct Message {
    std::string_view id;     ///< 32 hex digits
    std::string_view name;   ///< "BKMON_VERDICT_CHANGED": for the catalog and tests
};
#define BKMON_MESSAGES(X)                                      \
    X(daemon_started, "8d1f0f0a5b7e4c0f9a6d2f61c3b7e101")      \
    X(daemon_stopping, "8d1f0f0a5b7e4c0f9a6d2f61c3b7e102")     \
    X(config_loaded, "8d1f0f0a5b7e4c0f9a6d2f61c3b7e103")       \
    X(config_refused, "8d1f0f0a5b7e4c0f9a6d2f61c3b7e104")      \
    X(verdict_changed, "8d1f0f0a5b7e4c0f9a6d2f61c3b7e105")     \
    X(verdict_problem, "8d1f0f0a5b7e4c0f9a6d2f61c3b7e106")     \
    X(run_ended, "8d1f0f0a5b7e4c0f9a6d2f61c3b7e107")           \
    X(run_interrupted, "8d1f0f0a5b7e4c0f9a6d2f61c3b7e108")     \
    X(operator_action, "8d1f0f0a5b7e4c0f9a6d2f61c3b7e109")     \
    X(access_denied, "8d1f0f0a5b7e4c0f9a6d2f61c3b7e10a")       \
    X(client_refused, "8d1f0f0a5b7e4c0f9a6d2f61c3b7e10b")      \
    X(deposit_refused, "8d1f0f0a5b7e4c0f9a6d2f61c3b7e10c")     \
    X(deposit_held, "8d1f0f0a5b7e4c0f9a6d2f61c3b7e10d")        \
    X(deposit_unexpected, "8d1f0f0a5b7e4c0f9a6d2f61c3b7e10e")  \
    X(deposit_read_only, "8d1f0f0a5b7e4c0f9a6d2f61c3b7e10f")   \
    X(watch_degraded, "8d1f0f0a5b7e4c0f9a6d2f61c3b7e110")      \
    X(vault_unavailable, "8d1f0f0a5b7e4c0f9a6d2f61c3b7e111")   \
    X(vault_recovered, "8d1f0f0a5b7e4c0f9a6d2f61c3b7e112")     \
    X(vault_unknown_file, "8d1f0f0a5b7e4c0f9a6d2f61c3b7e113")  \
    X(history_degraded, "8d1f0f0a5b7e4c0f9a6d2f61c3b7e114")    \
    X(clock_jumped, "8d1f0f0a5b7e4c0f9a6d2f61c3b7e115")        \
    X(loop_slow, "8d1f0f0a5b7e4c0f9a6d2f61c3b7e116")           \
    X(promoted, "8d1f0f0a5b7e4c0f9a6d2f61c3b7e117")            \
    X(note, "8d1f0f0a5b7e4c0f9a6d2f61c3b7e118")                \
    X(vault_damaged, "8d1f0f0a5b7e4c0f9a6d2f61c3b7e119")       \
    X(space_low, "8d1f0f0a5b7e4c0f9a6d2f61c3b7e11a")           \
    X(mail_sent, "8d1f0f0a5b7e4c0f9a6d2f61c3b7e11b")           \
    X(mail_failed, "8d1f0f0a5b7e4c0f9a6d2f61c3b7e11c")         \
    X(mail_unrecorded, "8d1f0f0a5b7e4c0f9a6d2f61c3b7e11d")

namespace msg {
#define BKMON_DECLARE(name, id) inline constexpr Message name{id, #name};
BKMON_MESSAGES(BKMON_DECLARE)
#undef BKMON_DECLARE
}  // namespace msg

/// Where entries go. Any thread; never blocks the caller (an own thread writes; when its bounded queue is full, entries are counted and
/// the number is written when there is room again). Text is made printable here; field values keep their bytes.
class Journal {
public:
    using Fields = std::vector<std::pair<std::string, std::string>>;  ///< "BKMON_TARGET" -> value
    virtual ~Journal() = default;
    virtual void log(Level level, const Message& message, std::string text, Fields fields = {}) = 0;
};

/// Structured entries when a journal is there ($JOURNAL_STREAM or /run/systemd/journal/socket), readable lines "<N>text" / "text" on stderr when not.
std::unique_ptr<Journal> open_journal();

}  // namespace bkmon::journal
