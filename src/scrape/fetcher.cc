#include "scrape/fetcher.h"

#include "base/fs.h"
#include "base/number.h"
#include "net/basic_auth.h"

namespace strata::scrape {
namespace {

// A credential's file without the newline that editors leave at its end.
Result<std::string> read_credential(const std::string& path) {
  auto text = TRY(real_fs().read_file(path));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

Result<std::string> value_or_file(std::string value, const std::string& file) {
  if (file.empty()) return value;
  return read_credential(file);
}

Result<> add_credentials(const config::HttpClientConfig& http, net::Headers& headers) {
  if (http.basic_auth) {
    const auto user = TRY(value_or_file(http.basic_auth->username, http.basic_auth->username_file));
    const auto password =
        TRY(value_or_file(http.basic_auth->password.reveal(), http.basic_auth->password_file));
    headers.set("Authorization", net::basic_authorization(user + ":" + password));
  }
  if (http.authorization) {
    const auto credentials = TRY(value_or_file(http.authorization->credentials.reveal(),
                                               http.authorization->credentials_file));
    headers.set("Authorization", http.authorization->type + " " + credentials);
  }
  for (const auto& header : http.http_headers) {
    for (const auto& value : header.values) headers.add(header.name, value);
    for (const auto& secret : header.secrets) headers.add(header.name, secret.reveal());
    for (const auto& file : header.files) headers.add(header.name, TRY(read_credential(file)));
  }
  return {};
}

net::TlsVersion tls_version(config::TlsVersion version, net::TlsVersion fallback) {
  switch (version) {
    case config::TlsVersion::kUnset: return fallback;
    case config::TlsVersion::kTls10: return net::TlsVersion::kTls10;
    case config::TlsVersion::kTls11: return net::TlsVersion::kTls11;
    case config::TlsVersion::kTls12: return net::TlsVersion::kTls12;
    case config::TlsVersion::kTls13: return net::TlsVersion::kTls13;
  }
  return fallback;
}

net::TlsOptions tls_options(const config::TlsConfig& config) {
  net::TlsOptions tls;
  tls.ca_file = config.ca_file;
  tls.ca_pem = config.ca;
  tls.cert_file = config.cert_file;
  tls.cert_pem = config.cert;
  tls.key_file = config.key_file;
  tls.key_pem = config.key.reveal();
  tls.server_name = config.server_name;
  tls.insecure_skip_verify = config.insecure_skip_verify;
  tls.min_version = tls_version(config.min_version, net::TlsVersion::kTls12);
  tls.max_version = tls_version(config.max_version, net::TlsVersion::kTls13);
  return tls;
}

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
  HttpFetcher(net::HttpClient& client, std::shared_ptr<const config::ScrapeConfig> config,
              const discover::Target& target)
      : client_(client), config_(std::move(config)) {
    template_.url = target.url;
    template_.unix_socket = target.unix_socket;
    template_.timeout = target.timeout;
    template_.accept_gzip = config_->enable_compression;
    template_.follow_redirects = config_->http.follow_redirects;
    template_.tls = tls_options(config_->http.tls_config);
    template_.proxy_url = config_->http.proxy.proxy_url;
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
    if (auto added = add_credentials(config_->http, request.headers); !added) {
      return done(std::unexpected(added.error()));
    }
    client_.fetch(std::move(request), [config = config_, done = std::move(done)](
                                          Result<net::ClientResponse> response) mutable {
      done(body_of(*config, std::move(response)));
    });
  }

 private:
  static Result<Body> body_of(const config::ScrapeConfig& config,
                              Result<net::ClientResponse> response) {
    if (!response) return std::unexpected(std::move(response).error());
    if (response->status != 200) {
      return bad_data(fmt::format("server returned HTTP status {} {}", response->status,
                                  net::reason_phrase(response->status)));
    }
    Body body;
    const auto content_type = response->headers.value("Content-Type");
    auto format = wire::format_of_content_type(content_type);
    if (!format && config.fallback_scrape_protocol) {
      const auto fallback = *config.fallback_scrape_protocol;
      const bool open_metrics = fallback == config::ScrapeProtocol::kOpenMetricsText001 ||
                                fallback == config::ScrapeProtocol::kOpenMetricsText100;
      format = open_metrics ? wire::ExpositionFormat::kOpenMetrics : wire::ExpositionFormat::kText;
    }
    if (!format) return std::unexpected(format.error());
    body.format = *format;
    body.bytes = std::move(response->body);
    return body;
  }

  net::HttpClient& client_;
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
    if (protocol == config::ScrapeProtocol::kPrometheusProto) continue;  // cannot read it yet
    out.append(accept_entry(protocol));
    if (has_escaping(protocol)) {
      out.append(";escaping=").append(to_string(config.metric_name_escaping_scheme));
    }
    out.append(fmt::format(";q=0.{},", std::max(weight--, 1)));
  }
  out.append("*/*;q=0.1");
  return out;
}

std::unique_ptr<Fetcher> make_http_fetcher(net::HttpClient& client,
                                           std::shared_ptr<const config::ScrapeConfig> config,
                                           const discover::Target& target) {
  return std::make_unique<HttpFetcher>(client, std::move(config), target);
}

std::unique_ptr<Fetcher> make_in_process_fetcher(Source source, ThreadPool& pool) {
  return std::make_unique<InProcessFetcher>(std::move(source), pool);
}

}  // namespace strata::scrape
