// $VAR and ${VAR} in external labels.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "config/load.h"

namespace strata::config {

/// `text` with variables replaced, by the rules of Go's os.Expand as Prometheus uses it: $$ is $,
/// and a variable that is unset or empty becomes nothing and is added to `missing`.
std::string expand_environment(std::string_view text, const Environment& environment,
                               std::vector<std::string>& missing);

}  // namespace strata::config
