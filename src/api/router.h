// Which handler answers which path.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/call.h"
#include "api/reply.h"
#include "net/http.h"

namespace strata::api {

struct Services;

/// Answers one request. An error becomes Prometheus' error envelope with the status of its code.
using Handler = Result<Reply> (*)(const Services&, Call&);

/// Where a handler runs.
enum class Runs : uint8_t {
  kOnPool,
  kInTurn,     // on the pool, of which queries take only so many workers (--query.max-concurrency)
  kIngesting,  // on the pool, ahead of queries: it brings samples
  kAsBatch,    // query_batch.h: no handler
  kOnLoop,     // costs microseconds and must work when the pool is busy
};

struct Route {
  std::string_view path;     // one "*" segment may stand for any: "/api/v1/label/*/values"
  std::string_view methods;  // "GET POST"; HEAD goes with GET
  Handler handler;
  Runs runs = Runs::kOnPool;
  bool acts = false;  // changes something: not for pages of other sites
};

/// Every path that there is, in the order of the documentation.
const std::vector<Route>& routes();

struct Match {
  const Route* route = nullptr;  // null: no such path
  bool method_allowed = false;
  std::string parameter;  // what "*" stood for, percent-decoded
};
Match find_route(std::string_view method, std::string_view path);

/// 400 for kBadData, 422 for kExecution, …: research on Prometheus' API, section 1.6.
int http_status(ErrorCode code);
/// Prometheus' errorType for a code.
std::string_view error_type(ErrorCode code);
/// The error envelope as a response.
net::HttpResponse error_response(const Error& error);
net::HttpResponse error_response(int status, std::string_view type, std::string_view message);

/// `data` is JSON; warnings and infos are the call's. No data, no "data".
net::HttpResponse success(const Call& call, std::string_view data);

}  // namespace strata::api
