// String literals of Go, which PromQL and templates share: quoting for output, unquoting of source
// text.
#pragma once
#include <string>
#include <string_view>

#include "base/result.h"

namespace strata {

/// Appends `text` in double quotes, with the escapes of Go's strconv.Quote.
void append_quoted(std::string& out, std::string_view text);
std::string quoted(std::string_view text);

/// The value of a literal with its quotes: '…' and "…" with escapes, `…` without. Error: kBadData
/// ("invalid syntax").
Result<std::string> unquote(std::string_view literal);

}  // namespace strata
