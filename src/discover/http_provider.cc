#include <algorithm>

#include "base/number.h"
#include "config/url.h"
#include "discover/answer_box.h"
#include "discover/discovery.h"
#include "discover/group_json.h"

namespace strata::discover {
namespace {

/// application/json, perhaps with charset=utf-8: what Prometheus takes.
bool is_json(std::string_view content_type) {
  std::string text;
  for (const char c : content_type) {
    if (c == ' ' || c == '\t' || c == '"') continue;
    text.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c);
  }
  return text == "application/json" || text == "application/json;charset=utf-8";
}

class HttpProvider final : public Provider {
 public:
  HttpProvider(const config::HttpSdConfig& config, const DiscoveryDeps& deps, Metrics& metrics)
      : url_(config.url),
        interval_(std::max(config.refresh_interval, Millis{1})),
        client_(deps.http, config.http, deps.fs, deps.clock),
        metrics_(metrics) {
    request_.url = url_;
    request_.timeout = interval_;
    request_.headers = {{"Accept", "application/json"}};
    const double seconds = std::chrono::duration<double>(config.refresh_interval).count();
    request_.headers.set("X-Prometheus-Refresh-Interval-Seconds", format_double(seconds));
    request_.stop = stop_.get_token();
    client_.prepare(request_);
  }
  ~HttpProvider() override { stop_.request_stop(); }

  Groups refresh(std::vector<std::string>& errors) override {
    if (box_ == nullptr) ask();
    auto response = box_->take();
    if (!response) return std::nullopt;
    box_.reset();
    if (auto groups = groups_of(*response)) {
      groups_ = *std::move(groups);
    } else {
      metrics_.http_failures.inc();
      errors.push_back(groups.error().within("http_sd " + config::redact_url(url_)).message);
    }
    return groups_;
  }
  Millis refresh_interval() const override { return box_ == nullptr ? interval_ : kLookAgain; }

 private:
  using Box = AnswerBox<net::ClientResponse>;

  void ask() {
    box_ = std::make_shared<Box>();
    client_.fetch(request_, [box = box_](auto response) { box->put(std::move(response)); });
  }

  Result<std::vector<TargetGroup>> groups_of(const Result<net::ClientResponse>& response) const {
    if (!response) return std::unexpected(response.error());
    if (response->status != 200) {
      return bad_data(fmt::format("server returned HTTP status {} {}", response->status,
                                  net::reason_phrase(response->status)));
    }
    const std::string_view type = response->headers.value("Content-Type");
    if (!is_json(type)) {
      return bad_data(fmt::format("Content-Type is \"{}\", not application/json", type));
    }
    std::vector<TargetGroup> groups = TRY(parse_groups(response->body));
    for (size_t i = 0; i < groups.size(); ++i) {
      LabelsBuilder labels(groups[i].labels);
      groups[i].labels = labels.set("__meta_url", url_).build();
      groups[i].source = fmt::format("{}:{}", url_, i);
    }
    return groups;
  }

  const std::string url_;
  const Millis interval_;
  const PeerClient client_;
  Metrics& metrics_;
  std::stop_source stop_;
  net::ClientRequest request_;
  std::shared_ptr<Box> box_;  // while an answer is awaited
  std::vector<TargetGroup> groups_;
};

}  // namespace

std::unique_ptr<Provider> make_http_provider(const config::HttpSdConfig& config,
                                             const DiscoveryDeps& deps, Metrics& metrics) {
  return std::make_unique<HttpProvider>(config, deps, metrics);
}

}  // namespace strata::discover
