// Files and blocks that were kept aside as damaged do not stay for ever: they are there for a
// person to look at, and for `strata tsdb repair`.
#pragma once
#include "base/fs.h"
#include "tsdb/db.h"

namespace strata::tsdb {

/// Removes NAME.damaged and NAME.damaged.N anywhere in the store that are older than
/// Options::keep_damaged, and the oldest beyond Options::max_damaged; logs each. Failures are
/// logged, too: the next call tries again.
void expire_damaged(Fs& fs, const Options& options, TimestampMs now);

}  // namespace strata::tsdb
