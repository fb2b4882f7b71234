// The eval command of test files. Private to promqltest*.cc.
#pragma once
#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "promql/promqltest.h"
#include "promql/series_description.h"

namespace strata::promql {

/// One evaluation and what it must answer.
struct EvalCommand {
  enum class Expect : uint8_t { kOrdered, kFail, kWarn, kNoWarn, kInfo, kNoInfo };
  static constexpr size_t kExpectations = 6;
  struct Text {
    bool is_regex = false;
    std::string text;  // empty: any
  };
  struct Series {
    size_t position = 0;  // among the expected, from 1
    std::vector<SequenceValue> values;
  };

  int line = 0;
  std::string query;
  bool is_range = false;
  TimestampMs at = 0;  // of an instant query
  TimestampMs start = 0;
  TimestampMs end = 0;
  Millis step{0};

  std::array<std::vector<Text>, kExpectations> expectations;
  std::map<Labels, Series> series;
  std::optional<double> scalar;
  std::optional<std::string> text;
  bool is_range_vector = false;  // of an instant query: series have values from start to end

  bool expects(Expect what) const { return !expectations[static_cast<size_t>(what)].empty(); }
  const std::vector<Text>& texts(Expect what) const {
    return expectations[static_cast<size_t>(what)];
  }
};

/// Reads one, of which lines[0] is the eval line; `used` is how many lines it has.
Result<EvalCommand> parse_eval(const std::vector<std::string>& lines, size_t at, size_t& used);

TestClass class_of(const EvalCommand& command, const SeriesSource& source);

/// Empty when `result` is what the command expects; else what differs.
std::string check_result(const EvalCommand& command, const Result<QueryResult>& result);
/// The same for the value alone.
std::string check_value(const EvalCommand& command, const QueryValue& value);

/// Runs the command, with its variants where wanted. Empty when all is as expected. Adds the
/// queries run to `queries`.
std::string run_eval(const EvalCommand& command, const Engine& engine, const SeriesSource& source,
                     bool variants, size_t& queries);

}  // namespace strata::promql
