// Reading: the series that matchers select, over head and blocks.
#pragma once
#include <memory>
#include <span>

#include "tsdb/db.h"

namespace strata::tsdb {

/// As SeriesSource::select. The set holds mappings and arenas, no locks; it sees each target as it
/// was at one moment.
Result<std::unique_ptr<SeriesSet>> select_series(const Db::Impl& db,
                                                 std::span<const Matcher> matchers, TimeRange range,
                                                 size_t limit);

/// Whether a series that `matchers` select has something in `range` that is not hidden.
Result<bool> has_visible_series(const Db::Impl& db, std::span<const Matcher> matchers,
                                TimeRange range);

}  // namespace strata::tsdb
