// Asks an engine, or a gateway, again what a ledger says was asked: the same models, ways and sizes
// at the same times, or faster. Prompts are made up, of as many tokens as the row has: a ledger has
// no texts. For load tests with one's own traffic.
//
// run() blocks the thread that calls it; requests are made on a loop's thread. Bounds: kMaxRows
// rows in memory, kMaxInFlight requests at a time (who is due later waits, and counts as late).
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "gateway/record.h"
#include "net/http_client.h"
#include "net/loop.h"

namespace strata::gateway {

struct ReplayOptions {
  std::string target = {};   // http://127.0.0.1:8000
  double speed = 1;          // times as fast as it was; 0: as fast as it goes
  std::string model = {};    // in place of the rows'; or empty
  std::string api_key = {};  // or empty
  /// Ask for as many tokens as there were, whatever the model would say (vLLM, SGLang, llama.cpp).
  bool ignore_eos = false;
};

struct ReplayResult {
  uint64_t asked = 0;
  uint64_t ok = 0;
  uint64_t passed_over = 0;  // of endpoints that cannot be asked without the text
  uint64_t late = 0;         // by more than 100 ms, since too many were under way
  uint64_t input_tokens = 0;
  uint64_t output_tokens = 0;
  double seconds = 0;
  // In order of size.
  std::vector<double> first_token_seconds;
  std::vector<double> duration_seconds;
};

class Replay {
 public:
  static constexpr size_t kMaxRows = 5'000'000;
  static constexpr size_t kMaxInFlight = 10'000;

  /// The loop must be running, and outlive this.
  Replay(net::Loop& loop, ReplayOptions options);

  /// `rows` in any order. Error: kBadData for a target that is none; kLimit for too many rows.
  Result<ReplayResult> run(std::vector<RequestRecord> rows);

 private:
  net::Loop& loop_;
  const ReplayOptions options_;
  net::HttpClient client_;
};

/// The body that asks for what `row` was; empty for what cannot be asked again.
std::string replay_body(const RequestRecord& row, const ReplayOptions& options);

}  // namespace strata::gateway
