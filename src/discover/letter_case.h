// Upper and lower case of all of Unicode, one code point at a time, as Go's strings.ToUpper.
#pragma once
#include <string>
#include <string_view>

namespace strata::discover {

/// A byte that is not part of valid UTF-8 becomes U+FFFD.
std::string to_upper(std::string_view text);
std::string to_lower(std::string_view text);

}  // namespace strata::discover
