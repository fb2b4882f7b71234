// The local store, and what the peers of `remote_read` have beside it, as one source of series.
//
// A selection asks each peer that may have something (RemoteReader::wanted) while it is made, and
// holds what came; a series that is there and here is one, and of one time the local sample counts.
// A peer that does not answer makes the selection fail: an answer with half of its samples would
// look like one. Names of labels are those of the local store, as with Prometheus.
//
// Without peers all of it is the store's, results that are kept for later too. Owned by app/;
// thread-safe.
#pragma once
#include <atomic>
#include <memory>
#include <vector>

#include "base/snapshot.h"
#include "model/series_source.h"
#include "remote/remote_reader.h"
#include "tsdb/db.h"

namespace strata::remote {

class MergedSource final : public SeriesSource {
 public:
  /// `local` outlives this.
  explicit MergedSource(const tsdb::Db& local) : local_(local) {}

  /// Replaces the peers; selections that are under way go on with the old ones.
  void set_peers(std::vector<RemoteReader> peers);
  /// Whoever waits for a peer gets kCanceled, also those who come later.
  void stop() { stopping_.request_stop(); }

  Result<std::unique_ptr<SeriesSet>> select(std::span<const Matcher> matchers, TimeRange range,
                                            size_t limit) const override;
  Result<std::vector<std::string>> label_names(std::span<const Matcher> matchers,
                                               TimeRange range) const override;
  Result<std::vector<std::string>> label_values(std::string_view name,
                                                std::span<const Matcher> matchers,
                                                TimeRange range) const override;
  uint64_t version() const override { return local_.version(); }
  TimestampMs unchanged_before(uint64_t version) const override;

 private:
  using Peers = std::vector<RemoteReader>;

  const tsdb::Db& local_;
  Snapshot<Peers> peers_{std::make_shared<const Peers>()};
  std::stop_source stopping_;
};

/// Of `local` and `remote`, which may have series in common with it and with each other.
std::unique_ptr<SeriesSet> merge_series(std::unique_ptr<SeriesSet> local,
                                        std::vector<wire::RemoteReadSeries> remote);

}  // namespace strata::remote
