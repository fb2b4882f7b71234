// What an agent pushes to: the targets of its push configuration, each with a remote::Pusher.
//
// push() and finish() belong to one thread at a time; destroyed after the loop has stopped.
#pragma once
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/fs.h"
#include "base/result.h"
#include "model/duration.h"
#include "model/metric_family.h"
#include "net/http_client.h"
#include "net/loop.h"
#include "remote/pusher.h"

namespace strata::app {

class AgentPush {
 public:
  /// Reads `file`, in prometheus.yml's format. `loop` runs. `instance` is this agent's label of
  /// that name, unless external_labels has one. Errors: kBadData, kIo; a file without
  /// remote_write.
  static Result<std::unique_ptr<AgentPush>> open(const std::string& file, net::Loop& loop,
                                                 std::string instance, metrics::Registry& registry);

  Millis interval() const { return interval_; }
  void push(std::span<const MetricFamily> families, TimestampMs at);
  /// Says that there is no more, and waits a little for what is on its way.
  void finish();

 private:
  AgentPush(net::Loop& loop, metrics::Registry& registry);

  const Clock& clock_ = real_clock();
  net::HttpClient client_;
  remote::WriteMetrics metrics_;
  Millis interval_{0};
  Labels target_;
  std::vector<std::shared_ptr<remote::Pusher>> pushers_;
};

}  // namespace strata::app
