#pragma once
#include <string>
#include <utility>
#include <vector>

#include "daemon/config/setting.h"

namespace bkmon::config {

/// Reads `alerts.rules`, one item after the other.
class RuleReader {
public:
    /// `texts_known`: mail.texts holds what the folder of templates holds.
    RuleReader(Context& context, const core::MailSettings& mail, bool texts_known) : context_(context), mail_(mail), texts_known_(texts_known) {}
    /// A rule with a problem is not added.
    void read(const std::string& path, const Node& node, std::vector<core::AlertRule>& into);

private:
    bool check_mail(const core::AlertRule& rule, const KeyMarks& keys);

    Context& context_;
    const core::MailSettings& mail_;
    bool texts_known_;
};

void read_silence(Context& context, const std::string& path, const Node& node, const std::string& timezone, std::vector<core::Silence>& into);

/// False after a problem: a kind or a target that no target can have. Each item's place is that of the node's.
bool check_kinds(Context& context, const Node& node, const std::vector<std::string>& kinds);
bool check_targets(Context& context, const Node& node, const std::vector<std::string>& targets);

void list_rule_settings(std::vector<std::pair<std::string, Row>>& into);
void list_silence_settings(std::vector<std::pair<std::string, Row>>& into);

}  // namespace bkmon::config
