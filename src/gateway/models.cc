// Connection's answer to GET /v1/models where there are several upstreams: one list of what they
// all serve, asked for anew each time, with the client's own key where an upstream has none.
#include <fmt/format.h>

#include "gateway/connection.h"
#include "gateway/model_list.h"
#include "net/deadline.h"
#include "net/headers.h"
#include "net/http_client.h"
#include "net/loop_impl.h"

namespace strata::gateway {
namespace {

namespace asio = boost::asio;
constexpr std::chrono::seconds kTimeout{5};
constexpr size_t kMaxAnswer = size_t{4} << 20;

/// What the upstreams said so far; kept alive by those that are still to answer.
struct Asked {
  explicit Asked(asio::io_context& io) : answered(io) {}
  ModelList list;
  size_t left = 0;
  bool any = false;
  net::Signal answered;
};

net::ClientRequest request_of(const Upstream& upstream, const RequestHead& head) {
  net::ClientRequest request;
  request.url = upstream.config().url + "/v1/models";
  request.timeout = kTimeout;
  request.max_body_bytes = kMaxAnswer;
  request.follow_redirects = false;
  request.tls = upstream.tls();
  if (!upstream.authorization().empty()) {
    request.headers.set("Authorization", upstream.authorization());
    return request;
  }
  for (const char* name : {"Authorization", "X-Api-Key", "Api-Key"}) {
    if (head.has(name)) request.headers.set(name, head.value(name));
  }
  return request;
}

}  // namespace

asio::awaitable<bool> Connection::list_models() {
  const auto asked = std::make_shared<Asked>(core_->loop.impl().io);
  for (const auto& upstream : settings_->router->upstreams()) {
    ++asked->left;
    core_->client->fetch(
        request_of(*upstream, head_), [asked, upstream](Result<net::ClientResponse> answer) {
          --asked->left;
          const auto serves = [&](const std::string& id) { return upstream->serves(id); };
          if (answer && answer->status == 200 && asked->list.add(answer->body, serves)) {
            asked->any = true;
          }
          asked->answered.notify();
        });
  }
  while (asked->left > 0) co_await asked->answered.wait();
  if (client_gone_) co_return false;
  if (!asked->any) {
    co_return co_await refuse(502, "no upstream says its models", Outcome::kUpstreamError);
  }
  const std::string body = asked->list.json();
  record_.status = 200;
  record_.outcome = Outcome::kOk;
  record_.ttfb = since_request();
  record_.response_bytes = body.size();
  out_ = fmt::format("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n",
                     body.size());
  if (!keep_alive_) out_ += "Connection: close\r\n";
  out_.append("\r\n").append(head_.method == "HEAD" ? "" : body);
  co_return co_await write(out_);
}

}  // namespace strata::gateway
