// String literals of PromQL, which are Go's: quoting for output, unquoting of source text.
#pragma once
#include <string>
#include <string_view>

#include "base/result.h"

namespace strata::promql {

/// Appends `text` in double quotes, with the escapes of Go's strconv.Quote.
void append_quoted(std::string& out, std::string_view text);
std::string quoted(std::string_view text);

/// The value of a literal with its quotes: '…' and "…" with escapes, `…` without. Error: kBadData
/// ("invalid syntax").
Result<std::string> unquote(std::string_view literal);

/// A label name as it may stand in a list: bare when classic, else quoted.
void append_label_name(std::string& out, std::string_view name);

/// As messages print it: Go's %g, "NaN", "+Inf".
std::string number_text(double value);

}  // namespace strata::promql
