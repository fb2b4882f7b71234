// What one request was: the unit of metering, of the ledger and of cost. A value.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "gateway/usage.h"

namespace strata::gateway {

enum class Outcome : uint8_t {
  kOk,
  kClientCancel,     // the client left, or read too slowly
  kUpstreamError,    // a status of 5xx, or an error inside a stream
  kUpstreamTimeout,  // it did not answer, or stopped, for too long
  kUpstreamReset,    // it could not be reached, or broke off
  kRateLimited,      // 429, the engine's or the gateway's
  kInvalid,          // another 4xx
  kOverload,         // the gateway's own 503
};
inline constexpr size_t kOutcomes = 8;
/// "ok", "client_cancel", …: labels and the ledger's exports.
std::string_view to_string(Outcome outcome);

struct RequestRecord {
  using Nanos = std::chrono::nanoseconds;
  static constexpr Nanos kNever{-1};

  TimestampMs at_ms = 0;  // when it came
  uint64_t id = 0;
  std::string model;  // as the client wrote it; empty when it said none
  std::string tenant;
  std::string endpoint;  // Endpoint::path
  std::string upstream;  // of the last attempt; empty: it came to none
  Outcome outcome = Outcome::kInvalid;
  uint16_t status = 0;  // that the client got; 499 when it left before
  uint8_t attempts = 0;
  bool stream = false;
  UsageSource usage_source = UsageSource::kNone;
  Usage usage;
  Nanos duration{0};           // from the request's head to the answer's last byte
  Nanos ttfb = kNever;         // from the request's last byte to the answer's first
  Nanos ttft = kNever;         // to the first event with content; of streams only
  Nanos last = kNever;         // to the last one
  uint64_t request_bytes = 0;  // of the bodies
  uint64_t response_bytes = 0;
  std::optional<int64_t> cost_nano_usd;  // none: the model has no price
  uint32_t price_version = 0;            // prices.h; 0 without a cost
};

}  // namespace strata::gateway
