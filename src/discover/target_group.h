// What discovery finds: addresses with labels, in groups that are replaced as a whole.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/config.h"
#include "model/labels.h"

namespace strata::discover {

/// A target is a label set with at least __address__; `labels` are common to all of the group.
/// `source` is unique within a job: a group replaces the one of the same source.
struct TargetGroup {
  std::string source;
  Labels labels;
  std::vector<Labels> targets;
  friend bool operator==(const TargetGroup&, const TargetGroup&) = default;
};

/// A static_configs entry, or one of a file_sd file, as a group.
TargetGroup group_from(const config::StaticConfig& config, std::string source);

}  // namespace strata::discover
