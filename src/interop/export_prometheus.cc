#include "interop/export_prometheus.h"

#include <algorithm>
#include <numeric>

#include "tsdb/window.h"

namespace strata::interop {
namespace {

constexpr Millis kBlockSpan = std::chrono::hours(2);

Result<PrometheusBlockStats> export_window(const SeriesSource& source, TimeRange window,
                                           const ExportOptions& options, Fs& fs,
                                           const Clock& clock) {
  const TimeRange range{std::max(window.min, options.range.min),
                        std::min(window.max, options.range.max)};
  const auto set = TRY(source.select(options.matchers, range, 0));
  if (set->size() == 0) return PrometheusBlockStats{};
  std::vector<size_t> order(set->size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, [&](size_t a, size_t b) { return set->labels(a) < set->labels(b); });
  auto writer = TRY(PrometheusBlockWriter::create(fs, clock, options.out, window));
  SampleColumns samples;
  for (const size_t i : order) {
    TRY(set->read(i, range, samples));
    TRY(writer->add(set->labels(i), samples));
  }
  return writer->finish();
}

}  // namespace

Result<std::vector<PrometheusBlockStats>> export_prometheus_blocks(const SeriesSource& source,
                                                                   const ExportOptions& options,
                                                                   Fs& fs, const Clock& clock,
                                                                   const Progress& progress) {
  std::vector<PrometheusBlockStats> out;
  TRY(fs.create_directories(options.out));
  for (TimestampMs at = tsdb::window_start(options.range.min, kBlockSpan); at <= options.range.max;
       at = tsdb::window_end(at, kBlockSpan)) {
    const TimeRange window{at, tsdb::window_end(at, kBlockSpan) - 1};
    auto stats = TRY(export_window(source, window, options, fs, clock));
    if (stats.samples == 0) continue;
    progress(fmt::format("{}: {} series, {} samples", stats.dir, stats.series, stats.samples));
    out.push_back(std::move(stats));
  }
  return out;
}

}  // namespace strata::interop
