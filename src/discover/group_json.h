// Target groups as JSON, as HTTP discovery answers:
//   [{"targets": ["host:port", …], "labels": {"name": "value", …}}, …]
// Pure function.
#pragma once
#include <string_view>
#include <vector>

#include "base/result.h"
#include "discover/target_group.h"

namespace strata::discover {

/// The groups, without a source. As strict as Prometheus: a group that is null, an unknown member
/// or an invalid label name refuses all of it. Error: kBadData.
Result<std::vector<TargetGroup>> parse_groups(std::string_view json);

}  // namespace strata::discover
