#include "gateway/record.h"

namespace strata::gateway {

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::kOk: return "ok";
    case Outcome::kClientCancel: return "client_cancel";
    case Outcome::kUpstreamError: return "upstream_error";
    case Outcome::kUpstreamTimeout: return "upstream_timeout";
    case Outcome::kUpstreamReset: return "upstream_reset";
    case Outcome::kRateLimited: return "rate_limited";
    case Outcome::kInvalid: return "invalid";
    case Outcome::kOverload: break;
  }
  return "overload";
}

}  // namespace strata::gateway
