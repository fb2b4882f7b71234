// POST /api/v1/query_batch: the queries of a whole dashboard in one request, each answered with a
// line of JSON as soon as it is ready. A browser has six connections to a server, and a dashboard
// has forty panels: so no panel waits for another one's request.
//
//   {"queries": [{"id": "3A", "query": "rate(x[1m])", "start": 1726839800000, "end": 1726843400000,
//                 "step": 15000, "limit": 2000, "token": "…", "until": 1726843385000}]}
//   → {"id": "3A", "from": 1726843400000, "token": "…", "answer": {"status": "success", …}}
//     {"done": true}
//
// Times are milliseconds; without a step it is an instant query at `end`. Who refreshes sends the
// `token` of the last answer and the time `until` which it has points (of the same expression, step
// and alignment, from `start` on): the answer then begins at `from`, and replaces what the reader
// has from there on. What is before it cannot have changed. A token of another process is as none.
// An answer that lacks {"done": true} was cut.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/turns.h"
#include "base/result.h"
#include "model/duration.h"
#include "model/sample.h"
#include "net/http_server.h"

namespace strata::api {

struct Services;

struct BatchQuery {
  std::string id;
  std::string text;  // PromQL
  TimestampMs start = 0;
  TimestampMs end = 0;
  Millis step{0};    // zero: an instant query at `end`
  size_t limit = 0;  // series of the answer; more are cut, with a warning. Always bounded
  std::string token;
  TimestampMs until = 0;  // what the reader has, where there is a token
};

/// Bounds of one request: its bytes and queries, series and points of one answer.
inline constexpr size_t kMaxBatchBytes = size_t{1} << 20;
inline constexpr size_t kMaxBatchQueries = 500;
inline constexpr size_t kMaxBatchSeries = 5000;
inline constexpr size_t kMaxBatchPoints = 2'000'000;

/// Errors: kBadData; kLimit beyond the bounds.
Result<std::vector<BatchQuery>> read_batch(std::string_view body);

/// Answers the request of `exchange`. Queries take their turns among all others, a few of a batch
/// at a time; no more are begun while a slow reader has 16 MiB to read. `services` outlives the
/// exchange. `headers` are sent with the answer. On the work pool.
void answer_batch(const Services& services, std::shared_ptr<Turns> turns,
                  std::shared_ptr<net::Exchange> exchange, net::Headers headers);

}  // namespace strata::api
