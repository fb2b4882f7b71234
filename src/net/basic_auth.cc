#include "net/basic_auth.h"

#include "base/base64.h"

namespace strata::net {

std::optional<BasicCredentials> basic_credentials(const Headers& headers) {
  static constexpr std::string_view kScheme = "Basic ";
  std::string_view value = headers.value("authorization");
  if (!equals_ignoring_case(value.substr(0, kScheme.size()), kScheme)) return std::nullopt;
  value.remove_prefix(kScheme.size());
  const auto decoded = base64_decode(value);
  if (!decoded) return std::nullopt;
  const size_t colon = decoded->find(':');
  if (colon == std::string::npos) return std::nullopt;
  return BasicCredentials{decoded->substr(0, colon), decoded->substr(colon + 1)};
}

std::string basic_authorization(std::string_view user_colon_password) {
  return "Basic " + base64_encode(user_colon_password);
}

}  // namespace strata::net
