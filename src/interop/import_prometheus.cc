// strata import prometheus-blocks: a block of ours for each of theirs.
#include <algorithm>
#include <map>

#include "interop/prometheus_block.h"
#include "interop/store_import.h"

namespace strata::interop {
namespace {

// Columns and time that are held decoded at once: about 100 MB with samples 15 s apart.
constexpr size_t kColumnsAtOnce = 1024;
constexpr TimestampMs kSlice = TimestampMs{24} * 3600 * 1000;
// More would be days spent on a block that holds next to nothing.
constexpr uint64_t kMaxSlices = 100 * 366;

/// Series that come from one target: they share their times.
using Targets = std::map<std::pair<std::string, std::string>, std::vector<uint32_t>>;

/// Moves the native histograms out of `samples`.
std::vector<tsdb::HistogramSample> take_histograms(SampleColumns& samples) {
  std::vector<tsdb::HistogramSample> out;
  if (samples.h.empty()) return out;
  size_t kept = 0;
  for (size_t i = 0; i < samples.size(); ++i) {
    if (samples.h[i]) {
      out.push_back({samples.t[i], std::move(samples.h[i])});
      continue;
    }
    samples.t[kept] = samples.t[i];
    samples.v[kept++] = samples.v[i];
  }
  samples.t.resize(kept);
  samples.v.resize(kept);
  samples.h.clear();
  return out;
}

class BlockImport {
 public:
  BlockImport(const PrometheusBlock& block, tsdb::BlockWriter& writer)
      : block_(block), writer_(writer) {}

  Result<> run() {
    Targets targets;
    for (uint32_t i = 0; i < block_.series_count(); ++i) {
      const Labels labels = TRY(block_.labels(i));
      writer_.add_series(labels);
      targets[{std::string(labels.get("job")), std::string(labels.get("instance"))}].push_back(i);
    }
    for (const auto& [target, series] : targets) {
      for (size_t at = 0; at < series.size(); at += kColumnsAtOnce) {
        TRY(copy(std::span(series).subspan(at, std::min(kColumnsAtOnce, series.size() - at))));
      }
    }
    return {};
  }

 private:
  Result<> copy(std::span<const uint32_t> series) {
    const TimeRange all = block_.time_range();
    std::vector<SampleColumns> columns(series.size());
    for (TimestampMs from = all.min; from <= all.max; from += kSlice) {
      const TimeRange slice{from, from + kSlice - 1};
      for (size_t i = 0; i < series.size(); ++i) {
        TRY(block_.read(series[i], slice, columns[i]));
        TRY(writer_.add_histograms(series[i], take_histograms(columns[i])));
      }
      TRY(write_columns(writer_, series, columns));
    }
    return {};
  }

  const PrometheusBlock& block_;
  tsdb::BlockWriter& writer_;
};

Result<> check_span(const PrometheusBlock& block) {
  const TimeRange range = block.time_range();
  const uint64_t span = static_cast<uint64_t>(range.max) - static_cast<uint64_t>(range.min);
  constexpr TimestampMs kFarthest = kMaxTime - 2 * kSlice;
  if (range.min > range.max) return {};
  if (span / kSlice < kMaxSlices && range.max < kFarthest) return {};
  return bad_data(fmt::format("{} spans from {} to {} ms, which is more than a hundred years",
                              block.dir(), range.min, range.max));
}

}  // namespace

Result<ImportStats> import_prometheus_blocks(Fs& fs, const std::string& dir,
                                             const std::string& store, const Progress& progress) {
  const auto dirs = TRY(find_prometheus_blocks(fs, dir));
  auto import = TRY(StoreImport::begin(fs, store));
  for (size_t i = 0; i < dirs.size(); ++i) {
    const auto block = TRY(PrometheusBlock::open(fs, dirs[i]));
    TRY(check_span(*block));
    progress(fmt::format("block {} of {}: {} ({} series)", i + 1, dirs.size(), dirs[i],
                         block->series_count()));
    if (block->series_count() == 0) continue;
    auto writer = TRY(import->new_block(block->time_range().min));
    TRY(BlockImport(*block, *writer).run());
    TRY(import->finish_block(*writer));
  }
  return import->publish();
}

}  // namespace strata::interop
