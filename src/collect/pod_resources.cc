#include "collect/pod_resources.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include "base/log.h"

namespace strata::collect {
namespace {

// Frame types and flags (RFC 9113, section 6).
enum Frame : uint8_t {
  kData = 0,
  kHeaders = 1,
  kResetStream = 3,
  kSettings = 4,
  kPing = 6,
  kGoAway = 7,
  kWindowUpdate = 8,
};
constexpr uint8_t kEndStream = 0x1;
constexpr uint8_t kAck = 0x1;
constexpr uint8_t kEndHeaders = 0x4;
constexpr uint8_t kPadded = 0x8;
constexpr size_t kFrameHeader = 9;
constexpr size_t kMaxFrame = 16384;  // SETTINGS_MAX_FRAME_SIZE when nothing is said
constexpr size_t kGrpcHeader = 5;    // compressed?, length

void append_uint(std::string& out, uint64_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
    out += static_cast<char>(value >> shift & 0xff);
  }
}

uint32_t read_uint(std::string_view bytes, size_t count) {
  uint32_t value = 0;
  for (size_t i = 0; i < count; ++i) value = value << 8 | static_cast<uint8_t>(bytes[i]);
  return value;
}

void append_frame(std::string& out, Frame type, uint8_t flags, uint32_t stream,
                  std::string_view payload) {
  append_uint(out, payload.size(), 3);
  out += static_cast<char>(type);
  out += static_cast<char>(flags);
  append_uint(out, stream, 4);
  out += payload;
}

// HPACK: a literal that is not to be indexed. `name` is its bytes as they stand: an index, or a
// length and text.
void append_header(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  out += static_cast<char>(value.size());  // below 127, not Huffman-coded
  out += value;
}

// Protocol buffers' wire format: fields of one message, those that we do not know skipped.
class Message {
 public:
  explicit Message(std::string_view bytes) : rest_(bytes) {}

  /// The next field that is a string or a message; empty at the end.
  std::optional<std::pair<uint64_t, std::string_view>> next() {
    while (!rest_.empty() && good_) {
      const uint64_t key = varint();
      switch (key & 7) {
        case 0: varint(); break;
        case 1: skip(8); break;
        case 5: skip(4); break;
        case 2: {
          const uint64_t length = varint();
          if (!good_ || length > rest_.size()) return good_ = false, std::nullopt;
          const std::string_view content = rest_.substr(0, length);
          rest_.remove_prefix(length);
          return std::pair(key >> 3, content);
        }
        default: good_ = false;
      }
    }
    return std::nullopt;
  }
  bool good() const { return good_; }

 private:
  uint64_t varint() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (rest_.empty()) break;
      const auto byte = static_cast<uint8_t>(rest_.front());
      rest_.remove_prefix(1);
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    good_ = false;
    return 0;
  }
  void skip(size_t bytes) {
    good_ &= bytes <= rest_.size();
    rest_.remove_prefix(std::min(bytes, rest_.size()));
  }
  std::string_view rest_;
  bool good_ = true;
};

std::unexpected<Error> not_a_list() {
  return bad_data("the kubelet's answer is not a list of pods");
}

// ContainerResources {name = 1, devices = 2 {resource_name = 1, device_ids = 2}}
Result<> decode_container(std::string_view bytes, PodContainer who, PodsByDevice& out) {
  std::vector<std::string_view> devices;
  Message container(bytes);
  while (const auto field = container.next()) {
    if (field->first == 1) who.container = field->second;
    if (field->first != 2) continue;
    Message device(field->second);
    while (const auto part = device.next()) {
      if (part->first == 2) devices.push_back(part->second);
    }
    if (!device.good()) return not_a_list();
  }
  if (!container.good()) return not_a_list();
  for (const std::string_view id : devices) {
    if (out.size() == PodResources::kMaxDevices) break;
    out.insert_or_assign(std::string(id.substr(0, id.find("::"))), who);
  }
  return {};
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  const int fd_;
};

std::unexpected<Error> system_error(const char* what) {
  return fail(ErrorCode::kIo, std::string(what) + ": " + std::strerror(errno));
}

}  // namespace

Result<PodsByDevice> decode_pod_resources(std::string_view bytes) {
  PodsByDevice out;
  Message list(bytes);
  while (const auto pod_field = list.next()) {
    if (pod_field->first != 1) continue;
    // PodResources {name = 1, namespace = 2, containers = 3}; names may come after containers.
    PodContainer who;
    std::vector<std::string_view> containers;
    Message pod(pod_field->second);
    while (const auto field = pod.next()) {
      if (field->first == 1) who.pod = field->second;
      if (field->first == 2) who.namespace_ = field->second;
      if (field->first == 3) containers.push_back(field->second);
    }
    if (!pod.good()) return not_a_list();
    for (const std::string_view container : containers) TRY(decode_container(container, who, out));
  }
  if (!list.good()) return not_a_list();
  return out;
}

