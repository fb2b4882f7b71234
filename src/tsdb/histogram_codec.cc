#include "tsdb/histogram_codec.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "base/check.h"

namespace strata::tsdb {
namespace {

constexpr uint32_t kNoBucket = UINT32_MAX;
constexpr size_t kTotals = 3;  // columns of count, sum and zero count
constexpr size_t kMaxSpans = 2 * kMaxHistogramBuckets;

std::unexpected<Error> corrupt(std::string_view what) {
  return fail(ErrorCode::kCorruption, fmt::format("damaged histograms: {}", what));
}

bool same_bits(double a, double b) {
  return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b);
}

bool same_doubles(const std::vector<double>& a, const std::vector<double>& b) {
  return std::ranges::equal(a, b, [](double x, double y) { return same_bits(x, y); });
}

/// `layout`: a BucketLayout or another histogram.
template <class Layout>
bool has_layout(const FloatHistogram& h, const Layout& layout) {
  return h.schema == layout.schema && same_bits(h.zero_threshold, layout.zero_threshold) &&
         h.positive_spans == layout.positive_spans && h.negative_spans == layout.negative_spans &&
         same_doubles(h.custom_values, layout.custom_values);
}

BucketLayout layout_of(const FloatHistogram& h) {
  return {h.schema, h.zero_threshold, h.positive_spans, h.negative_spans, h.custom_values};
}

/// The index of each bucket, ascending.
std::vector<int32_t> indexes(const std::vector<BucketSpan>& spans) {
  std::vector<int32_t> out;
  int64_t index = 0;
  for (const BucketSpan& span : spans) {
    index += span.offset;
    for (uint32_t i = 0; i < span.length; ++i) out.push_back(static_cast<int32_t>(index++));
  }
  return out;
}

void unite(std::vector<int32_t>& columns, const std::vector<int32_t>& more) {
  std::vector<int32_t> both;
  std::ranges::set_union(columns, more, std::back_inserter(both));
  columns = std::move(both);
}

void put_spans(std::string& out, const std::vector<BucketSpan>& spans) {
  record::put_varint(out, spans.size());
  for (const BucketSpan& span : spans) {
    record::put_zigzag(out, span.offset);
    record::put_varint(out, span.length);
  }
}

/// Spans that check_histogram() would accept. Marks `in` failed when there are others.
void get_spans(record::Reader& in, std::vector<BucketSpan>& out) {
  out.clear();
  const uint64_t count = in.bounded(kMaxSpans);
  uint64_t length = 0;
  int64_t end = 0;
  for (uint64_t i = 0; i < count && in.ok(); ++i) {
    const int64_t offset = in.zigzag();
    const uint64_t span = in.bounded(kMaxHistogramBuckets - length);
    constexpr int64_t kMin = std::numeric_limits<int32_t>::min();
    constexpr int64_t kMax = std::numeric_limits<int32_t>::max();
    if (offset < kMin || offset > kMax || (i > 0 && offset < 0)) return in.fail();
    length += span;
    end += offset + static_cast<int64_t>(span);
    if (end < kMin || end > kMax) return in.fail();
    out.push_back({static_cast<int32_t>(offset), static_cast<uint32_t>(span)});
  }
}

void put_doubles(std::string& out, const std::vector<double>& values) {
  record::put_varint(out, values.size());
  for (const double v : values) record::put_fixed(out, v);
}

void get_doubles(record::Reader& in, std::vector<double>& out) {
  const uint64_t count = in.bounded(kMaxHistogramBuckets);
  const std::string_view bytes = in.take(count * sizeof(double));
  out.resize(bytes.size() / sizeof(double));
  if (!bytes.empty()) std::memcpy(out.data(), bytes.data(), bytes.size());
}

/// What a chunk is made of, before it is bytes.
class ChunkBuilder {
 public:
  /// False: it does not fit.
  bool add(const HistogramSample& sample) {
    const FloatHistogram& h = *sample.h;
    if (rows_.size() == kMaxTileRows) return false;
    const auto layout = layout_for(h);
    if (!layout) return false;
    const auto tag = *layout << 2 | static_cast<uint32_t>(h.counter_reset_hint);
    if (runs_.empty() || runs_.back().first != tag) runs_.emplace_back(tag, 0);
    ++runs_.back().second;
    rows_.push_back({&sample, *layout});
    return true;
  }

