// One API request while it is being answered: its parameters, read the way Prometheus reads them.
#pragma once
#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/duration.h"
#include "model/matcher.h"
#include "model/sample.h"
#include "net/http.h"

namespace strata::api {

/// Milliseconds since the epoch from Unix seconds with an optional fraction, or RFC 3339.
/// Error: kBadData, with Prometheus' words.
Result<TimestampMs> parse_time(std::string_view text);

/// From seconds with an optional fraction, or a Prometheus duration. Error: kBadData.
Result<Millis> parse_step(std::string_view text);

/// Used by one thread at a time; lives as long as its request is handled.
class Call {
 public:
  /// Error: kBadData for a query or form that cannot be read.
  static Result<Call> make(const net::HttpRequest& request, std::stop_token stop);

  const net::HttpRequest& request() const { return *request_; }
  std::stop_token stop() const { return stop_; }

  /// The first value of a parameter, "" when it is not there.
  std::string_view parameter(std::string_view name) const {
    return parameters_.get(name).value_or("");
  }
  std::vector<std::string_view> parameters(std::string_view name) const {
    return parameters_.all(name);
  }
  /// Error (all of these): kBadData, naming the parameter.
  Result<std::string_view> required(std::string_view name) const;
  Result<TimestampMs> time(std::string_view name) const;
  Result<TimestampMs> time_or(std::string_view name, TimestampMs fallback) const;
  Result<std::optional<Millis>> duration(std::string_view name) const;
  /// "true", "1", "false", …, as Go's strconv.ParseBool reads them.
  Result<bool> boolean(std::string_view name, bool fallback) const;
  /// `limit`: 0 means none.
  Result<size_t> limit() const;
  /// `start` and `end`, all of time when they are missing.
  Result<TimeRange> range() const;
  /// Every match[] selector. Error also for one that matches everything.
  Result<std::vector<std::vector<Matcher>>> selectors() const;

  /// What a path's variable part was: <name> in /api/v1/label/<name>/values.
  std::string path_parameter;
  /// How long the request stood in a queue before its handler ran.
  std::chrono::nanoseconds waited{0};
  std::vector<std::string> warnings;
  std::vector<std::string> infos;

 private:
  Call(const net::HttpRequest& request, net::FormValues parameters, std::stop_token stop)
      : request_(&request), parameters_(std::move(parameters)), stop_(std::move(stop)) {}

  const net::HttpRequest* request_;
  net::FormValues parameters_;
  std::stop_token stop_;
};

}  // namespace strata::api
