// Section `storage` of strata.yml: how long samples of some series are kept, other than
// --storage.tsdb.retention.time says. tsdb/retention.h applies it.
#pragma once
#include <string>
#include <vector>

#include "model/duration.h"

namespace strata::config {

/// Series that `match` selects are kept for `keep`; 0: for ever. The first rule that selects a
/// series decides.
struct RetentionRule {
  std::string match;  // a selector; parsed where PromQL is known
  Millis keep{0};
  std::string place;  // of `match`: file:line:column
};

struct StoreConfig {
  std::vector<RetentionRule> retention;
};

}  // namespace strata::config