  void encode(std::string& out) const {
    put_layouts(out);
    record::put_varint(out, runs_.size());
    for (const auto& [tag, length] : runs_) {
      record::put_varint(out, tag);
      record::put_varint(out, length);
    }
    put_tile(out);
  }

 private:
  struct Row {
    const HistogramSample* sample;
    uint32_t layout;
  };

  std::optional<uint32_t> layout_for(const FloatHistogram& h) {
    // Mostly that of the row before.
    if (!rows_.empty() && has_layout(h, layouts_[rows_.back().layout])) return rows_.back().layout;
    for (uint32_t i = 0; i < layouts_.size(); ++i) {
      if (has_layout(h, layouts_[i])) return i;
    }
    if (layouts_.size() == kMaxChunkLayouts) return std::nullopt;
    std::vector<int32_t> positive = positive_;
    std::vector<int32_t> negative = negative_;
    unite(positive, indexes(h.positive_spans));
    unite(negative, indexes(h.negative_spans));
    if (kTotals + positive.size() + negative.size() > kMaxChunkColumns) return std::nullopt;
    positive_ = std::move(positive);
    negative_ = std::move(negative);
    layouts_.push_back(layout_of(h));
    return static_cast<uint32_t>(layouts_.size() - 1);
  }

  void put_layouts(std::string& out) const {
    std::vector<const std::vector<double>*> bounds;  // each once
    std::vector<size_t> bounds_of;                   // by layout; 0: none
    for (const BucketLayout& layout : layouts_) {
      if (layout.custom_values.empty()) {
        bounds_of.push_back(0);
        continue;
      }
      const auto found = std::ranges::find_if(
          bounds, [&](const auto* b) { return same_doubles(*b, layout.custom_values); });
      bounds_of.push_back(static_cast<size_t>(found - bounds.begin()) + 1);
      if (found == bounds.end()) bounds.push_back(&layout.custom_values);
    }
    record::put_varint(out, bounds.size());
    for (const auto* b : bounds) put_doubles(out, *b);
    record::put_varint(out, layouts_.size());
    for (size_t i = 0; i < layouts_.size(); ++i) {
      record::put_zigzag(out, layouts_[i].schema);
      record::put_fixed(out, layouts_[i].zero_threshold);
      record::put_varint(out, bounds_of[i]);
      put_spans(out, layouts_[i].positive_spans);
      put_spans(out, layouts_[i].negative_spans);
    }
  }

  void put_tile(std::string& out) const {
    const size_t rows = rows_.size();
    const size_t words = (rows + 63) / 64;
    const size_t columns = kTotals + positive_.size() + negative_.size();
    std::vector<TimestampMs> times;
    std::vector<std::vector<double>> values(columns);
    std::vector<uint64_t> presence(columns * words);
    // By layout: the column of each bucket, the positive ones first.
    std::vector<std::vector<uint32_t>> columns_of;
    for (const BucketLayout& layout : layouts_) columns_of.push_back(columns_for(layout));

    for (size_t r = 0; r < rows; ++r) {
      const FloatHistogram& h = *rows_[r].sample->h;
      times.push_back(rows_[r].sample->t);
      values[0].push_back(h.count);
      values[1].push_back(h.sum);
      values[2].push_back(h.zero_count);
      const auto& columns_here = columns_of[rows_[r].layout];
      const size_t positive = h.positive_buckets.size();
      for (size_t i = 0; i < columns_here.size(); ++i) {
        const uint32_t c = columns_here[i];
        values[c].push_back(i < positive ? h.positive_buckets[i]
                                         : h.negative_buckets[i - positive]);
        presence[c * words + r / 64] |= uint64_t{1} << (r % 64);
      }
    }
    std::vector<ColumnInput> inputs(columns);
    for (size_t c = 0; c < columns; ++c) {
      inputs[c].values = values[c];
      if (values[c].size() != rows) inputs[c].presence = &presence[c * words];
    }
    encode_tile(times, inputs, out, {.families = false, .stats = false});
  }

