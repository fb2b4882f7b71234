#include "remote/write_target.h"

#include <algorithm>

#include "base/hash.h"
#include "base/number.h"

namespace strata::remote {
namespace {

constexpr size_t kMaxAnswer = 64u << 10;

}  // namespace

WriteTarget::WriteTarget(discover::HttpFetch fetch, const config::RemoteWriteConfig& config, Fs& fs,
                         const Clock& clock)
    : config_(config),
      client_(std::move(fetch), config.http, fs, clock),
      version_(config.protobuf_message == "prometheus.WriteRequest" ? wire::RemoteWriteVersion::k1
                                                                    : wire::RemoteWriteVersion::k2),
      random_(hash64(config.url, static_cast<uint64_t>(clock.now_ms()))) {}

void WriteTarget::send(std::string body, net::HttpClient::Callback done) const {
  net::ClientRequest request{.method = "POST", .url = config_.url};
  client_.prepare(request);
  request.timeout = config_.remote_timeout;
  request.max_body_bytes = kMaxAnswer;
  request.body = std::move(body);
  for (const auto& [name, value] : config_.headers) request.headers.set(name, value);
  request.headers.set("Content-Encoding", "snappy");
  request.headers.set("Content-Type", wire::remote_write_content_type(version_));
  request.headers.set("X-Prometheus-Remote-Write-Version",
                      version_ == wire::RemoteWriteVersion::k2 ? "2.0.0" : "0.1.0");
  client_.fetch(std::move(request), std::move(done));
}

bool WriteTarget::may_mend(const Result<net::ClientResponse>& response) const {
  if (!response) return response.error().code != ErrorCode::kBadData;
  if (response->status == 429) return config_.queue_config.retry_on_http_429;
  return response->status >= 500;
}

std::chrono::nanoseconds WriteTarget::pause(std::chrono::nanoseconds& last,
                                            const Result<net::ClientResponse>& response) const {
  const auto& queue = config_.queue_config;
  last = std::clamp<std::chrono::nanoseconds>(last * 2, queue.min_backoff, queue.max_backoff);
  std::chrono::nanoseconds pause = last;
  if (response) {
    const auto seconds = parse_uint(response->headers.value("Retry-After"));
    if (seconds) {
      pause = std::min(
          std::chrono::seconds(static_cast<int64_t>(std::min<uint64_t>(*seconds, 1u << 20))),
          kLongestRetryAfter);
    }
  }
  const uint64_t random = hash64({}, random_.load(std::memory_order_relaxed));
  random_.store(random, std::memory_order_relaxed);
  return pause * 9 / 10 + pause * (random % 1000) / 5000;
}

std::string refusal(const Result<net::ClientResponse>& response) {
  if (!response) return response.error().message;
  return fmt::format("status {}: {}", response->status, response->body.substr(0, 200));
}

}  // namespace strata::remote
