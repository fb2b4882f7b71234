#include "api/query_batch.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "api/api.h"
#include "api/hints.h"
#include "api/router.h"
#include "api/running_query.h"
#include "base/json.h"
#include "base/mutex.h"
#include "discover/json_reader.h"
#include "net/gzip.h"
#include "promql/result_cache.h"
#include "wire/query_json.h"

namespace strata::api {
namespace {

constexpr size_t kAtOnce = 4;                          // queries of one batch
constexpr size_t kMaxUnsent = size_t{16} << 20;        // bytes of answers before more are made
constexpr TimestampMs kMaxTime = 253'402'300'799'999;  // the year 9999

Result<> check(const BatchQuery& query) {
  const auto wrong = [&](std::string_view what) {
    return bad_data(fmt::format("query \"{}\": {}", query.id, what));
  };
  if (query.text.empty()) return wrong("there is no \"query\"");
  if (query.step.count() < 0) return wrong("\"step\" is negative");
  for (const TimestampMs t : {query.start, query.end, query.until}) {
    if (t < -kMaxTime || t > kMaxTime) return wrong("a time is out of range");
  }
  if (query.step.count() == 0) return {};
  if (query.end < query.start) return wrong("\"end\" is before \"start\"");
  if ((query.end - query.start) / query.step.count() > kMaxPointsPerSeries) {
    return wrong("exceeded maximum resolution of 11,000 points per timeseries");
  }
  return {};
}

BatchQuery read_query(discover::JsonReader& reader) {
  BatchQuery query;
  int64_t step = 0;
  int64_t limit = 0;
  reader.object([&](std::string_view key) {
    if (key == "id") return reader.string(query.id);
    if (key == "query") return reader.string(query.text);
    if (key == "start") return reader.integer(query.start);
    if (key == "end") return reader.integer(query.end);
    if (key == "step") return reader.integer(step);
    if (key == "limit") return reader.integer(limit);
    if (key == "token") return reader.string(query.token);
    if (key == "until") return reader.integer(query.until);
    reader.skip();
  });
  query.step = Millis(step);
  const bool within = limit > 0 && limit < static_cast<int64_t>(kMaxBatchSeries);
  query.limit = within ? static_cast<size_t>(limit) : kMaxBatchSeries;
  return query;
}

// "1726839800000-42": the process and the state of its store that an answer was read from.
std::string token_of(const Services& services, uint64_t version) {
  return fmt::format("{}-{}", services.started_at, version);
}

std::optional<uint64_t> version_of(const Services& services, std::string_view token) {
  const std::string own = fmt::format("{}-", services.started_at);
  if (!token.starts_with(own)) return std::nullopt;
  token.remove_prefix(own.size());
  uint64_t version = 0;
  const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), version);
  if (error != std::errc() || end != token.data() + token.size()) return std::nullopt;
  return version;
}

// The first step that the reader does not have, or that may be another one by now.
TimestampMs first_new_step(const Services& services, const BatchQuery& query,
                           const promql::Expr& expr) {
  const auto version = version_of(services, query.token);
  if (!version) return query.start;
  const auto reach = promql::reach_of(expr, services.engine.options().lookback);
  if (!reach) return query.start;
  const TimestampMs changed = services.source.unchanged_before(*version);
  if (changed == kMinTime) return query.start;
  const TimestampMs kept = std::min(query.until, changed - 1 - reach->count());
  if (kept < query.start) return query.start;
  return query.start + ((kept - query.start) / query.step.count() + 1) * query.step.count();
}

size_t points_of(const VectorSample&) { return 1; }
size_t points_of(const MatrixSeries& series) { return series.points.size(); }

// Cuts what is beyond the bounds of an answer, and says so.
void cut(QueryResult& result, size_t limit) {
  const auto shorten = [&](auto& list) {
    size_t points = 0;
    size_t kept = 0;
    while (kept < std::min(list.size(), limit) && points <= kMaxBatchPoints) {
      points += points_of(list[kept++]);
    }
    if (kept == list.size()) return;
    result.warnings.push_back(
        fmt::format("{} series: only the first {} are sent", list.size(), kept));
    list.resize(kept);
  };
  if (auto* vector = std::get_if<Vector>(&result.value)) shorten(*vector);
  if (auto* matrix = std::get_if<Matrix>(&result.value)) shorten(*matrix);
}