  std::vector<uint32_t> columns_for(const BucketLayout& layout) const {
    std::vector<uint32_t> out;
    const auto add = [&](const std::vector<int32_t>& columns, const std::vector<BucketSpan>& spans,
                         size_t first) {
      auto at = columns.begin();
      for (const int32_t index : indexes(spans)) {
        at = std::lower_bound(at, columns.end(), index);
        out.push_back(static_cast<uint32_t>(first + static_cast<size_t>(at - columns.begin())));
      }
    };
    add(positive_, layout.positive_spans, kTotals);
    add(negative_, layout.negative_spans, kTotals + positive_.size());
    return out;
  }

  std::vector<Row> rows_;
  std::vector<BucketLayout> layouts_;
  std::vector<std::pair<uint32_t, uint32_t>> runs_;  // layout and hint, length
  std::vector<int32_t> positive_;                    // bucket indexes of the columns
  std::vector<int32_t> negative_;
};

}  // namespace

size_t encode_histogram_chunk(std::span<const HistogramSample> samples, std::string& out) {
  ChunkBuilder builder;
  size_t taken = 0;
  while (taken < samples.size() && builder.add(samples[taken])) ++taken;
  CHECK(taken > 0);
  builder.encode(out);
  return taken;
}

Result<HistogramChunk> HistogramChunk::open(std::string_view bytes) {
  record::Reader in(bytes);
  std::vector<std::vector<double>> bounds(in.bounded(kMaxChunkLayouts));
  for (auto& list : bounds) get_doubles(in, list);
  std::vector<BucketLayout> layouts(in.bounded(kMaxChunkLayouts));
  for (BucketLayout& layout : layouts) {
    const int64_t schema = in.zigzag();
    if (schema < INT32_MIN || schema > INT32_MAX) in.fail();
    layout.schema = static_cast<int32_t>(schema);
    layout.zero_threshold = in.fixed<double>();
    const uint64_t list = in.bounded(bounds.size());
    if (list > 0) layout.custom_values = bounds[list - 1];
    get_spans(in, layout.positive_spans);
    get_spans(in, layout.negative_spans);
  }
  std::vector<Run> runs;
  const uint64_t run_count = in.bounded(kMaxTileRows);
  uint32_t rows = 0;
  for (uint64_t i = 0; i < run_count && in.ok(); ++i) {
    const uint64_t tag = in.varint();
    const uint64_t length = in.bounded(kMaxTileRows - rows);
    if (tag >> 2 >= layouts.size() || length == 0) in.fail();
    rows += static_cast<uint32_t>(length);
    runs.push_back({static_cast<uint32_t>(tag >> 2), static_cast<CounterResetHint>(tag & 3), rows});
  }
  if (!in.ok()) return corrupt("their layouts make no sense");

  HistogramChunk chunk(TRY(TileView::open(in.rest())));
  for (const BucketLayout& layout : layouts) {
    unite(chunk.positive_, indexes(layout.positive_spans));
    unite(chunk.negative_, indexes(layout.negative_spans));
    if (chunk.positive_.size() + chunk.negative_.size() > kMaxChunkColumns) {
      return corrupt("too many buckets");
    }
  }
  const size_t columns = kTotals + chunk.positive_.size() + chunk.negative_.size();
  if (chunk.tile_.rows() != rows || chunk.tile_.columns() != columns) {
    return corrupt("their layouts do not fit their numbers");
  }
  chunk.layouts_ = std::move(layouts);
  chunk.runs_ = std::move(runs);
  for (const BucketLayout& layout : chunk.layouts_) {
    std::vector<uint32_t>& places = chunk.places_.emplace_back(columns, kNoBucket);
    const auto note = [&](const std::vector<int32_t>& all, const std::vector<BucketSpan>& spans,
                          size_t first) {
      uint32_t bucket = 0;
      auto at = all.begin();
      for (const int32_t index : indexes(spans)) {
        at = std::lower_bound(at, all.end(), index);
        places[first + static_cast<size_t>(at - all.begin())] = bucket++;
      }
    };
    note(chunk.positive_, layout.positive_spans, kTotals);
    note(chunk.negative_, layout.negative_spans, kTotals + chunk.positive_.size());
  }
  return chunk;
}

