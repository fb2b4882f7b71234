// The messages of Prometheus' remote read (prompb/remote.proto), without their compression: the
// request, and the answer as samples. Chunks are not streamed; askers accept samples too.
// Used by one thread at a time. Bounds: the message's size is the caller's to bound, the answer's
// too.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/labels.h"
#include "model/matcher.h"
#include "model/sample.h"
#include "model/series_source.h"

namespace strata::wire {

struct RemoteQuery {
  TimeRange range;  // closed
  std::vector<Matcher> matchers;
};

struct RemoteReadRequest {
  std::vector<RemoteQuery> queries;
  bool accepts_samples = true;
};

/// Error: kBadData, also for an expression that is no regex.
Result<RemoteReadRequest> read_remote_read_request(std::string_view message);

/// Writes a ReadResponse: a result for each query, in their order.
class RemoteReadWriter {
 public:
  void begin_result() { result_.clear(); }
  void add(const Labels& labels, const SampleColumns& samples);
  void end_result();

  size_t bytes() const { return response_.size() + result_.size(); }
  const std::string& message() const { return response_; }

 private:
  std::string response_;
  std::string result_;
};

}  // namespace strata::wire
