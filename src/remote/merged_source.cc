#include "remote/merged_source.h"

#include <algorithm>
#include <unordered_map>

namespace strata::remote {
namespace {

// When samples begin to be here; kMaxTime while there are none.
TimestampMs begins(const tsdb::Db& local) {
  const tsdb::Stats stats = local.stats();
  TimestampMs oldest = stats.head_max_time == 0 ? kMaxTime : stats.head_min_time;
  for (const auto& block : stats.blocks) oldest = std::min(oldest, block.min_time);
  return oldest;
}

void append(const SampleColumns& from, size_t i, SampleColumns& to) {
  const HistogramPtr histogram = from.h.empty() ? nullptr : from.h[i];
  if (histogram || !to.h.empty()) {
    to.h.resize(to.t.size());
    to.h.push_back(histogram);
  }
  to.t.push_back(from.t[i]);
  to.v.push_back(from.v[i]);
}

// Adds `more` in `range` to `out`; of one time, that of `out` stays.
void merge_samples(const SampleColumns& more, TimeRange range, SampleColumns& out) {
  SampleColumns merged;
  size_t mine = 0;
  for (size_t i = 0; i < more.size(); ++i) {
    if (!range.contains(more.t[i])) continue;
    while (mine < out.size() && out.t[mine] < more.t[i]) append(out, mine++, merged);
    const bool there = mine < out.size() && out.t[mine] == more.t[i];
    if (!there) append(more, i, merged);
  }
  while (mine < out.size()) append(out, mine++, merged);
  out = std::move(merged);
}

class MergedSet final : public SeriesSet {
 public:
  MergedSet(std::unique_ptr<SeriesSet> local, std::vector<wire::RemoteReadSeries> remote)
      : local_(std::move(local)), remote_(std::move(remote)) {
    std::unordered_map<Labels, size_t, LabelsHash> known;
    for (size_t i = 0; i < local_->size(); ++i) known.emplace(local_->labels(i), i);
    remote_of_.resize(local_->size());
    for (const auto& series : remote_) {
      const auto [at, is_new] = known.emplace(series.labels, remote_of_.size());
      if (is_new) remote_of_.emplace_back();
      remote_of_[at->second].push_back(&series);
    }
  }

  size_t size() const override { return remote_of_.size(); }
  const Labels& labels(size_t i) const override {
    return i < local_->size() ? local_->labels(i) : remote_of_[i].front()->labels;
  }
  Result<> read(size_t i, TimeRange range, SampleColumns& out) const override {
    out.clear();
    if (i < local_->size()) TRY(local_->read(i, range, out));
    for (const auto* series : remote_of_[i]) merge_samples(series->samples, range, out);
    return {};
  }
  Result<bool> read_last(size_t i, TimeRange range, Sample& sample,
                         HistogramPtr& h) const override {
    if (remote_of_[i].empty()) return local_->read_last(i, range, sample, h);
    return SeriesSet::read_last(i, range, sample, h);
  }

 private:
  const std::unique_ptr<SeriesSet> local_;
  const std::vector<wire::RemoteReadSeries> remote_;
  std::vector<std::vector<const wire::RemoteReadSeries*>>
      remote_of_;  // by series, local ones first
};

}  // namespace

std::unique_ptr<SeriesSet> merge_series(std::unique_ptr<SeriesSet> local,
                                        std::vector<wire::RemoteReadSeries> remote) {
  if (remote.empty()) return local;
  return std::make_unique<MergedSet>(std::move(local), std::move(remote));
}

void MergedSource::set_peers(std::vector<RemoteReader> peers) {
  peers_.set(std::make_shared<const Peers>(std::move(peers)));
}

Result<std::unique_ptr<SeriesSet>> MergedSource::select(std::span<const Matcher> matchers,
                                                        TimeRange range, size_t limit) const {
  auto local = TRY(local_.select(matchers, range, limit));
  const auto peers = peers_.get();
  if (peers->empty()) return local;
  const TimestampMs since = begins(local_);
  std::vector<wire::RemoteReadSeries> remote;
  for (const RemoteReader& peer : *peers) {
    const auto wanted = peer.wanted(matchers, range, since);
    if (!wanted) continue;
    std::ranges::move(TRY(peer.read(matchers, *wanted, stopping_.get_token())),
                      std::back_inserter(remote));
  }
  auto merged = merge_series(std::move(local), std::move(remote));
  if (limit > 0 && merged->size() > limit) {
    return fail(ErrorCode::kLimit, fmt::format("more than {} series", limit));
  }
  return merged;
}

Result<std::vector<std::string>> MergedSource::label_names(std::span<const Matcher> matchers,
                                                           TimeRange range) const {
  return local_.label_names(matchers, range);
}

Result<std::vector<std::string>> MergedSource::label_values(std::string_view name,
                                                            std::span<const Matcher> matchers,
                                                            TimeRange range) const {
  return local_.label_values(name, matchers, range);
}

TimestampMs MergedSource::unchanged_before(uint64_t version) const {
  return peers_.get()->empty() ? local_.unchanged_before(version) : kMinTime;
}

}  // namespace strata::remote
