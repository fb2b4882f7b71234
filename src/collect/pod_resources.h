// Which pod uses which GPU, from the kubelet: one call, List of v1.PodResourcesLister, over the
// unix socket that it has for monitoring agents.
//
// The call is gRPC, which is HTTP/2 (RFC 9113): the one request that we send is a constant but for
// its path, and of the answer the frames matter, not the headers, so no HPACK (RFC 7541) is
// decoded. A failure is told by there being no message.
//
// Owned by NodeCollector; one thread. A kubelet that does not answer costs one kDeadline, then it
// is left alone for kPause; what it said before is forgotten. At most kMaxAnswer bytes and
// kMaxDevices devices.
#pragma once
#include <chrono>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "collect/gpu_metrics.h"

namespace strata::collect {

/// Reads ListPodResourcesResponse (k8s.io/kubelet/pkg/apis/podresources/v1/api.proto): device ids
/// to who uses them. Of a GPU that is shared ("GPU-...::3") the last one counts. kBadData when the
/// bytes are no such message.
Result<PodsByDevice> decode_pod_resources(std::string_view message);

/// The server's half of one gRPC call.
class GrpcAnswer {
 public:
  static constexpr size_t kMaxAnswer = size_t{16} << 20;

  /// Takes bytes as they come; what must be answered is appended to `reply`. True when the call is
  /// over. kBadData, kLimit for bytes that are not HTTP/2 or too many, kUnavailable when the server
  /// refuses.
  Result<bool> feed(std::string_view bytes, std::string& reply);
  /// The message, once the call is over.
  Result<std::string_view> message() const;

 private:
  Result<bool> frame(uint8_t type, uint8_t flags, std::string_view payload, std::string& reply);

  std::string unread_;
  std::string body_;
};

/// What the client sends: the connection's preface, settings, and a request without content.
std::string grpc_request(std::string_view path);

class PodResources {
 public:
  static constexpr std::chrono::milliseconds kDeadline{500};
  static constexpr std::chrono::seconds kPause{30};
  static constexpr size_t kMaxDevices = 4096;

  PodResources(std::string socket, const Clock& clock)
      : socket_(std::move(socket)), clock_(clock) {}

  /// Empty where there is no kubelet.
  PodsByDevice read();

 private:
  Result<PodsByDevice> ask() const;

  const std::string socket_;
  const Clock& clock_;
  std::chrono::nanoseconds next_try_{0};
  std::string problem_;
};

}  // namespace strata::collect
