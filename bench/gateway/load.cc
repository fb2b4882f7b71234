// Load for a gateway and what it is compared with: keeps N connections busy with one request each,
// or opens N streams and keeps them open. One thread, epoll. bench/gateway.py runs it.
//
//   gateway_load HOST:PORT FILE CONNECTIONS SECONDS [RATE]
//
// FILE is a request as bytes. RATE requests a second in all; 0 or none: as many as come back.
// Prints a line of JSON: requests, errors, bytes, seconds, CPU seconds, latencies in microseconds.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

struct Connection {
  int fd = -1;
  bool busy = false;
  Clock::time_point due;  // when the request should have gone out: latency counts from there
  std::string head;       // of the answer, until it is whole
  bool in_body = false;
  bool chunked = false;
  size_t left = 0;   // of a body with a length
  std::string tail;  // the last bytes of a chunked body
};

struct Result {
  uint64_t requests = 0;
  uint64_t errors = 0;
  uint64_t bytes = 0;
  std::vector<uint32_t> micros;
};

sockaddr_in address_of(std::string_view text) {
  const size_t colon = text.rfind(':');
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(std::atoi(text.data() + colon + 1)));
  inet_pton(AF_INET, std::string(text.substr(0, colon)).c_str(), &address.sin_addr);
  return address;
}

class Load {
 public:
  Load(sockaddr_in address, std::string request, size_t connections, double rate)
      : address_(address), request_(std::move(request)), connections_(connections), rate_(rate) {
    epoll_ = epoll_create1(0);
  }

  Result run(double seconds) {
    const auto begin = Clock::now();
    next_due_ = begin;
    const auto end =
        begin + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
    for (size_t i = 0; i < connections_.size(); ++i) open(i);
    while (Clock::now() < end) {
      start_due();
      epoll_event events[256];
      const int count = epoll_wait(epoll_, events, 256, rate_ > 0 ? 0 : 10);
      for (int i = 0; i < count; ++i) read(events[i].data.u64);
    }
    return std::move(result_);
  }

 private:
  void open(size_t i) {
    Connection& one = connections_[i];
    one = Connection();
    one.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(one.fd, reinterpret_cast<const sockaddr*>(&address_), sizeof address_) != 0) {
      std::perror("connect");
      std::exit(1);
    }
    const int on = 1;
    setsockopt(one.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    fcntl(one.fd, F_SETFL, O_NONBLOCK);
    epoll_event event{.events = EPOLLIN, .data = {.u64 = i}};
    epoll_ctl(epoll_, EPOLL_CTL_ADD, one.fd, &event);
    idle_.push_back(i);
  }

  void start_due() {
    const auto now = Clock::now();
    while (!idle_.empty() && (rate_ <= 0 || next_due_ <= now)) {
      const size_t i = idle_.back();
      idle_.pop_back();
      Connection& one = connections_[i];
      one.due = rate_ > 0 ? next_due_ : now;
      if (rate_ > 0) {
        next_due_ += std::chrono::nanoseconds(static_cast<int64_t>(1e9 / rate_));
      }
      one.busy = true;
      if (::write(one.fd, request_.data(), request_.size()) !=
          static_cast<ssize_t>(request_.size())) {
        ++result_.errors;
      }
    }
  }

  void read(size_t i) {
    static char buffer[1 << 18];
    Connection& one = connections_[i];
    while (true) {
      const ssize_t got = ::read(one.fd, buffer, sizeof buffer);
      if (got < 0) return;
      if (got == 0) {
        ++result_.errors;
        close(one.fd);
        return open(i);
      }
      result_.bytes += static_cast<uint64_t>(got);
      if (take(one, {buffer, static_cast<size_t>(got)})) {
        ++result_.requests;
        result_.micros.push_back(static_cast<uint32_t>(
            std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - one.due).count()));
        one.busy = false;
        one.in_body = false;
        one.head.clear();
        one.tail.clear();
        idle_.push_back(i);
        if (rate_ <= 0) start_due();
      }
      if (static_cast<size_t>(got) < sizeof buffer) return;
    }
  }

  /// Whether the answer is whole.
  bool take(Connection& one, std::string_view bytes) {
    if (!one.in_body) {
      one.head += bytes;
      const size_t end = one.head.find("\r\n\r\n");
      if (end == std::string::npos) return false;
      if (one.head.compare(9, 3, "200") != 0) ++result_.errors;
      one.in_body = true;
      const std::string body = one.head.substr(end + 4);
      std::ranges::transform(one.head, one.head.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
      });
      const size_t length = one.head.find("content-length: ");
      one.chunked = length == std::string::npos || length > end;
      one.left = one.chunked ? 0 : std::strtoull(one.head.c_str() + length + 16, nullptr, 10);
      return take_body(one, body);
    }
    return take_body(one, bytes);
  }

  static bool take_body(Connection& one, std::string_view bytes) {
    if (!one.chunked) {
      one.left -= std::min(one.left, bytes.size());
      return one.left == 0;
    }
    constexpr std::string_view kEnd = "0\r\n\r\n";
    one.tail.append(bytes.substr(bytes.size() - std::min(bytes.size(), kEnd.size())));
    if (one.tail.size() > kEnd.size()) one.tail.erase(0, one.tail.size() - kEnd.size());
    return one.tail == kEnd;
  }

  const sockaddr_in address_;
  const std::string request_;
  std::vector<Connection> connections_;
  std::vector<size_t> idle_;
  const double rate_;
  Clock::time_point next_due_;
  int epoll_ = -1;
  Result result_;
};

uint32_t quantile(std::vector<uint32_t>& sorted, double q) {
  if (sorted.empty()) return 0;
  return sorted[std::min(sorted.size() - 1,
                         static_cast<size_t>(q * static_cast<double>(sorted.size())))];
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) {
    std::fprintf(stderr, "usage: gateway_load HOST:PORT FILE CONNECTIONS SECONDS [RATE]\n");
    return 2;
  }
  rlimit files{1 << 20, 1 << 20};
  if (setrlimit(RLIMIT_NOFILE, &files) != 0) getrlimit(RLIMIT_NOFILE, &files);
  std::ifstream file(argv[2], std::ios::binary);
  std::string request{std::istreambuf_iterator<char>(file), {}};
  const double seconds = std::atof(argv[4]);
  Load load(address_of(argv[1]), std::move(request), static_cast<size_t>(std::atoi(argv[3])),
            argc > 5 ? std::atof(argv[5]) : 0);
  Result result = load.run(seconds);
  std::ranges::sort(result.micros);
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const double cpu = static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                     static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
  std::printf(
      "{\"requests\":%llu,\"errors\":%llu,\"bytes\":%llu,\"seconds\":%.3f,\"cpu\":%.3f,"
      "\"p50_us\":%u,\"p99_us\":%u}\n",
      static_cast<unsigned long long>(result.requests),
      static_cast<unsigned long long>(result.errors), static_cast<unsigned long long>(result.bytes),
      seconds, cpu, quantile(result.micros, 0.5), quantile(result.micros, 0.99));
  return 0;
}
