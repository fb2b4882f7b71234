// GET /metrics over HTTP/1.1, for programs that serve nothing else: one thread, one request at a
// time, the format that the scrape asks for.
//
//   auto endpoint = strata::metrics::HttpEndpoint::start({.port = 9400});
//   if (!endpoint) std::puts(endpoint.error.c_str());  // else endpoint.endpoint serves
//
// The endpoint serves until it is destroyed; the registry must outlive it. POSIX. Bounds: kMaxHead
// bytes of a request, kTimeout for each connection; one that is slower is closed.
#pragma once
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "strata/metrics.h"
#include "strata/metrics/negotiate.h"

namespace strata::metrics {

struct HttpEndpointOptions {
  std::string address = "127.0.0.1";  // IPv4; "0.0.0.0" for all
  uint16_t port = 0;                  // 0: any that is free
  Registry* registry = nullptr;       // null: the process'
};

class HttpEndpoint {
 public:
  static constexpr size_t kMaxHead = 8192;
  static constexpr std::chrono::milliseconds kTimeout{5000};

  struct Started {
    std::unique_ptr<HttpEndpoint> endpoint;
    std::string error;  // why there is none
    explicit operator bool() const { return endpoint != nullptr; }
  };
  static Started start(HttpEndpointOptions options) {
    auto made = std::unique_ptr<HttpEndpoint>(new HttpEndpoint(std::move(options)));
    std::string error = made->listen();
    if (!error.empty()) return {nullptr, std::move(error)};
    made->thread_ = std::thread([self = made.get()] { self->run(); });
    return {std::move(made), {}};
  }
  ~HttpEndpoint() {
    if (thread_.joinable()) {
      stopping_ = true;
      [[maybe_unused]] const ssize_t woken = ::write(wake_[1], "x", 1);
      thread_.join();
    }
    for (const int fd : {listener_, wake_[0], wake_[1]}) {
      if (fd >= 0) ::close(fd);
    }
  }
  HttpEndpoint(const HttpEndpoint&) = delete;
  HttpEndpoint& operator=(const HttpEndpoint&) = delete;

  uint16_t port() const { return port_; }

 private:
  using Clock = std::chrono::steady_clock;

  explicit HttpEndpoint(HttpEndpointOptions options)
      : options_(std::move(options)),
        registry_(options_.registry != nullptr ? *options_.registry : default_registry()) {}

  std::string failed(const char* what) const {
    return options_.address + ":" + std::to_string(options_.port) + ": " + what + ": " +
           std::strerror(errno);
  }

  std::string listen() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(options_.port);
    if (::inet_pton(AF_INET, options_.address.c_str(), &address.sin_addr) != 1) {
      return options_.address + " is no IPv4 address";
    }
    if (::pipe2(wake_.data(), O_CLOEXEC | O_NONBLOCK) != 0) return failed("pipe");
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener_ < 0) return failed("socket");
    const int on = 1;
    ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    socklen_t size = sizeof address;
    if (::bind(listener_, generic, size) != 0) return failed("bind");
    if (::listen(listener_, 16) != 0) return failed("listen");
    if (::getsockname(listener_, generic, &size) != 0) return failed("getsockname");
    port_ = ntohs(address.sin_port);
    return {};
  }

  void run() {
    while (wait(listener_, POLLIN, Clock::time_point::max())) {
      const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
      if (client < 0) {
        // Out of files, most likely: not at once again.
        if (errno != EAGAIN && errno != ECONNABORTED) std::this_thread::yield();
        continue;
      }
      serve(client, Clock::now() + kTimeout);
      ::close(client);
    }
  }

  /// False past `until`, and when the endpoint is to end.
  bool wait(int fd, short events, Clock::time_point until) {
    while (!stopping_) {
      int ms = -1;
      if (until != Clock::time_point::max()) {
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now());
        if (left.count() <= 0) return false;
        ms = static_cast<int>(left.count());
      }
      std::array<pollfd, 2> fds{pollfd{fd, events, 0}, pollfd{wake_[0], POLLIN, 0}};
      const int ready = ::poll(fds.data(), fds.size(), ms);
      if (ready < 0 && errno != EINTR) return false;
      if (ready > 0 && fds[0].revents != 0) return !stopping_;
    }
    return false;
  }

  void serve(int client, Clock::time_point until) {
    std::string head;
    std::array<char, 2048> piece;
    while (head.find("\r\n\r\n") == std::string::npos) {
      if (head.size() > kMaxHead) return answer(client, until, "431 Too Large", "", false);
      if (!wait(client, POLLIN, until)) return;
      const ssize_t got = ::recv(client, piece.data(), piece.size(), 0);
      if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) return;
      if (got > 0) head.append(piece.data(), static_cast<size_t>(got));
    }
    const std::string_view line = std::string_view(head).substr(0, head.find("\r\n"));
    const std::string_view method = line.substr(0, line.find(' '));
    std::string_view path = line.substr(std::min(line.size(), method.size() + 1));
    path = path.substr(0, path.find_first_of(" ?"));
    if (method != "GET" && method != "HEAD") {
      return answer(client, until, "405 Method Not Allowed", "", false);
    }
    if (path != "/metrics") return answer(client, until, "404 Not Found", "see /metrics\n", false);
    const Format format = negotiate(field(head, "accept"));
    const std::string body = registry_.text(format);
    answer(client, until, "200 OK", body, method == "HEAD", content_type(format));
  }

  /// The value of a field of the request, its name in lower case.
  static std::string_view field(std::string_view head, std::string_view name) {
    while (!head.empty()) {
      const size_t end = std::min(head.find("\r\n"), head.size());
      const std::string_view line = head.substr(0, end);
      head.remove_prefix(std::min(end + 2, head.size()));
      if (line.size() <= name.size() || line[name.size()] != ':') continue;
      bool same = true;
      for (size_t i = 0; i < name.size(); ++i) same = same && (line[i] | 0x20) == name[i];
      if (same) return detail::trim(line.substr(name.size() + 1));
    }
    return {};
  }

  void answer(int client, Clock::time_point until, std::string_view status, std::string_view body,
              bool head_only, std::string_view type = "text/plain; charset=utf-8") {
    std::string out = "HTTP/1.1 ";
    out.append(status).append("\r\nContent-Type: ").append(type);
    out.append("\r\nContent-Length: ").append(std::to_string(body.size()));
    out.append("\r\nConnection: close\r\n\r\n");
    if (!head_only) out += body;
    for (std::string_view left = out; !left.empty();) {
      const ssize_t sent = ::send(client, left.data(), left.size(), MSG_NOSIGNAL);
      if (sent > 0) left.remove_prefix(static_cast<size_t>(sent));
      if (sent < 0 && errno != EAGAIN && errno != EINTR) return;
      if (sent < 0 && !wait(client, POLLOUT, until)) return;
    }
  }

  const HttpEndpointOptions options_;
  Registry& registry_;
  std::array<int, 2> wake_{-1, -1};
  int listener_ = -1;
  uint16_t port_ = 0;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace strata::metrics
