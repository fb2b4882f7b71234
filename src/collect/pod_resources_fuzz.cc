// Bytes from the kubelet's socket: as HTTP/2 in two pieces, and as the message.
#include <cstddef>
#include <cstdint>

#include "collect/pod_resources.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  strata::collect::GrpcAnswer answer;
  std::string reply;
  const auto first = answer.feed(bytes.substr(0, size / 2), reply);
  if (first && !*first) static_cast<void>(answer.feed(bytes.substr(size / 2), reply));
  if (const auto message = answer.message()) {
    static_cast<void>(strata::collect::decode_pod_resources(*message));
  }
  static_cast<void>(strata::collect::decode_pod_resources(bytes));
  return 0;
}
