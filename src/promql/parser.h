// PromQL text <-> tree. Pure functions, any thread.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/labels.h"
#include "model/matcher.h"
#include "promql/ast.h"

namespace strata::promql {

/// What the text may contain. Prometheus' --enable-feature names are beside each flag.
struct ParserOptions {
  bool experimental_functions = false;    // promql-experimental-functions
  bool extended_range_selectors = false;  // promql-extended-range-selectors: anchored, smoothed
  bool binop_fill_modifiers = false;      // promql-binop-fill-modifiers
  bool duration_expressions = true;       // stable since 3.14
  size_t max_length = 1 << 20;            // bytes of text
  int max_depth = 500;                    // nesting of expressions

  static ParserOptions everything();
};

/// Parses and checks types. Error: kBadData, "line:col: parse error: …" in Prometheus' words for
/// the first thing that is wrong.
Result<ExprPtr> parse(std::string_view text, const ParserOptions& options = {});

/// The matchers of one selector, as the API's match[] has them. At least one must not match "".
Result<std::vector<Matcher>> parse_selector(std::string_view text);

/// `name{a="b"}` with no operators but '=': a series' labels.
Result<Labels> parse_metric(std::string_view text);

/// Prometheus' canonical text: parse(to_string(e)) is e again.
std::string to_string(const Expr& expr);
/// Over several lines, two spaces a level, where one line would pass 100 columns.
std::string pretty(const Expr& expr);

/// "3:14" for byte `offset` of `text`; both count from 1, columns in bytes.
std::string line_and_column(std::string_view text, int32_t offset);

}  // namespace strata::promql
