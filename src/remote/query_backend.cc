#include "remote/query_backend.h"

#include <algorithm>
#include <future>

#include "base/mutex.h"
#include "base/number.h"
#include "discover/json_reader.h"
#include "wire/query_json.h"

namespace strata::remote {
namespace {

using discover::JsonReader;

std::string seconds(int64_t milliseconds) {
  std::string out;
  wire::append_timestamp_json(out, milliseconds);
  return out;
}

std::string selector(std::span<const Matcher> matchers) {
  std::string out = "{";
  for (const Matcher& matcher : matchers) {
    out += (out.size() > 1 ? "," : "") + matcher.to_string();
  }
  return out + "}";
}

// `match[]`, `start` and `end`; what has no bound is left out, and then the backend has its own.
net::FormValues selection(std::span<const Matcher> matchers, TimeRange range) {
  net::FormValues out;
  if (!matchers.empty()) out.add("match[]", selector(matchers));
  if (range.min != kMinTime) out.add("start", seconds(range.min));
  if (range.max != kMaxTime) out.add("end", seconds(range.max));
  return out;
}

// An answer's list of labels or names; what is no such list is kBadData.
template <class Item>
Result<> read_data(std::string_view json, Item&& item) {
  JsonReader reader(json);
  reader.object([&](std::string_view key) {
    if (key != "data") return static_cast<void>(reader.skip());
    reader.array([&] { item(reader); });
  });
  return reader.finish();
}

// An answer that no Prometheus would give: something else is at that address.
Error unlike(std::string_view what) {
  return {ErrorCode::kUnavailable, fmt::format("it does not answer as Prometheus does: {}", what)};
}

// An answer that is no success, as the error that it speaks of.
Error error_of(const net::ClientResponse& response) {
  constexpr size_t kShown = 300;
  std::string message = response.body.substr(0, kShown);
  JsonReader reader(response.body);
  if (response.body.starts_with('{')) {
    reader.object([&](std::string_view key) {
      if (key == "error") return reader.string(message);
      reader.skip();
    });
  }
  const auto code = response.status == 400   ? ErrorCode::kBadData
                    : response.status == 422 ? ErrorCode::kExecution
                    : response.status == 404 ? ErrorCode::kNotFound
                                             : ErrorCode::kUnavailable;
  return {code, fmt::format("status {}: {}", response.status, message)};
}

// Without what nobody else should see.
std::string shown(const std::string& url) {
  const auto parsed = net::parse_url(url);
  return parsed ? parsed->to_string() : url;
}

std::unexpected<Error> forwards_only(const std::string& why) {
  return fail(ErrorCode::kUnavailable, why);
}

}  // namespace

/// The labels were asked for when it was made; samples are when they are first read, of all series
/// at once.
class QueryBackend::Series final : public SeriesSet {
 public:
  Series(const QueryBackend& backend, std::span<const Matcher> matchers, TimeRange range,
         std::vector<Labels> labels)
      : backend_(backend),
        selector_(selector(matchers)),
        range_(range),
        labels_(std::move(labels)) {}

  size_t size() const override { return labels_.size(); }
  const Labels& labels(size_t i) const override { return labels_[i]; }

  Result<> read(size_t i, TimeRange range, SampleColumns& out) const override {
    out.clear();
    MutexLock lock(mutex_);
    if (!matrix_) {
      matrix_ = TRY(fetch());
      std::ranges::sort(*matrix_, {}, &MatrixSeries::metric);
    }
    const auto found = std::ranges::lower_bound(*matrix_, labels_[i], {}, &MatrixSeries::metric);
    if (found == matrix_->end() || found->metric != labels_[i]) return {};
    bool histograms = false;
    for (const Point& point : found->points) histograms |= point.h != nullptr;
    for (const Point& point : found->points) {
      if (!range.contains(point.t)) continue;
      out.t.push_back(point.t);
      out.v.push_back(point.v);
      if (histograms) out.h.push_back(point.h);
    }
    return {};
  }

