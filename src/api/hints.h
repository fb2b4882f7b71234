// Why a query found nothing: the name or label that does not exist, and the one that was meant.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "model/series_source.h"
#include "promql/ast.h"

namespace strata::api {

/// One line for each selector of `expr` that no series of `source` has ever matched, with its place
/// in `text`. Looks at names and labels only, never at samples; at most kMaxHints lines, and names
/// are compared with at most kMaxNames of the store's.
std::vector<std::string> hints(const SeriesSource& source, const promql::Expr& expr,
                               std::string_view text);

inline constexpr size_t kMaxHints = 5;
inline constexpr size_t kMaxNames = 100'000;

}  // namespace strata::api
