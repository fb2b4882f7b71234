// For tests: the other end of a connection, driven by hand with blocking sockets. What is waited
// for too long (10 s) fails the test instead of hanging it.
#pragma once
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "base/mutex.h"

namespace strata::net {

/// A connected socket.
class Peer {
 public:
  explicit Peer(int fd) : fd_(fd) {
    const timeval patience{10, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  }
  Peer(Peer&& other) noexcept : fd_(std::exchange(other.fd_, -1)), got_(std::move(other.got_)) {}
  Peer& operator=(Peer&&) = delete;
  ~Peer() { close(); }

  static Peer connect(uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    EXPECT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    return Peer(fd);
  }

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;  // what comes back tells
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
  }
  /// Bytes up to and with `end`; what follows waits for the next call. All there was at the end of
  /// the connection.
  std::string read_until(std::string_view end) {
    size_t at = 0;
    while ((at = got_.find(end)) == std::string::npos) {
      if (!read_some()) return std::exchange(got_, {});
    }
    std::string out = got_.substr(0, at + end.size());
    got_.erase(0, at + end.size());
    return out;
  }
  std::string read(size_t bytes) {
    while (got_.size() < bytes && read_some()) {
    }
    std::string out = got_.substr(0, bytes);
    got_.erase(0, bytes);
    return out;
  }
  std::string read_all() {
    while (read_some()) {
    }
    return std::exchange(got_, {});
  }
  /// One response with a Content-Length: header, then body.
  std::pair<std::string, std::string> read_response() {
    std::string header = read_until("\r\n\r\n");
    const size_t at = header.find("Content-Length: ");
    const size_t length = at == std::string::npos ? 0 : std::stoul(header.substr(at + 16));
    return {std::move(header), read(length)};
  }
  void shutdown_write() { ::shutdown(fd_, SHUT_WR); }
  /// The other side sees a reset.
  void reset() {
    const linger at_once{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close();
  }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  int fd() const { return fd_; }

 private:
  bool read_some() {
    char piece[65536];
    const ssize_t got = ::recv(fd_, piece, sizeof piece, 0);
    if (got < 0 && errno == EAGAIN) ADD_FAILURE() << "nothing came for 10 s; so far: " << got_;
    if (got <= 0) return false;
    got_.append(piece, static_cast<size_t>(got));
    return true;
  }

  int fd_;
  std::string got_;
};

/// A server that plays a script: `script` runs on a thread of its own, for each connection in turn.
class ScriptedServer {
 public:
  using Script = std::function<void(Peer& peer, int connection)>;

  explicit ScriptedServer(Script script) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(fd_, 16), 0);
    socklen_t size = sizeof address;
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this, script = std::move(script)] {
      for (int i = 0;; ++i) {
        const int fd = ::accept(fd_, nullptr, nullptr);
        if (fd < 0) return;
        Peer peer(fd);
        set_current(fd);
        script(peer, i);
        set_current(-1);
      }
    });
  }
  ~ScriptedServer() {
    ::shutdown(fd_, SHUT_RDWR);  // accept returns
    {
      MutexLock lock(mutex_);
      closing_ = true;
      if (current_ >= 0) ::shutdown(current_, SHUT_RDWR);  // and so does a script that reads
    }
    thread_.join();
    ::close(fd_);
  }

  uint16_t port() const { return port_; }
  std::string url(std::string_view target = "/") const {
    return "http://127.0.0.1:" + std::to_string(port_) + std::string(target);
  }

 private:
  void set_current(int fd) {
    MutexLock lock(mutex_);
    current_ = fd;
    if (closing_ && fd >= 0) ::shutdown(fd, SHUT_RDWR);
  }

  const int fd_;
  uint16_t port_ = 0;
  Mutex mutex_;
  int current_ GUARDED_BY(mutex_) = -1;
  bool closing_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace strata::net
