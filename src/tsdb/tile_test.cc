#include "tsdb/tile.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <map>

#include "tsdb/family.h"
#include "tsdb/tile_shapes.h"

namespace strata::tsdb {
namespace {

std::vector<uint64_t> bits(std::span<const double> values) {
  std::vector<uint64_t> out;
  for (const double v : values) out.push_back(std::bit_cast<uint64_t>(v));
  return out;
}

std::vector<TimestampMs> times(size_t n, Random& random, uint64_t jitter) {
  std::vector<TimestampMs> out;
  TimestampMs t = 1'700'000'000'000;
  for (size_t i = 0; i < n; ++i) {
    out.push_back(t + static_cast<TimestampMs>(jitter == 0 ? 0 : below(random, jitter)));
    t += 15'000;
  }
  return out;
}

TileView open(std::string_view bytes) {
  auto tile = TileView::open(bytes);
  EXPECT_TRUE(tile.has_value()) << tile.error().message;
  return *tile;
}

// A column of a tile as a test holds it: a value for each row that has one.
struct Expected {
  std::vector<double> values;
  std::vector<uint64_t> presence;  // empty: all rows
  FamilyHint family;

  ColumnInput input() const {
    return {values, presence.empty() ? nullptr : presence.data(), family};
  }
  bool has(size_t row) const {
    return presence.empty() || (presence[row / 64] >> (row % 64) & 1) != 0;
  }
};

// The column's samples in `range`, the obvious way.
SampleColumns samples_of(const Expected& column, std::span<const TimestampMs> at, TimeRange range) {
  SampleColumns out;
  size_t next = 0;
  for (size_t row = 0; row < at.size(); ++row) {
    if (!column.has(row)) continue;
    const double v = column.values[next++];
    if (!range.contains(at[row])) continue;
    out.t.push_back(at[row]);
    out.v.push_back(v);
  }
  return out;
}

void expect_column(const TileView& tile, size_t i, const Expected& column,
                   std::span<const TimestampMs> at, TimeRange range, TileScratch* scratch) {
  const auto expected = samples_of(column, at, range);
  SampleColumns got;
  const auto read = tile.column(i, range, got, scratch);
  ASSERT_TRUE(read.has_value()) << read.error().message;
  ASSERT_EQ(got.t, expected.t);
  ASSERT_EQ(bits(got.v), bits(expected.v)) << *tile.describe(i);
  Sample last;
  const auto found = tile.last(i, range, last, scratch);
  ASSERT_TRUE(found.has_value()) << found.error().message;
  ASSERT_EQ(*found, !expected.t.empty());
  if (*found) {
    EXPECT_EQ(last.t, expected.t.back());
    EXPECT_EQ(std::bit_cast<uint64_t>(last.v), std::bit_cast<uint64_t>(expected.v.back()));
  }
}

void expect_round_trip(std::span<const TimestampMs> at, const std::vector<Expected>& columns,
                       const TileOptions& options = {}) {
  std::vector<ColumnInput> inputs;
  for (const auto& column : columns) inputs.push_back(column.input());
  std::string bytes = "before";
  encode_tile(at, inputs, bytes, options);
  const auto tile = open(std::string_view(bytes).substr(6));
  ASSERT_EQ(tile.rows(), at.size());
  ASSERT_EQ(tile.columns(), columns.size());
  std::vector<TimestampMs> got_times;
  ASSERT_TRUE(tile.timestamps(got_times).has_value());
  ASSERT_EQ(got_times, std::vector(at.begin(), at.end()));
  TileScratch scratch;
  for (size_t i = 0; i < columns.size(); ++i) {
    SCOPED_TRACE(fmt::format("column {}", i));
    expect_column(tile, i, columns[i], at, {}, nullptr);
    expect_column(tile, i, columns[i], at, {}, &scratch);
    const TimeRange middle{at[at.size() / 3], at[at.size() * 2 / 3]};
    expect_column(tile, i, columns[i], at, middle, nullptr);
    expect_column(tile, i, columns[i], at, middle, &scratch);
    expect_column(tile, i, columns[i], at, {at.front() + 1, at.front() + 14'000}, &scratch);
    if (at.front() != kMinTime) {
      expect_column(tile, i, columns[i], at, {kMinTime, at.front() - 1}, &scratch);
    }
    if (::testing::Test::HasFatalFailure()) return;
  }
}

constexpr size_t kRowCounts[] = {1,   2,   3,   7,    32,   33,   64,  127,
                                 128, 129, 480, 1024, 1025, 3000, 8192};

TEST(Tile, EveryShapeComesBackBitForBit) {
  Random random(1);
  for (const auto& shape : shapes()) {
    for (const size_t rows : kRowCounts) {
      SCOPED_TRACE(fmt::format("{}, {} rows", shape.name, rows));
      const auto at = times(rows, random, rows % 2 == 0 ? 0 : 400);
      const std::vector<Expected> columns = {{shape.make(rows, random), {}, {}}};
      expect_round_trip(at, columns, {.stats = rows % 3 == 0});
      expect_round_trip(at, columns, {.cold = true});
      if (HasFatalFailure()) return;
    }
  }
}

// Few values often have a divisor in common, which wide ones do not.
TEST(Tile, AFewValuesOfAnyShapeComeBack) {
  Random random(12);
  for (int round = 0; round < 150; ++round) {
    const size_t rows = 2 + below(random, 6);
    const auto at = times(rows, random, 10);
    std::vector<Expected> columns;
    for (const auto& shape : shapes()) columns.push_back({shape.make(rows, random), {}, {}});
    expect_round_trip(at, columns);
    if (HasFatalFailure()) return;
  }
}

std::vector<uint64_t> presence(size_t rows, Random& random, int kind) {
  std::vector<uint64_t> words((rows + 63) / 64);
  const size_t edge = below(random, rows + 1);
  for (size_t row = 0; row < rows; ++row) {
    const bool present = kind == 0   ? row < edge
                         : kind == 1 ? row >= edge
                         : kind == 2 ? below(random, 3) != 0
                         : kind == 3 ? below(random, 50) != 0
                                     : false;
    if (present) words[row / 64] |= uint64_t{1} << (row % 64);
  }
  return words;
}

TEST(Tile, ColumnsWithMissingRowsComeBack) {
  Random random(2);
  for (int round = 0; round < 120; ++round) {
    const size_t rows = kRowCounts[below(random, std::size(kRowCounts) - 2)];
    const auto at = times(rows, random, 0);
    std::vector<Expected> columns;
    for (int kind = 0; kind < 5; ++kind) {
      Expected column;
      column.presence = presence(rows, random, kind);
      size_t n = 0;
      for (const uint64_t word : column.presence) n += static_cast<size_t>(std::popcount(word));
      if (n > 0) column.values = shapes()[below(random, shapes().size())].make(n, random);
      columns.push_back(column);
      columns.push_back(column);  // once more, equal
    }
    SCOPED_TRACE(fmt::format("round {}, {} rows", round, rows));
    expect_round_trip(at, columns);
    if (HasFatalFailure()) return;
  }
}

// Cumulative buckets, as a histogram's scrapes give them.
std::vector<Expected> histogram(size_t rows, size_t buckets, uint32_t group, Random& random) {
  std::vector<Expected> columns(buckets + 1);
  std::vector<double> total(buckets, 0.0);
  for (size_t row = 0; row < rows; ++row) {
    if (below(random, 300) == 0) std::ranges::fill(total, 0.0);  // restarted
    for (uint64_t events = below(random, 30); events > 0; --events) {
      const size_t from = std::min(below(random, buckets), below(random, buckets));
      for (size_t b = from; b < buckets; ++b) ++total[b];
    }
    for (size_t b = 0; b < buckets; ++b) columns[b].values.push_back(total[b]);
    columns[buckets].values.push_back(total.back());  // _count
  }
  for (uint32_t b = 0; b < buckets; ++b) columns[b].family = {group, b};
  return columns;
}

size_t encoded_size(std::span<const TimestampMs> at, const std::vector<Expected>& columns,
                    const TileOptions& options) {
  std::vector<ColumnInput> inputs;
  for (const auto& column : columns) inputs.push_back(column.input());
  std::string bytes;
  encode_tile(at, inputs, bytes, options);
  return bytes.size();
}

TEST(Tile, HistogramFamiliesAreSmallerAndComeBack) {
  Random random(3);
  for (const size_t rows : {32u, 480u, 2100u}) {
    const auto at = times(rows, random, 5);
    auto columns = histogram(rows, 20, 1, random);
    for (auto& column : histogram(rows, 14, 2, random)) columns.push_back(column);
    for (int order = 0; order < 3; ++order) {
      expect_round_trip(at, columns);
      expect_round_trip(at, columns, {.families = false});
      if (HasFatalFailure()) return;
      std::ranges::shuffle(columns, random);
    }
    const size_t with = encoded_size(at, columns, {.families = true});
    const size_t without = encoded_size(at, columns, {.families = false});
    EXPECT_LT(with * 3, without * 2) << rows << " rows";
  }
}

// Hints are hints: whatever they claim, what is read back does not change.
TEST(Tile, WrongFamilyHintsDoNoHarm) {
  Random random(4);
  for (int round = 0; round < 60; ++round) {
    const size_t rows = kRowCounts[below(random, std::size(kRowCounts) - 2)];
    const auto at = times(rows, random, 100);
    std::vector<Expected> columns;
    const auto shared = presence(rows, random, 2);
    size_t present = 0;
    for (const uint64_t word : shared) present += static_cast<size_t>(std::popcount(word));
    for (int i = 0; i < 30; ++i) {
      Expected column;
      const bool partial = present > 0 && below(random, 3) == 0;
      if (partial) column.presence = shared;
      column.values =
          shapes()[below(random, shapes().size())].make(partial ? present : rows, random);
      if (i > 3 && below(random, 4) == 0 && columns.back().presence == column.presence) {
        column.values = columns.back().values;
      }
      column.family = {static_cast<uint32_t>(below(random, 3)),
                       static_cast<uint32_t>(below(random, 10))};
      columns.push_back(std::move(column));
    }
    SCOPED_TRACE(round);
    expect_round_trip(at, columns);
    if (HasFatalFailure()) return;
  }
}

TEST(Tile, FamilyColumnsMayBeReadInAnyOrderWithOneScratch) {
  Random random(5);
  const size_t rows = 3000;
  const auto at = times(rows, random, 0);
  auto columns = histogram(rows, 25, 1, random);
  for (auto& column : histogram(rows, 25, 2, random)) columns.push_back(column);
  std::vector<ColumnInput> inputs;
  for (const auto& column : columns) inputs.push_back(column.input());
  std::string bytes;
  encode_tile(at, inputs, bytes);
  const auto tile = open(bytes);
  TileScratch scratch;
  for (int reads = 0; reads < 400; ++reads) {
    const size_t i = below(random, columns.size());
    TimeRange range{at[below(random, rows)], at[below(random, rows)]};
    if (below(random, 3) == 0) range = {};
    expect_column(tile, i, columns[i], at, range, &scratch);
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(scratch.memory(), 0u);
}

TEST(Tile, EqualColumnsAreStoredOnce) {
  Random random(6);
  const auto at = times(480, random, 0);
  Expected noise;
  for (size_t i = 0; i < at.size(); ++i) noise.values.push_back(unit(random));
  const size_t one = encoded_size(at, {noise}, {});
  const size_t ten = encoded_size(at, std::vector(10, noise), {});
  EXPECT_LT(ten, one + 9 * 6);
}

TEST(Tile, FormsAreFoundForWhatExportersPrint) {
  struct Case {
    std::string_view shape;
    std::string_view form;
  };
  static constexpr Case kCases[] = {
      {"constant zero", "constant"},
      {"constant step", "integer/delta"},
      {"busy counter", "integer/delta"},
      {"pages of memory", "integer/delta"},
      {"gauge of small integers", "integer/plain"},
      {"three decimals", "decimal"},
      {"ratio", "ratio"},
      {"ratio from one", "complement"},
      {"ratio in percent", "percent"},
      {"noise", "bits"},
      {"counter, then stale", "integer/exceptions"},
  };
  for (const auto& [name, form] : kCases) {
    Random random(7);
    const auto shape = std::ranges::find(shapes(), name, &Shape::name);
    ASSERT_NE(shape, shapes().end()) << name;
    const auto at = times(480, random, 0);
    const Expected column{shape->make(480, random), {}, {}};
    std::string bytes;
    const ColumnInput inputs[] = {column.input()};
    encode_tile(at, inputs, bytes);
    EXPECT_TRUE(open(bytes).describe(0)->starts_with(form))
        << name << " is " << *open(bytes).describe(0);
  }
}

// Bounds in bits a value, so that a change which loses a mode is noticed.
TEST(Tile, SizesStayWithinTheirBounds) {
  static const std::map<std::string_view, double> kMostBits = {
      {"constant step", 0.35},  {"rare counter", 0.4},
      {"idle counter", 1.6},    {"busy counter", 10.4},
      {"pages of memory", 5.5}, {"two levels", 1.25},
      {"three decimals", 11.5}, {"ratio", 6.5},
      {"ratio from one", 6.5},  {"ratio in percent", 6.5},
      {"single precision", 32}, {"noise", 56.5},
      {"any bits", 64.4},       {"steady step, rarely late", 0.7},
  };
  for (const auto& [name, most] : kMostBits) {
    Random random(8);
    const auto shape = std::ranges::find(shapes(), name, &Shape::name);
    ASSERT_NE(shape, shapes().end()) << name;
    const size_t rows = 4096;
    const Expected column{shape->make(rows, random), {}, {}};
    const size_t size = encoded_size(times(rows, random, 0), {column}, {});
    EXPECT_LE(static_cast<double>(size) * 8 / static_cast<double>(rows), most) << name;
  }
}

TEST(Tile, StatsAreThoseOfTheValues) {
  Random random(9);
  const auto at = times(200, random, 0);
  for (const auto& shape : shapes()) {
    SCOPED_TRACE(shape.name);
    const Expected column{shape.make(at.size(), random), {}, {}};
    const ColumnInput inputs[] = {column.input()};
    std::string bytes;
    encode_tile(at, inputs, bytes, {.stats = true});
    const auto stats = open(bytes).stats(0);
    ASSERT_TRUE(stats.has_value() && stats->has_value());
    const auto& values = column.values;
    double sum = 0;
    double min = std::numeric_limits<double>::quiet_NaN();
    double max = min;
    for (const double v : values) {
      if (std::isnan(v)) continue;
      sum += v;
      min = std::isnan(min) ? v : std::min(min, v);
      max = std::isnan(max) ? v : std::max(max, v);
    }
    EXPECT_EQ((*stats)->count, values.size());
    EXPECT_EQ(std::isnan((*stats)->min), std::isnan(min));
    if (!std::isnan(min)) {
      EXPECT_EQ((*stats)->min, min);
      EXPECT_EQ((*stats)->max, max);
      if (!std::isnan(sum)) EXPECT_EQ((*stats)->sum, sum);
    }
    EXPECT_EQ(std::bit_cast<uint64_t>((*stats)->first), std::bit_cast<uint64_t>(values.front()));
    EXPECT_EQ(std::bit_cast<uint64_t>((*stats)->last), std::bit_cast<uint64_t>(values.back()));
  }
}

TEST(Tile, TimesMaySpanAllTimeThereIs) {
  const std::vector<TimestampMs> at = {kMinTime, -5, 0, 7, kMaxTime};
  expect_round_trip(at, {{{1, 2, 3, 4, 5}, {}, {}}});
}

TEST(Tile, ATileWithoutColumnsHasItsTimes) {
  const std::vector<TimestampMs> at = {1, 2, 3};
  expect_round_trip(at, {});
}

TEST(Tile, ManyColumnsFindTheirPlace) {
  Random random(10);
  const auto at = times(32, random, 3);
  std::vector<Expected> columns;
  for (int i = 0; i < 700; ++i) {
    columns.push_back({shapes()[below(random, shapes().size())].make(32, random), {}, {}});
  }
  expect_round_trip(at, columns);
}

// Flipped bits are caught by the checksum of whoever stores a tile; here they only may not crash,
// and cut or extended tiles must not open.
TEST(Tile, DamagedBytesAreAnErrorOrOtherNumbers) {
  Random random(11);
  const auto at = times(200, random, 50);
  auto columns = histogram(200, 8, 1, random);
  for (const auto& shape : shapes()) columns.push_back({shape.make(200, random), {}, {}});
  std::vector<ColumnInput> inputs;
  for (const auto& column : columns) inputs.push_back(column.input());
  std::string bytes;
  encode_tile(at, inputs, bytes);
  for (size_t cut = 0; cut < bytes.size(); cut += 1 + bytes.size() / 400) {
    EXPECT_FALSE(TileView::open(std::string_view(bytes).substr(0, cut)).has_value());
  }
  EXPECT_FALSE(TileView::open(bytes + 'x').has_value());
  TileScratch scratch;
  for (int round = 0; round < 3000; ++round) {
    std::string damaged = bytes;
    for (uint64_t flips = 1 + below(random, 4); flips > 0; --flips) {
      damaged[below(random, below(random, 2) == 0 ? damaged.size() : 300)] ^=
          static_cast<char>(1 << below(random, 8));
    }
    const auto tile = TileView::open(damaged);
    if (!tile) continue;
    scratch.clear();
    for (size_t i = 0; i < std::min<size_t>(tile->columns(), 60); ++i) {
      SampleColumns out;
      const auto read = tile->column(i, {}, out, below(random, 2) == 0 ? &scratch : nullptr);
      if (!read) {
        EXPECT_EQ(read.error().code, ErrorCode::kCorruption);
      }
      EXPECT_EQ(out.t.size(), out.v.size());
      (void)tile->stats(i);
      (void)tile->describe(i);
    }
  }
}

TEST(Family, BucketsOfOneHistogramShareAGroupInOrderOfLe) {
  const std::vector<Labels> series = {
      {{"__name__", "a_bucket"}, {"le", "+Inf"}, {"job", "x"}},
      {{"__name__", "a_bucket"}, {"le", "10"}, {"job", "x"}},
      {{"__name__", "a_bucket"}, {"le", "2.5"}, {"job", "x"}},
      {{"__name__", "a_bucket"}, {"le", "2.5"}, {"job", "y"}},
      {{"__name__", "a_count"}, {"job", "x"}},
      {{"__name__", "a_bucket"}, {"le", "much"}, {"job", "x"}},
  };
  const auto hints = histogram_families(series);
  ASSERT_EQ(hints.size(), series.size());
  EXPECT_NE(hints[0].group, 0u);
  EXPECT_EQ(hints[0].group, hints[1].group);
  EXPECT_EQ(hints[0].group, hints[2].group);
  EXPECT_EQ(hints[2].position, 0u);
  EXPECT_EQ(hints[1].position, 1u);
  EXPECT_EQ(hints[0].position, 2u);
  for (const size_t alone : {3u, 4u, 5u}) EXPECT_EQ(hints[alone].group, 0u);
}

}  // namespace
}  // namespace strata::tsdb