bool is_empty(const QueryValue& value) {
  const auto* vector = std::get_if<Vector>(&value);
  const auto* matrix = std::get_if<Matrix>(&value);
  return (vector != nullptr && vector->empty()) || (matrix != nullptr && matrix->empty());
}

// The answer's envelope, and from which step on it is.
struct Answer {
  TimestampMs from = 0;
  std::string token = {};
  std::string json = {};
};

Result<Answer> evaluate(const Services& services, const BatchQuery& query, Asked asked) {
  Answer answer{.from = query.start, .token = token_of(services, services.source.version())};
  RunningQuery running(services, std::move(asked));
  const auto expr = TRY(running.parse());
  const bool ranged = query.step.count() > 0;
  if (ranged) answer.from = first_new_step(services, query, *expr);
  QueryResult result;
  result.value = Matrix{};
  if (!ranged) {
    result = TRY(
        services.engine.instant(services.source, *expr, query.text, query.end, running.terms()));
  } else if (answer.from <= query.end) {
    result = TRY(services.engine.range(services.source, *expr, query.text, answer.from, query.end,
                                       query.step, running.terms()));
  }
  if (answer.from == query.start && is_empty(result.value)) {
    std::ranges::move(hints(services.source, *expr, query.text), std::back_inserter(result.infos));
  }
  cut(result, query.limit);
  wire::append_query_response(answer.json, result);
  return answer;
}

std::string line_of(const BatchQuery& query, const Result<Answer>& answer) {
  std::string line;
  JsonWriter json(line);
  json.begin_object().key("id").string(query.id);
  std::string refusal;
  if (answer) {
    json.key("from").integer(answer->from).key("token").string(answer->token);
  } else {
    const Error& error = answer.error();
    wire::append_error_response(refusal, error_type(error.code), error.message);
  }
  json.key("answer").raw(answer ? answer->json : refusal).end_object();
  return line += '\n';
}

// One batch on its way. It lives while a query of it runs or its exchange waits for the reader.
class Batch : public std::enable_shared_from_this<Batch> {
 public:
  Batch(const Services& services, std::shared_ptr<Turns> turns,
        std::shared_ptr<net::Exchange> exchange, std::vector<BatchQuery> queries)
      : services_(services),
        turns_(std::move(turns)),
        exchange_(std::move(exchange)),
        queries_(std::move(queries)) {
    if (net::accepts_gzip(exchange_->request())) gzip_.emplace();
  }

  void start(net::Headers headers) {
    headers.set("Content-Type", "application/x-ndjson");
    headers.set("Cache-Control", "no-store");
    headers.set("X-Accel-Buffering", "no");  // nginx would keep lines back
    headers.add("Vary", "Accept-Encoding");
    if (gzip_) headers.add("Content-Encoding", "gzip");
    exchange_->begin(200, std::move(headers));
    if (queries_.empty()) return made("");
    begin_more();
  }

 private:
  // The next query to begin, if one may be.
  std::optional<size_t> take() {
    MutexLock lock(mutex_);
    const bool may =
        !gone_ && next_ < queries_.size() && running_ < kAtOnce && unsent_.size() < kMaxUnsent;
    if (!may) return std::nullopt;
    ++running_;
    return next_++;
  }

  void begin_more() {
    while (const auto index = take()) {
      const auto queued = services_.clock.steady();
      const bool taken = turns_->submit([self = shared_from_this(), i = *index, queued] {
        self->run(self->queries_[i], self->services_.clock.steady() - queued);
        self->begin_more();
      });
      if (taken) continue;
      ended(line_of(queries_[*index],
                    fail(ErrorCode::kUnavailable, "too many queries are waiting; try again")));
    }
  }

  void run(const BatchQuery& query, std::chrono::nanoseconds waited) {
    const auto stop = exchange_->stop_token();
    if (stop.stop_requested()) return ended("");
    ended(line_of(query, evaluate(services_, query,
                                  {.text = query.text,
                                   .client = exchange_->request().remote_address,
                                   .stop = stop,
                                   .waited = waited})));
  }

