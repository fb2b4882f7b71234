// Names in URL paths: Prometheus' escape for those that are not classic.
#pragma once
#include <string>
#include <string_view>

namespace strata::api {

/// "U__" begins such a name; then _<hex>_ is a code point, __ an underscore (prometheus/common,
/// ValueEncodingEscaping). What is no such escape is returned as it is.
std::string unescape_name(std::string_view name);

}  // namespace strata::api
