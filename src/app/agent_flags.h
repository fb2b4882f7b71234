// The flags of `strata agent`: one table for --help and docs/agent.md, and the options that they
// add up to. Where node_exporter or dcgm-exporter has a flag for it, that spelling works too.
#pragma once
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "app/flags.h"
#include "base/result.h"
#include "collect/node.h"

namespace strata::app {

/// In the order of the help.
std::span<const Flag> agent_flags();

/// What the command line said.
struct AgentFlags {
  FlagValues values;  // every name of agent_flags()
  /// --[no-]collector.NAME and --collector.SETTING=VALUE: the host collectors' own tables.
  std::vector<std::pair<std::string, bool>> collectors;
  std::vector<std::pair<std::string, std::string>> settings;
};
AgentFlags default_agent_flags();

struct AgentOptions {
  std::vector<std::string> listen;  // one or two
  std::string web_config_file;
  std::string push_config_file;  // empty: nothing is pushed
  collect::NodeOptions node;
  LogLevel log_level = LogLevel::kInfo;
  LogFormat log_format = LogFormat::kLogfmt;
};

/// Reads the file of GPU fields. Error: kBadData, naming the flag.
Result<AgentOptions> agent_options(const AgentFlags& flags);

/// The table of flags in docs/agent.md; a test keeps it fresh.
std::string agent_flags_markdown();

}  // namespace strata::app