std::string grpc_request(std::string_view path) {
  std::string out = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  std::string settings;
  append_uint(settings, 0x4, 2);  // SETTINGS_INITIAL_WINDOW_SIZE: all of an answer without asking
  append_uint(settings, GrpcAnswer::kMaxAnswer, 4);
  append_frame(out, kSettings, 0, 0, settings);
  std::string window;
  append_uint(window, GrpcAnswer::kMaxAnswer, 4);
  append_frame(out, kWindowUpdate, 0, 0, window);
  std::string headers = "\x83\x86";  // :method POST, :scheme http
  append_header(headers, "\x04", path);
  append_header(headers, "\x01", "localhost");             // :authority
  append_header(headers, "\x0f\x10", "application/grpc");  // content-type
  append_header(headers, std::string_view("\0\2te", 4), "trailers");
  append_frame(out, kHeaders, kEndHeaders, 1, headers);
  append_frame(out, kData, kEndStream, 1, std::string_view("\0\0\0\0\0", kGrpcHeader));
  return out;
}

Result<bool> GrpcAnswer::feed(std::string_view bytes, std::string& reply) {
  unread_ += bytes;
  size_t at = 0;
  bool over = false;
  while (!over && unread_.size() - at >= kFrameHeader) {
    const std::string_view rest = std::string_view(unread_).substr(at);
    const size_t length = read_uint(rest, 3);
    if (length > kMaxFrame) return bad_data("the kubelet's socket does not speak HTTP/2");
    if (rest.size() < kFrameHeader + length) break;
    over = TRY(frame(static_cast<uint8_t>(rest[3]), static_cast<uint8_t>(rest[4]),
                     rest.substr(kFrameHeader, length), reply));
    at += kFrameHeader + length;
  }
  unread_.erase(0, at);
  return over;
}

Result<bool> GrpcAnswer::frame(uint8_t type, uint8_t flags, std::string_view payload,
                               std::string& reply) {
  switch (type) {
    case kData:
      if ((flags & kPadded) != 0) {
        const size_t padding = payload.empty() ? 0 : static_cast<uint8_t>(payload[0]);
        if (payload.size() < padding + 1) return bad_data("a frame is shorter than its padding");
        payload = payload.substr(1, payload.size() - 1 - padding);
      }
      if (body_.size() + payload.size() > kMaxAnswer) {
        return fail(ErrorCode::kLimit, "the kubelet's answer is larger than 16 MiB");
      }
      body_ += payload;
      return (flags & kEndStream) != 0;
    case kHeaders: return (flags & kEndStream) != 0;
    case kResetStream:
    case kGoAway: return fail(ErrorCode::kUnavailable, "the kubelet ended the call");
    case kSettings:
      if ((flags & kAck) == 0) append_frame(reply, kSettings, kAck, 0, {});
      return false;
    case kPing:
      if ((flags & kAck) == 0) append_frame(reply, kPing, kAck, 0, payload);
      return false;
    default: return false;
  }
}

Result<std::string_view> GrpcAnswer::message() const {
  if (body_.size() < kGrpcHeader) {
    return fail(ErrorCode::kUnavailable, "the kubelet refused to list pods");
  }
  const std::string_view body = body_;
  const size_t length = read_uint(body.substr(1), 4);
  if (body[0] != 0 || body.size() < kGrpcHeader + length) {
    return bad_data("the kubelet's answer is not one message");
  }
  return body.substr(kGrpcHeader, length);
}

Result<PodsByDevice> PodResources::ask() const {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_.size() >= sizeof address.sun_path) return bad_data("its path is too long");
  std::memcpy(address.sun_path, socket_.c_str(), socket_.size() + 1);
  const Descriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (fd.get() < 0) return system_error("socket");
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return system_error("connect");
  }
  std::string to_send = grpc_request("/v1.PodResourcesLister/List");
  GrpcAnswer answer;
  const auto until = std::chrono::steady_clock::now() + kDeadline;
  while (true) {
    while (!to_send.empty()) {
      const ssize_t sent = ::send(fd.get(), to_send.data(), to_send.size(), MSG_NOSIGNAL);
      if (sent <= 0) return system_error("send");  // a few bytes: the socket has room for them
      to_send.erase(0, static_cast<size_t>(sent));
    }
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        until - std::chrono::steady_clock::now());
    pollfd readable{fd.get(), POLLIN, 0};
    if (left.count() <= 0 || ::poll(&readable, 1, static_cast<int>(left.count())) == 0) {
      return fail(ErrorCode::kTimeout, "no answer");
    }
    char buffer[16384];
    const ssize_t n = ::recv(fd.get(), buffer, sizeof buffer, 0);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n <= 0) return fail(ErrorCode::kUnavailable, "the kubelet closed the connection");
    if (TRY(answer.feed({buffer, static_cast<size_t>(n)}, to_send))) break;
  }
  return decode_pod_resources(TRY(answer.message()));
}

PodsByDevice PodResources::read() {
  if (socket_.empty() || clock_.steady() < next_try_) return {};
  // No socket, no Kubernetes; it is cheap to look again.
  if (::access(socket_.c_str(), F_OK) != 0) return {};
  auto pods = ask();
  const std::string problem = pods ? "" : pods.error().message;
  if (problem != problem_ && !problem.empty()) {
    log_warn("the kubelet does not tell which pod uses which GPU",
             {{"socket", socket_}, {"error", problem}});
  }
  problem_ = problem;
  if (pods) return *std::move(pods);
  next_try_ = clock_.steady() + kPause;
  return {};
}

}  // namespace strata::collect
