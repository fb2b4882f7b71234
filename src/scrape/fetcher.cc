#include "scrape/fetcher.h"

#include "base/number.h"
#include "wire/protobuf_exposition.h"

namespace strata::scrape {
namespace {

// The protocols' Accept entries, best first (Prometheus' scrape.acceptHeader).
std::string_view accept_entry(config::ScrapeProtocol protocol) {
  switch (protocol) {
    case config::ScrapeProtocol::kPrometheusProto:
      return "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"
             "encoding=delimited";
    case config::ScrapeProtocol::kPrometheusText004: return "text/plain;version=0.0.4";
    case config::ScrapeProtocol::kPrometheusText100: return "text/plain;version=1.0.0";
    case config::ScrapeProtocol::kOpenMetricsText001:
      return "application/openmetrics-text;version=0.0.1";
    case config::ScrapeProtocol::kOpenMetricsText100:
      return "application/openmetrics-text;version=1.0.0";
  }
  return "*/*";
}

bool has_escaping(config::ScrapeProtocol protocol) {
  return protocol == config::ScrapeProtocol::kPrometheusText100 ||
         protocol == config::ScrapeProtocol::kOpenMetricsText100;
}

class HttpFetcher final : public Fetcher {
 public:
  HttpFetcher(std::shared_ptr<const discover::PeerClient> peer,
              std::shared_ptr<const config::ScrapeConfig> config, const discover::Target& target)
      : peer_(std::move(peer)), config_(std::move(config)) {
    template_.url = target.url;
    template_.unix_socket = target.unix_socket;
    template_.timeout = target.timeout;
    template_.accept_gzip = config_->enable_compression;
    peer_->prepare(template_);
    if (config_->body_size_limit.bytes > 0) {
      template_.max_body_bytes = static_cast<size_t>(config_->body_size_limit.bytes);
    }
    template_.headers.set("Accept", accept_header(*config_));
    template_.headers.set("X-Prometheus-Scrape-Timeout-Seconds",
                          format_double(std::chrono::duration<double>(target.timeout).count()));
  }

  void fetch(std::string buffer, std::stop_token stop, Done done) override {
    auto request = template_;
    request.stop = std::move(stop);
    request.body_buffer = std::move(buffer);
    peer_->fetch(std::move(request), [config = config_, done = std::move(done)](
                                         Result<net::ClientResponse> response) mutable {
      done(body_of(*config, std::move(response)));
    });
  }

 private:
  /// A body that is still empty.
  static Result<Body> format_of(const config::ScrapeConfig& config, std::string_view content_type) {
    Body body;
    body.is_protobuf = wire::is_protobuf(content_type);
    if (body.is_protobuf) return body;
    const auto format = wire::format_of_content_type(content_type);
    if (format) {
      body.format = *format;
      return body;
    }
    if (!config.fallback_scrape_protocol) return std::unexpected(format.error());
    const auto fallback = *config.fallback_scrape_protocol;
    body.is_protobuf = fallback == config::ScrapeProtocol::kPrometheusProto;
    const bool open_metrics = fallback == config::ScrapeProtocol::kOpenMetricsText001 ||
                              fallback == config::ScrapeProtocol::kOpenMetricsText100;
    if (open_metrics) body.format = wire::ExpositionFormat::kOpenMetrics;
    return body;
  }

  static Result<Body> body_of(const config::ScrapeConfig& config,
                              Result<net::ClientResponse> response) {
    if (!response) return std::unexpected(std::move(response).error());
    if (response->status != 200) {
      return bad_data(fmt::format("server returned HTTP status {} {}", response->status,
                                  net::reason_phrase(response->status)));
    }
    auto body = TRY(format_of(config, response->headers.value("Content-Type")));
    body.bytes = std::move(response->body);
    return body;
  }

  std::shared_ptr<const discover::PeerClient> peer_;
  std::shared_ptr<const config::ScrapeConfig> config_;
  net::ClientRequest template_;
};

class InProcessFetcher final : public Fetcher {
 public:
  InProcessFetcher(Source source, ThreadPool& pool)
      : source_(std::make_shared<Source>(std::move(source))), pool_(pool) {}

  void fetch(std::string buffer, std::stop_token, Done done) override {
    auto work = std::make_shared<Work>(std::move(buffer), std::move(done));
    const bool taken = pool_.submit(Lane::kIngest, [work, source = source_] {
      Body body;
      body.bytes = std::move(work->buffer);
      body.bytes.clear();
      (*source)(body.bytes);
      work->done(std::move(body));
    });
    if (!taken) work->done(fail(ErrorCode::kUnavailable, "the collector's queue is full"));
  }

 private:
  struct Work {
    std::string buffer;
    Done done;
  };
  std::shared_ptr<Source> source_;
  ThreadPool& pool_;
};

}  // namespace

std::string accept_header(const config::ScrapeConfig& config) {
  // Weights fall from 0.6 by 0.1, as Prometheus sends them.
  std::string out;
  int weight = 6;
  for (const auto protocol : config.scrape_protocols) {
    out.append(accept_entry(protocol));
    if (has_escaping(protocol)) {
      out.append(";escaping=").append(to_string(config.metric_name_escaping_scheme));
    }
    out.append(fmt::format(";q=0.{},", std::max(weight--, 1)));
  }
  out.append("*/*;q=0.1");
  return out;
}

std::unique_ptr<Fetcher> make_http_fetcher(std::shared_ptr<const discover::PeerClient> peer,
                                           std::shared_ptr<const config::ScrapeConfig> config,
                                           const discover::Target& target) {
  return std::make_unique<HttpFetcher>(std::move(peer), std::move(config), target);
}

std::unique_ptr<Fetcher> make_in_process_fetcher(Source source, ThreadPool& pool) {
  return std::make_unique<InProcessFetcher>(std::move(source), pool);
}

}  // namespace strata::scrape