 private:
  Result<Matrix> fetch() const {
    if (range_.min == kMinTime) {
      return bad_data("reading samples of a query backend needs a time to begin at");
    }
    const TimestampMs end = std::min(range_.max, backend_.deps_.clock.now_ms());
    if (end < range_.min) return Matrix();
    // A range selector has what is after its beginning.
    const auto expr = fmt::format("{}[{}ms]", selector_, end - range_.min + 1);
    auto result = TRY(backend_.instant(
        expr, end, {.stop = {}, .timeout = backend_.config_.timeout, .lookback = {}}));
    if (auto* matrix = std::get_if<Matrix>(&result.value)) return std::move(*matrix);
    return std::unexpected(backend_.within(unlike("no samples came for a selector")));
  }

  const QueryBackend& backend_;
  const std::string selector_;
  const TimeRange range_;
  const std::vector<Labels> labels_;
  mutable Mutex mutex_;
  mutable std::optional<Matrix> matrix_ GUARDED_BY(mutex_);
};

QueryBackend::QueryBackend(QueryBackendDeps deps, config::QueryBackendConfig config)
    : deps_(std::move(deps)),
      config_(std::move(config)),
      client_(deps_.fetch, config_.http, deps_.fs, deps_.clock),
      shown_url_(shown(config_.url)),
      requests_(deps_.registry.counter<"result">(
          "strata_query_backend_requests_total",
          "Requests to the query backend, by what became of them: ok, refused, failed.")),
      duration_(deps_.registry.histogram("strata_query_backend_duration_seconds",
                                         "From a request to the query backend to its answer.")) {}

QueryBackend::~QueryBackend() = default;

Error QueryBackend::within(Error error) const {
  return error.within(fmt::format("query backend {}", shown_url_));
}

Result<net::ClientResponse> QueryBackend::ask(std::string_view method, const std::string& path,
                                              const net::FormValues& parameters, Millis timeout,
                                              const std::stop_token& stop) const {
  net::ClientRequest request{.method = std::string(method), .url = config_.url};
  while (request.url.ends_with('/')) request.url.pop_back();
  request.url += path;
  client_.prepare(request);
  if (method == "POST") {
    request.headers.set("Content-Type", "application/x-www-form-urlencoded");
    request.body = parameters.encode();
  } else if (!parameters.empty()) {
    request.url += "?" + parameters.encode();
  }
  request.timeout = std::min(timeout, config_.timeout);
  request.max_body_bytes = kMaxAnswer;
  // The client's and our own wish to stop are one.
  std::stop_source either;
  request.stop = either.get_token();
  const std::stop_callback left(stop, [&] { either.request_stop(); });
  const std::stop_callback stopping(stopping_.get_token(), [&] { either.request_stop(); });

  auto answer = std::make_shared<std::promise<Result<net::ClientResponse>>>();
  auto arrived = answer->get_future();
  const auto began = deps_.clock.steady();
  client_.fetch(std::move(request), [answer](Result<net::ClientResponse> response) {
    answer->set_value(std::move(response));
  });
  auto response = arrived.get();
  duration_.observe(std::chrono::duration<double>(deps_.clock.steady() - began).count());
  const bool good = response && response->status / 100 == 2;
  requests_.with(!response ? "failed" : good ? "ok" : "refused").inc();
  if (!response) return std::unexpected(within(response.error()));
  return response;
}

Result<QueryResult> QueryBackend::evaluate(const std::string& path, net::FormValues parameters,
                                           const EvaluationTerms& terms) const {
  const Millis timeout = terms.timeout.count() > 0 ? terms.timeout : config_.timeout;
  parameters.add("timeout", seconds(std::min(timeout, config_.timeout).count()));
  if (terms.lookback) parameters.add("lookback_delta", seconds(terms.lookback->count()));
  const auto response = TRY(ask("POST", path, parameters, timeout, terms.stop));
  if (response.status / 100 != 2) return std::unexpected(within(error_of(response)));
  auto result = wire::parse_query_response(response.body);
  if (!result) return std::unexpected(within(unlike(result.error().message)));
  return result;
}

Result<QueryResult> QueryBackend::instant(std::string_view expr, TimestampMs at,
                                          const EvaluationTerms& terms) const {
  net::FormValues parameters;
  parameters.add("query", std::string(expr));
  parameters.add("time", seconds(at));
  return evaluate("/api/v1/query", std::move(parameters), terms);
}

Result<QueryResult> QueryBackend::range(std::string_view expr, TimestampMs start, TimestampMs end,
                                        Millis step, const EvaluationTerms& terms) const {
  net::FormValues parameters;
  parameters.add("query", std::string(expr));
  parameters.add("start", seconds(start));
  parameters.add("end", seconds(end));
  parameters.add("step", seconds(step.count()));
  auto result = TRY(evaluate("/api/v1/query_range", std::move(parameters), terms));
  if (std::holds_alternative<Matrix>(result.value)) return result;
  return std::unexpected(within(unlike("a range query was not answered by a matrix")));
}

Result<std::string> QueryBackend::get(const std::string& path, const net::FormValues& parameters,
                                      const std::stop_token& stop) const {
  auto response = TRY(ask("GET", path, parameters, config_.timeout, stop));
  if (response.status / 100 != 2) return std::unexpected(within(error_of(response)));
  return std::move(response.body);
}

Result<std::unique_ptr<SeriesSet>> QueryBackend::select(std::span<const Matcher> matchers,
                                                        TimeRange range, size_t limit) const {
  auto parameters = selection(matchers, range);
  if (limit > 0) parameters.add("limit", std::to_string(limit + 1));
  const auto body = TRY(get("/api/v1/series", parameters, {}));
  std::vector<Labels> found;
  const auto read = read_data(body, [&](JsonReader& reader) {
    LabelsBuilder labels;
    std::string value;
    reader.object([&](std::string_view name) {
      const std::string key(name);
      value.clear();
      reader.string(value);
      labels.set(key, value);
    });
    found.push_back(labels.build());
  });
  if (!read) return std::unexpected(within(unlike(read.error().message)));
  if (limit > 0 && found.size() > limit) {
    return fail(ErrorCode::kLimit, fmt::format("more than {} series", limit));
  }
  return std::make_unique<Series>(*this, matchers, range, std::move(found));
}

Result<std::vector<std::string>> QueryBackend::names(const std::string& path,
                                                     std::span<const Matcher> matchers,
                                                     TimeRange range) const {
  const auto body = TRY(get(path, selection(matchers, range), {}));
  std::vector<std::string> found;
  const auto read =
      read_data(body, [&](JsonReader& reader) { reader.string(found.emplace_back()); });
  if (!read) return std::unexpected(within(unlike(read.error().message)));
  std::ranges::sort(found);
  return found;
}

Result<std::vector<std::string>> QueryBackend::label_names(std::span<const Matcher> matchers,
                                                           TimeRange range) const {
  return names("/api/v1/labels", matchers, range);
}

Result<std::vector<std::string>> QueryBackend::label_values(std::string_view name,
                                                            std::span<const Matcher> matchers,
                                                            TimeRange range) const {
  return names(fmt::format("/api/v1/label/{}/values", net::percent_encode(name)), matchers, range);
}

Result<QueryResult> NoQueries::instant(std::string_view, TimestampMs,
                                       const EvaluationTerms&) const {
  return forwards_only(why_);
}
Result<QueryResult> NoQueries::range(std::string_view, TimestampMs, TimestampMs, Millis,
                                     const EvaluationTerms&) const {
  return forwards_only(why_);
}
Result<std::unique_ptr<SeriesSet>> NoQueries::select(std::span<const Matcher>, TimeRange,
                                                     size_t) const {
  return forwards_only(why_);
}
Result<std::vector<std::string>> NoQueries::label_names(std::span<const Matcher>, TimeRange) const {
  return forwards_only(why_);
}
Result<std::vector<std::string>> NoQueries::label_values(std::string_view, std::span<const Matcher>,
                                                         TimeRange) const {
  return forwards_only(why_);
}

}  // namespace strata::remote
