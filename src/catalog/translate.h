// From a stored raw series to the canonical series that it is, or is part of. The cold path: asked
// once for a series, when it is first seen; what the row of a scrape does with the answers is
// scrape/canonical_row.h.
//
// A raw series only suggests: which suggestions count depends on what else the target exposes.
// Those of sources that are not detected, or that another source excludes, do not; of those for
// one canonical series the lowest rank does (vLLM 0.9 to 0.12 has a gauge under its old and its new
// name), and equal ranks are folded.
#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include "catalog/catalog.h"
#include "model/labels.h"

namespace strata::catalog {

/// One raw series' part in one canonical series.
struct Suggestion {
  Labels labels;  // of the canonical series, with its name
  uint32_t source = 0;
  uint32_t rank = 0;
  Fold fold = Fold::kFirst;
  double factor = 1;
  uint64_t bits = 0;         // as Mapping::bits
  bool is_constant = false;  // the value is `factor`
};

/// `series` as stored: with the target's labels, after relabelling. Canonical series keep all of
/// its labels but those that the catalog drops or renames; they get engine_kind (llm_* only) and,
/// when they have none, a `node`: the host of `instance`.
std::vector<Suggestion> translate(const Catalog& catalog, const Labels& series);

/// The value that one raw value gives.
double apply(const Suggestion& suggestion, double raw);

}  // namespace strata::catalog
