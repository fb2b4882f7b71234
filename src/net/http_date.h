// Dates as HTTP writes them: "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, 5.6.7).
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace strata::net {

std::string http_date(int64_t unix_seconds);
/// Of the present second; made once a second on each thread. Valid until the thread's next call.
std::string_view http_date_now();

}  // namespace strata::net
