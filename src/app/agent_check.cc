// strata agent check: what an agent would see here, a line a finding, and what to do.
#include <cstdio>

#include "app/commands.h"
#include "collect/node_check.h"

namespace strata::app {

int agent_check(const AgentFlags& flags) {
  const auto options = agent_options(flags);
  if (!options) {
    fmt::print(stderr, "strata agent check: {}\n", options.error().message);
    return 2;
  }
  configure_logging(LogLevel::kError, options->log_format);  // findings say it all
  bool good = true;
  for (const collect::Finding& finding : collect::check_node(options->node)) {
    const char* word = "ok     ";
    if (finding.kind == collect::Finding::Kind::kNote) word = "note   ";
    if (finding.kind == collect::Finding::Kind::kProblem) word = "PROBLEM", good = false;
    fmt::print("{}  {}\n", word, finding.what);
    if (!finding.remedy.empty()) fmt::print("         -> {}\n", finding.remedy);
  }
  return good ? 0 : 1;
}

}  // namespace strata::app
