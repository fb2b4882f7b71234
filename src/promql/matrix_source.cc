#include "promql/matrix_source.h"

#include <algorithm>

namespace strata::promql {
namespace {

std::vector<std::unique_ptr<WindowReader>>& reader_stock() {
  thread_local std::vector<std::unique_ptr<WindowReader>> stock;
  return stock;
}
constexpr size_t kStocked = 4;

}  // namespace

BorrowedReader::BorrowedReader() {
  auto& stock = reader_stock();
  if (stock.empty()) {
    reader_ = std::make_unique<WindowReader>();
  } else {
    reader_ = std::move(stock.back());
    stock.pop_back();
  }
}

BorrowedReader::~BorrowedReader() {
  auto& stock = reader_stock();
  if (stock.size() < kStocked) stock.push_back(std::move(reader_));
}

namespace {

// Without an early exit, so that it is done in vectors.
bool has_stale(std::span<const double> v) {
  bool found = false;
  for (const double value : v) found |= is_stale_nan(value);
  return found;
}

}  // namespace

Result<const RangeWindows*> WindowReader::read(const MatrixSource& source, size_t i, size_t first,
                                               size_t count) {
  spec_ = source.spec().slice(first, count);
  TRY(source.read(i, spec_, columns_));
  windows_.spec = &spec_;
  windows_.first_step = first;
  windows_.series = &source.series(i);
  windows_.float_shapes = &shapes_;
  if (columns_.h.empty() && !has_stale(columns_.v)) {
    use_floats();
  } else {
    split_histograms();
  }
  if (!has_windows_of(windows_.floats.t)) {
    find_windows(windows_.floats);
    found_times_.assign(windows_.floats.t.begin(), windows_.floats.t.end());
    shapes_.valid = false;
  }
  find_windows(windows_.histograms);
  found_spec_ = spec_;
  return &windows_;
}

bool WindowReader::has_windows_of(std::span<const TimestampMs> t) const {
  return *windows_.spec == found_spec_ && windows_.floats.begin.size() == found_spec_.count &&
         std::ranges::equal(t, found_times_);
}

void WindowReader::use_floats() {
  windows_.floats.t = columns_.t;
  windows_.floats.start_time = columns_.st;
  windows_.v = columns_.v;
  windows_.histograms.t = {};
  windows_.histograms.start_time = {};
  windows_.h = {};
}

void WindowReader::split_histograms() {
  float_times_.clear(), float_starts_.clear(), floats_.clear();
  histogram_times_.clear(), histogram_starts_.clear(), histograms_.clear();
  const bool starts = !columns_.st.empty();
  for (size_t i = 0; i < columns_.size(); ++i) {
    if (!columns_.h.empty() && columns_.h[i]) {
      histogram_times_.push_back(columns_.t[i]);
      histograms_.push_back(columns_.h[i]);
      if (starts) histogram_starts_.push_back(columns_.st[i]);
    } else if (!is_stale_nan(columns_.v[i])) {
      float_times_.push_back(columns_.t[i]);
      floats_.push_back(columns_.v[i]);
      if (starts) float_starts_.push_back(columns_.st[i]);
    }
  }
  windows_.floats.t = float_times_;
  windows_.floats.start_time = float_starts_;
  windows_.v = floats_;
  windows_.histograms.t = histogram_times_;
  windows_.histograms.start_time = histogram_starts_;
  windows_.h = histograms_;
}

void WindowReader::find_windows(RangeWindows::Part& part) const {
  const WindowSpec& spec = *windows_.spec;
  if (part.t.empty()) {
    const bool known = part.end.size() == spec.count && (spec.count == 0 || part.end.back() == 0);
    if (known) return;  // ends ascend
    part.begin.assign(spec.count, 0);
    part.end.assign(spec.count, 0);
    return;
  }
  part.begin.resize(spec.count);
  part.end.resize(spec.count);
  uint32_t begin = 0;
  uint32_t end = 0;
  const auto size = static_cast<uint32_t>(part.t.size());
  for (size_t i = 0; i < spec.count; ++i) {
    const TimestampMs last = spec.end_at(i) + spec.after;
    const TimestampMs first = spec.start_at(i) - spec.before;
    while (end < size && part.t[end] <= last) ++end;
    while (begin < end && part.t[begin] <= first) ++begin;
    part.begin[i] = begin;
    part.end[i] = end;
  }
}

}  // namespace strata::promql
