// An engine elsewhere that is asked instead of the local store: VictoriaMetrics, Mimir, Thanos or
// Prometheus, over Prometheus' HTTP API (`query.backend` of strata.yml).
//
// Whole expressions go there and results come back, so a range query over a month costs a request
// and not a month of samples; what an expression means is then the backend's (MetricsQL has its own
// rate()). What asks for series instead, federation and remote read, gets them by their selectors;
// stale markers are not among samples that come that way. docs/decisions/0015-query-backend.md says
// why it is so.
//
// Owned by app/. Thread-safe; the caller's thread waits for the answer: at most the configured
// timeout, and no longer than until stop(). Bound: kMaxAnswer bytes an answer.
#pragma once
#include <functional>
#include <stop_token>
#include <string>

#include "config/query_config.h"
#include "discover/peer_client.h"
#include "model/query_evaluator.h"
#include "model/series_source.h"
#include "net/url.h"
#include "strata/metrics.h"

namespace strata::remote {

struct QueryBackendDeps {
  discover::HttpFetch fetch;
  Fs& fs;
  const Clock& clock;
  metrics::Registry& registry;
};

class QueryBackend final : public SeriesSource, public QueryEvaluator {
 public:
  static constexpr size_t kMaxAnswer = size_t{256} << 20;

  QueryBackend(QueryBackendDeps deps, config::QueryBackendConfig config);
  ~QueryBackend() override;

  Result<QueryResult> instant(std::string_view expr, TimestampMs at,
                              const EvaluationTerms& terms) const override;
  Result<QueryResult> range(std::string_view expr, TimestampMs start, TimestampMs end, Millis step,
                            const EvaluationTerms& terms) const override;

  /// Error: also kBadData for a range without a beginning, when samples are read.
  Result<std::unique_ptr<SeriesSet>> select(std::span<const Matcher> matchers, TimeRange range,
                                            size_t limit) const override;
  Result<std::vector<std::string>> label_names(std::span<const Matcher> matchers,
                                               TimeRange range) const override;
  Result<std::vector<std::string>> label_values(std::string_view name,
                                                std::span<const Matcher> matchers,
                                                TimeRange range) const override;
  const QueryEvaluator* evaluator() const override { return this; }

  /// What it answers to a GET of /api/v1/… with status 200: JSON, as it came. `stop` may be that of
  /// a client who leaves.
  Result<std::string> get(const std::string& path, const net::FormValues& parameters,
                          const std::stop_token& stop) const;

  /// Whoever waits gets kCanceled, also those who come later.
  void stop() { stopping_.request_stop(); }

 private:
  class Series;
  Result<net::ClientResponse> ask(std::string_view method, const std::string& path,
                                  const net::FormValues& parameters, Millis timeout,
                                  const std::stop_token& stop) const;
  Result<QueryResult> evaluate(const std::string& path, net::FormValues parameters,
                               const EvaluationTerms& terms) const;
  Result<std::vector<std::string>> names(const std::string& path, std::span<const Matcher> matchers,
                                         TimeRange range) const;
  Error within(Error error) const;

  const QueryBackendDeps deps_;
  const config::QueryBackendConfig config_;
  const discover::PeerClient client_;
  const std::string shown_url_;  // fit for a message
  std::stop_source stopping_;
  metrics::Family<metrics::Counter, "result">& requests_;
  metrics::Histogram& duration_;
};

/// What there is of a server that only forwards: every question is answered with where to ask.
class NoQueries final : public SeriesSource, public QueryEvaluator {
 public:
  explicit NoQueries(std::string why) : why_(std::move(why)) {}

  Result<QueryResult> instant(std::string_view, TimestampMs, const EvaluationTerms&) const override;
  Result<QueryResult> range(std::string_view, TimestampMs, TimestampMs, Millis,
                            const EvaluationTerms&) const override;
  Result<std::unique_ptr<SeriesSet>> select(std::span<const Matcher>, TimeRange,
                                            size_t) const override;
  Result<std::vector<std::string>> label_names(std::span<const Matcher>, TimeRange) const override;
  Result<std::vector<std::string>> label_values(std::string_view, std::span<const Matcher>,
                                                TimeRange) const override;
  const QueryEvaluator* evaluator() const override { return this; }

 private:
  const std::string why_;
};

}  // namespace strata::remote
