// Basic authorization (RFC 7617).
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "net/headers.h"

namespace strata::net {

struct BasicCredentials {
  std::string user = {};
  std::string password = {};
};

/// What the Authorization header says; empty when it is not there, not Basic or not well formed.
std::optional<BasicCredentials> basic_credentials(const Headers& headers);
/// "Basic dXNlcjpwYXNz", for "user:pass".
std::string basic_authorization(std::string_view user_colon_password);

}  // namespace strata::net
