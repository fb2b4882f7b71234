// Every function of PromQL: its signature, and how it is evaluated. The parser, the evaluator, the
// API's feature list and the reference documentation all read this one table.
#pragma once
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "promql/ast.h"

namespace strata::promql {

class Evaluator;
struct RangeCall;
struct RangeWindows;
struct RowView;
struct Value;

/// One value from one value; histograms have no result.
using FloatBody = double (*)(double);
/// All windows of one series -> that series' row. Stateless; called from many threads.
using RangeBody = void (*)(const RangeCall& call, const RangeWindows& windows, RowView out);
/// Anything else: evaluates its own arguments.
using SpecialBody = Result<Value> (*)(Evaluator& evaluator, const Call& call);

struct Function {
  std::string_view name;
  std::vector<ValueType> args;
  /// More arguments of the last type: that type may stand 0 to `variadic` times, or any number of
  /// times when it is -1. 0: exactly `args`.
  int variadic = 0;
  ValueType result = ValueType::kVector;
  bool experimental = false;
  std::variant<FloatBody, RangeBody, SpecialBody> body;
  /// Of a range function: the result is one of the samples, so its series keeps its name.
  bool keeps_name = false;
  std::string_view summary;  // one line for the reference
};

/// Sorted by name.
std::span<const Function> functions();
/// Null when there is none.
const Function* find_function(std::string_view name);

}  // namespace strata::promql
