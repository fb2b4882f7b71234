// The parts of a URL that configuration is checked for.
#pragma once
#include <string>
#include <string_view>

namespace strata::config {

struct UrlParts {
  std::string_view scheme;  // "http"; empty when there is none
  std::string_view user;    // before the @, with its password
  std::string_view host;    // with its port
};

/// Splits `scheme://user@host/…`; what is missing is empty. Views into `url`.
UrlParts split_url(std::string_view url);

/// The URL with the password, where it has one, replaced by xxxxx.
std::string redact_url(std::string_view url);

}  // namespace strata::config
