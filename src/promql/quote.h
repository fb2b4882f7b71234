// Names and numbers as PromQL prints them; string literals are Go's (base/quote.h).
#pragma once
#include <string>
#include <string_view>

#include "base/quote.h"

namespace strata::promql {

/// A label name as it may stand in a list: bare when classic, else quoted.
void append_label_name(std::string& out, std::string_view name);

/// As messages print it: Go's %g, "NaN", "+Inf".
std::string number_text(double value);

}  // namespace strata::promql