  void ended(std::string line) {
    {
      MutexLock lock(mutex_);
      --running_;
    }
    made(std::move(line));
  }

  // Sends, unless somebody does: then that one sends this too.
  void made(std::string line) {
    {
      MutexLock lock(mutex_);
      unsent_ += line;
      if (running_ == 0 && next_ == queries_.size() && !whole_) {
        whole_ = true;
        unsent_ += "{\"done\":true}\n";
      }
      if (std::exchange(sending_, true)) return;
    }
    send_on();
  }

  void send_on() {
    while (!chunk_.empty() || pack()) {
      switch (exchange_->write(chunk_)) {
        case net::Exchange::Wrote::kTaken: chunk_.clear(); break;
        case net::Exchange::Wrote::kFull: return wait_for_room();
        case net::Exchange::Wrote::kGone: {
          MutexLock lock(mutex_);
          gone_ = true;  // and sending_ stays: nobody tries again
          return;
        }
      }
      if (packed_all_) return exchange_->end();
    }
  }

  // Makes the next chunk; false, and somebody else may send, when there is nothing to send.
  bool pack() {
    std::string text;
    {
      MutexLock lock(mutex_);
      if (unsent_.empty()) {
        sending_ = false;
        return false;
      }
      text.swap(unsent_);
      packed_all_ = whole_;
    }
    if (!gzip_) {
      chunk_ = std::move(text);
      return true;
    }
    gzip_->feed(text, chunk_);
    if (packed_all_) {
      gzip_->finish(chunk_);
    } else {
      gzip_->flush(chunk_);
    }
    return true;
  }

  void wait_for_room() {
    exchange_->when_writable([self = shared_from_this()] {
      // A pool that is full or stopping drops the task, and with it the exchange.
      (void)self->services_.pool.submit(Lane::kQuery, [self] {
        self->send_on();
        self->begin_more();
      });
    });
  }

  const Services& services_;
  const std::shared_ptr<Turns> turns_;
  const std::shared_ptr<net::Exchange> exchange_;
  const std::vector<BatchQuery> queries_;

  Mutex mutex_;
  size_t next_ GUARDED_BY(mutex_) = 0;
  size_t running_ GUARDED_BY(mutex_) = 0;
  std::string unsent_ GUARDED_BY(mutex_);
  bool whole_ GUARDED_BY(mutex_) = false;  // every line was made
  bool sending_ GUARDED_BY(mutex_) = false;
  bool gone_ GUARDED_BY(mutex_) = false;

  // Of whoever set sending_.
  std::optional<net::Gzip> gzip_;
  std::string chunk_;
  bool packed_all_ = false;
};

}  // namespace

Result<std::vector<BatchQuery>> read_batch(std::string_view body) {
  if (body.size() > kMaxBatchBytes) {
    return fail(ErrorCode::kLimit, "a batch may have at most 1 MiB");
  }
  discover::JsonReader reader(body);
  std::vector<BatchQuery> queries;
  bool too_many = false;
  reader.object([&](std::string_view key) {
    if (key != "queries") return void(reader.skip());
    reader.array([&] {
      auto query = read_query(reader);
      too_many |= queries.size() == kMaxBatchQueries;
      if (!too_many) queries.push_back(std::move(query));
    });
  });
  TRY(reader.finish());
  if (too_many) return fail(ErrorCode::kLimit, "a batch may have at most 500 queries");
  for (const auto& query : queries) TRY(check(query));
  return queries;
}

void answer_batch(const Services& services, std::shared_ptr<Turns> turns,
                  std::shared_ptr<net::Exchange> exchange, net::Headers headers) {
  auto queries = read_batch(exchange->request().body);
  if (!queries) {
    auto refusal = error_response(queries.error());
    for (const auto& [name, value] : headers) refusal.headers.set(name, value);
    return exchange->respond(std::move(refusal));
  }
  std::make_shared<Batch>(services, std::move(turns), std::move(exchange), std::move(*queries))
      ->start(std::move(headers));
}

}  // namespace strata::api
