// Whether an OpenMetrics exposition keeps the rules about families that a scrape does not ask for.
//
// ExpositionParser checks each line's syntax (names, quotes, escapes, UTF-8, numbers, timestamps,
// # EOF and nothing after it, no blank lines, types that exist, a unit that ends its family's
// name). The validator checks what takes more than a line to see: metadata once, before its
// samples; family names that clash; suffixes and labels that a type wants; values that it allows;
// samples of one group together and forward in time; buckets ascending, cumulative, with +Inf and
// agreeing with _count and _sum; exemplars only where they may be, and short.
// Source: OpenMetrics 1.0 and its parser test cases.
//
// One thread. Memory grows with the names of families and the groups of one family, which the body
// bounds.
#pragma once
#include <memory>
#include <string_view>

#include "base/result.h"
#include "wire/exposition.h"

namespace strata::wire {

class OpenMetricsValidator {
 public:
  OpenMetricsValidator();
  ~OpenMetricsValidator();
  OpenMetricsValidator(const OpenMetricsValidator&) = delete;
  OpenMetricsValidator& operator=(const OpenMetricsValidator&) = delete;

  /// Looks at the entry that parser.next() just returned; kEnd too. Error: kBadData with the line.
  Result<> check(Entry entry, ExpositionParser& parser);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Parses and validates a whole body, as `strata check metrics` does. The first error ends it.
Result<> validate_open_metrics(std::string_view body);

}  // namespace strata::wire
