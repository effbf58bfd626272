#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/protocol/params.h"
#include "daemon/control/dispatcher.h"
#include "daemon/core/status.h"
#include "daemon/targets/registry.h"

namespace bkmon::control {

/// True when `pattern` (case ignored) means this target: a glob of the whole id when it has a '/', else of any part after the kind.
bool means(std::string_view pattern, std::string_view target_id);
/// No glob characters: one target is meant.
bool is_literal(std::string_view pattern);

/// The filters that several methods share. A value: may go to another thread.
struct Selection {
    std::vector<std::string> patterns;  ///< empty: all
    std::string kind, mode;
    std::vector<std::pair<std::string, std::string>> labels;  ///< all of them must fit
    std::vector<core::Status> statuses;                       ///< empty: all
    bool problems = false;                                    ///< only what is not ok, unchanged or paused

    /// Reads `targets`, `target`, `kind`, `mode`, `labels`, `status` and `problems`, whichever there are.
    static Result<Selection> read(const protocol::Params& params);
    bool picks_id(std::string_view target_id) const;  ///< patterns, kind, mode
    bool picks_labels(const core::Labels& have) const;
    bool picks_status(core::Status status) const;
};

/// The target that `text` names, as far as the caller may know of it: by id, or by a part of the id that only one target has. Null: the call
/// was answered with NoSuchTarget and the nearest name.
const targets::Target* find_or_refuse(const targets::Registry& registry, const std::string& text, Call& call);
/// Some target that the caller may see is meant by the pattern.
bool is_known(const targets::Registry& registry, const std::string& pattern, const Caller& caller);
void refuse_unknown(const targets::Registry& registry, const std::string& text, Call& call);

}  // namespace bkmon::control