/// Gives the rows from `first_row` on what `column` has of them.
Result<> HistogramChunk::fill(size_t column, TimeRange range, size_t first_row,
                              SampleColumns& scratch, TileScratch& tile_scratch,
                              std::span<FloatHistogram*> rows) const {
  scratch.clear();
  TRY(tile_.column(column, range, scratch, &tile_scratch));
  size_t next = 0;
  size_t run = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    while (runs_[run].end <= first_row + i) ++run;
    FloatHistogram& h = *rows[i];
    double* to = nullptr;
    switch (column) {
      case 0: to = &h.count; break;
      case 1: to = &h.sum; break;
      case 2: to = &h.zero_count; break;
      default: {
        const uint32_t bucket = places_[runs_[run].layout][column];
        if (bucket == kNoBucket) continue;
        const bool positive = column < kTotals + positive_.size();
        to = &(positive ? h.positive_buckets : h.negative_buckets)[bucket];
      }
    }
    if (next == scratch.v.size()) return corrupt("a bucket has fewer numbers than rows");
    *to = scratch.v[next++];
  }
  return next == scratch.v.size() ? Result<>{} : corrupt("a bucket has more numbers than rows");
}

Result<> HistogramChunk::read(TimeRange range, std::vector<HistogramSample>& out) const {
  std::vector<TimestampMs> times;
  TRY(tile_.timestamps(times));
  const auto begin = std::ranges::lower_bound(times, range.min);
  const auto end = std::upper_bound(begin, times.end(), range.max);
  const auto first = static_cast<size_t>(begin - times.begin());
  const auto count = static_cast<size_t>(end - begin);
  if (count == 0) return {};

  std::vector<std::shared_ptr<FloatHistogram>> histograms(count);
  std::vector<FloatHistogram*> rows(count);
  size_t run = 0;
  for (size_t i = 0; i < count; ++i) {
    while (runs_[run].end <= first + i) ++run;
    const BucketLayout& layout = layouts_[runs_[run].layout];
    histograms[i] = std::make_shared<FloatHistogram>();
    FloatHistogram& h = *histograms[i];
    h.counter_reset_hint = runs_[run].hint;
    h.schema = layout.schema;
    h.zero_threshold = layout.zero_threshold;
    h.positive_spans = layout.positive_spans;
    h.negative_spans = layout.negative_spans;
    h.custom_values = layout.custom_values;
    const auto buckets = [](const std::vector<BucketSpan>& spans) {
      size_t n = 0;
      for (const BucketSpan& span : spans) n += span.length;
      return n;
    };
    h.positive_buckets.resize(buckets(layout.positive_spans));
    h.negative_buckets.resize(buckets(layout.negative_spans));
    rows[i] = &h;
  }
  SampleColumns scratch;
  TileScratch tile_scratch;
  for (size_t column = 0; column < tile_.columns(); ++column) {
    TRY(fill(column, range, first, scratch, tile_scratch, rows));
  }
  for (size_t i = 0; i < count; ++i) out.push_back({times[first + i], std::move(histograms[i])});
  return {};
}

Result<bool> HistogramChunk::read_last(TimeRange range, HistogramSample& out) const {
  std::vector<TimestampMs> times;
  TRY(tile_.timestamps(times));
  const auto end = std::ranges::upper_bound(times, range.max);
  if (end == times.begin() || *(end - 1) < range.min) return false;
  std::vector<HistogramSample> found;
  TRY(read({*(end - 1), *(end - 1)}, found));
  out = std::move(found.front());
  return true;
}

