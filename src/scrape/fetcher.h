// Getting one target's body: over HTTP, or from a collector inside this process.
#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "base/thread_pool.h"
#include "config/config.h"
#include "discover/peer_client.h"
#include "discover/targets.h"
#include "wire/exposition.h"

namespace strata::scrape {

struct Body {
  std::string bytes;
  bool is_protobuf = false;  // wire/protobuf_exposition.h; then `format` says nothing
  wire::ExpositionFormat format = wire::ExpositionFormat::kText;
};

/// One target's. fetch() is called by one thread at a time and not again before it called back.
class Fetcher {
 public:
  virtual ~Fetcher() = default;
  using Done = std::move_only_function<void(Result<Body>)>;
  /// Calls `done` once, on any thread. `buffer` is memory to use again. Errors: kTimeout,
  /// kUnavailable, kLimit (body_size_limit), kBadData (status, content type), kCanceled.
  virtual void fetch(std::string buffer, std::stop_token stop, Done done) = 0;
};

/// `peer` is the job's; credential files are read for each scrape.
std::unique_ptr<Fetcher> make_http_fetcher(std::shared_ptr<const discover::PeerClient> peer,
                                           std::shared_ptr<const config::ScrapeConfig> config,
                                           const discover::Target& target);

/// Appends an exposition in the text format to a string.
using Source = std::function<void(std::string&)>;

/// Runs `source` on `pool`, which has a thread for what may stall. Both outlive the fetcher.
std::unique_ptr<Fetcher> make_in_process_fetcher(Source source, ThreadPool& pool);

/// What a scrape says it accepts: "application/openmetrics-text;version=1.0.0;…;q=0.6,…".
std::string accept_header(const config::ScrapeConfig& config);

}  // namespace strata::scrape
