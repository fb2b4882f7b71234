#include "collect/pod_resources.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <thread>

#include "base/temp_dir.h"

namespace strata::collect {
namespace {

std::string field(int number, std::string_view content) {
  std::string out(1, static_cast<char>(number << 3 | 2));
  out += static_cast<char>(content.size());
  return out.append(content);
}

std::string frame(char type, char flags, std::string_view payload) {
  std::string out("\0\0\0\0\0\0\0\0\1", 9);
  out[1] = static_cast<char>(payload.size() >> 8);
  out[2] = static_cast<char>(payload.size());
  out[3] = type;
  out[4] = flags;
  return out.append(payload);
}

// A pod whose container "main" has `devices`.
std::string pod(std::string_view name, std::initializer_list<std::string_view> devices) {
  std::string ids = field(1, "nvidia.com/gpu");
  for (const auto id : devices) ids += field(2, id);
  return field(1, field(1, name) + field(2, "prod") +
                      field(3, field(1, "main") + std::string("\x18\x01") + field(2, ids)));
}

std::string grpc(const std::string& message) {
  std::string out("\0\0\0\0\0", 5);
  out[3] = static_cast<char>(message.size() >> 8);
  out[4] = static_cast<char>(message.size());
  return out + message;
}

TEST(PodResources, DevicesLeadToTheirContainers) {
  const auto pods = decode_pod_resources(pod("a", {"GPU-1", "GPU-2::3"}) + pod("b", {"MIG-7"}));
  ASSERT_TRUE(pods.has_value());
  EXPECT_EQ(*pods, (PodsByDevice{{"GPU-1", {"a", "prod", "main"}},
                                 {"GPU-2", {"a", "prod", "main"}},
                                 {"MIG-7", {"b", "prod", "main"}}}));
  EXPECT_TRUE(decode_pod_resources("")->empty());
}

TEST(PodResources, BytesThatAreNoListAreRefused) {
  for (const std::string_view bytes : {"\x0a\x7f", "\x0a", "\x0b", "\xff\xff\xff"}) {
    EXPECT_FALSE(decode_pod_resources(bytes).has_value());
  }
}

TEST(GrpcAnswer, AMessageComesInFramesOfAnySize) {
  const std::string message = grpc(pod("a", {"GPU-1"}));
  const std::string bytes = frame(4, 0, "") + frame(6, 0, "12345678") + frame(1, 4, "\x88") +
                            frame(0, 0, message.substr(0, 7)) +
                            frame(0, 8, "\2" + message.substr(7) + "xx") + frame(1, 5, "");
  GrpcAnswer answer;
  std::string reply;
  for (size_t i = 0; i + 1 < bytes.size(); ++i) {
    EXPECT_FALSE(*answer.feed(bytes.substr(i, 1), reply)) << i;
  }
  EXPECT_TRUE(*answer.feed(bytes.substr(bytes.size() - 1), reply));
  EXPECT_EQ(decode_pod_resources(*answer.message())->size(), 1u);
  // Settings and ping were answered.
  EXPECT_EQ(reply, std::string("\0\0\0\4\1\0\0\0\0", 9) + std::string("\0\0\10\6\1\0\0\0\0", 9) +
                       "12345678");
}

TEST(GrpcAnswer, ARefusalAndNonsenseAreErrors) {
  std::string reply;
  GrpcAnswer refused;
  EXPECT_TRUE(*refused.feed(frame(1, 5, "\x88"), reply));
  EXPECT_EQ(refused.message().error().code, ErrorCode::kUnavailable);
  GrpcAnswer reset;
  EXPECT_FALSE(reset.feed(frame(3, 0, "1234"), reply).has_value());
  GrpcAnswer http1;
  EXPECT_FALSE(http1.feed("HTTP/1.1 400 Bad Request\r\n\r\n", reply).has_value());
}

TEST(PodResources, AKubeletIsAskedThroughItsSocket) {
  const TempDir dir;
  const std::string path = dir.file("kubelet.sock");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  const int listener = ::socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(listener, 1), 0);
  std::jthread kubelet([&] {
    const int client = ::accept(listener, nullptr, nullptr);
    const std::string wanted = grpc_request("/v1.PodResourcesLister/List");
    std::string got;
    char buffer[4096];
    while (got.size() < wanted.size()) {
      const ssize_t n = ::recv(client, buffer, sizeof buffer, 0);
      if (n <= 0) break;
      got.append(buffer, static_cast<size_t>(n));
    }
    EXPECT_EQ(got, wanted);
    const std::string bytes = frame(4, 0, "") + frame(1, 4, "\x88") +
                              frame(0, 0, grpc(pod("a", {"GPU-1"}))) + frame(1, 5, "");
    ::send(client, bytes.data(), bytes.size(), 0);
    ::close(client);
  });
  ManualClock clock;
  PodResources pods(path, clock);
  EXPECT_EQ(pods.read(), (PodsByDevice{{"GPU-1", {"a", "prod", "main"}}}));
  kubelet.join();
  ::close(listener);
  EXPECT_TRUE(pods.read().empty()) << "nobody listens";
}

TEST(PodResources, WithoutASocketThereAreNoPods) {
  ManualClock clock;
  EXPECT_TRUE(PodResources("/does/not/exist.sock", clock).read().empty());
}

}  // namespace
}  // namespace strata::collect