namespace {

// Flags of a single histogram. The low two bits are the hint.
constexpr uint8_t kSameLayout = 4;   // as the previous one's
constexpr uint8_t kWhole = 8;        // all counts are whole and moderate: varints
constexpr uint8_t kHasCustom = 16;   // bounds follow
constexpr uint8_t kSameCustom = 32;  // they are the previous one's
constexpr double kWholeLimit = 0x1p53;

bool is_whole(double v) {
  return v >= 0 && v <= kWholeLimit && v == std::floor(v) && !std::signbit(v);
}

bool all_whole(const FloatHistogram& h) {
  return is_whole(h.count) && is_whole(h.zero_count) &&
         std::ranges::all_of(h.positive_buckets, is_whole) &&
         std::ranges::all_of(h.negative_buckets, is_whole);
}

/// Neighbours are alike, and buckets of one layout are like those of the histogram before.
void put_buckets(std::string& out, const std::vector<double>& buckets, bool whole) {
  int64_t before = 0;
  for (const double v : buckets) {
    if (!whole) {
      record::put_fixed(out, v);
      continue;
    }
    const auto n = static_cast<int64_t>(v);
    record::put_zigzag(out, n - before);
    before = n;
  }
}

void get_buckets(record::Reader& in, std::vector<double>& out, const std::vector<BucketSpan>& spans,
                 bool whole) {
  out.clear();
  int64_t before = 0;
  for (const BucketSpan& span : spans) {
    for (uint32_t i = 0; i < span.length && in.ok(); ++i) {
      if (!whole) {
        out.push_back(in.fixed<double>());
        continue;
      }
      before += in.zigzag();
      if (before < 0 || before > int64_t{1} << 53) return in.fail();
      out.push_back(static_cast<double>(before));
    }
  }
}

}  // namespace

void encode_histogram(std::string& out, const FloatHistogram& h, const FloatHistogram* previous) {
  auto flags = static_cast<uint8_t>(h.counter_reset_hint);
  const bool same_layout = previous != nullptr && has_layout(h, *previous);
  const bool whole = all_whole(h);
  if (same_layout) flags |= kSameLayout;
  if (whole) flags |= kWhole;
  const bool same_custom =
      previous != nullptr && same_doubles(h.custom_values, previous->custom_values);
  if (!same_layout && !h.custom_values.empty()) flags |= same_custom ? kSameCustom : kHasCustom;
  record::put_byte(out, flags);
  if (!same_layout) {
    record::put_zigzag(out, h.schema);
    record::put_fixed(out, h.zero_threshold);
    if ((flags & kHasCustom) != 0) put_doubles(out, h.custom_values);
    put_spans(out, h.positive_spans);
    put_spans(out, h.negative_spans);
  }
  record::put_fixed(out, h.sum);
  if (whole) {
    record::put_varint(out, static_cast<uint64_t>(h.count));
    record::put_varint(out, static_cast<uint64_t>(h.zero_count));
  } else {
    record::put_fixed(out, h.count);
    record::put_fixed(out, h.zero_count);
  }
  put_buckets(out, h.positive_buckets, whole);
  put_buckets(out, h.negative_buckets, whole);
}

Result<> decode_histogram(record::Reader& in, const FloatHistogram* previous, FloatHistogram& out) {
  const uint8_t flags = in.byte();
  constexpr uint8_t kFromPrevious = kSameLayout | kSameCustom;
  if (!in.ok() || flags >= 64 || ((flags & kFromPrevious) != 0 && previous == nullptr)) {
    return corrupt("flags");
  }
  out.counter_reset_hint = static_cast<CounterResetHint>(flags & 3);
  if ((flags & kSameLayout) != 0) {
    out.schema = previous->schema;
    out.zero_threshold = previous->zero_threshold;
    out.positive_spans = previous->positive_spans;
    out.negative_spans = previous->negative_spans;
    out.custom_values = previous->custom_values;
  } else {
    const int64_t schema = in.zigzag();
    if (schema < INT32_MIN || schema > INT32_MAX) in.fail();
    out.schema = static_cast<int32_t>(schema);
    out.zero_threshold = in.fixed<double>();
    out.custom_values.clear();
    if ((flags & kHasCustom) != 0) get_doubles(in, out.custom_values);
    if ((flags & kSameCustom) != 0) out.custom_values = previous->custom_values;
    get_spans(in, out.positive_spans);
    get_spans(in, out.negative_spans);
  }
  const bool whole = (flags & kWhole) != 0;
  const auto total = [&] {
    return whole ? static_cast<double>(in.bounded(uint64_t{1} << 53)) : in.fixed<double>();
  };
  out.sum = in.fixed<double>();
  out.count = total();
  out.zero_count = total();
  get_buckets(in, out.positive_buckets, out.positive_spans, whole);
  get_buckets(in, out.negative_buckets, out.negative_spans, whole);
  if (!in.ok()) return corrupt("a histogram ends early");
  return {};
}

}  // namespace strata::tsdb
