// Blocks of Prometheus written and read again, and what goes into a store.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>

#include "base/temp_dir.h"
#include "interop/export_prometheus.h"
#include "interop/prometheus_block.h"
#include "interop/store_import.h"
#include "tsdb/db.h"

namespace strata::interop {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr TimestampMs kStart = 7'200'000 * TimestampMs{200'000};

const Progress kQuiet = [](const std::string&) {};

SampleColumns ramp(TimestampMs from, TimestampMs step, size_t n, double first = 0) {
  SampleColumns out;
  for (size_t i = 0; i < n; ++i) {
    out.t.push_back(from + static_cast<TimestampMs>(i) * step);
    out.v.push_back(first + static_cast<double>(i) * 0.25);
  }
  return out;
}

std::string write_block(const std::string& dir, const std::vector<SampleColumns>& series) {
  const ManualClock clock(kStart);
  auto writer =
      PrometheusBlockWriter::create(real_fs(), clock, dir, {kStart, kStart + 7'199'999}).value();
  for (size_t i = 0; i < series.size(); ++i) {
    const std::string instance = fmt::format("n{:03}", i);
    EXPECT_TRUE(writer->add({{"__name__", "m"}, {"instance", instance}}, series[i]));
  }
  return writer->finish().value().dir;
}

void write_file(const std::string& path, std::string_view bytes) {
  EXPECT_TRUE(real_fs().create(path).value()->append(bytes));
}

std::unique_ptr<tsdb::Db> open_store(const std::string& path) {
  static const ManualClock clock(kStart);
  return tsdb::Db::open({.path = path, .retention_time = Millis::zero()}, real_fs(), clock).value();
}

SampleColumns read_one(const tsdb::Db& db, std::string name, std::string value) {
  const std::vector<Matcher> matchers = {Matcher::equal(std::move(name), std::move(value))};
  const auto set = db.select(matchers, {}, 0).value();
  EXPECT_EQ(set->size(), 1u);
  SampleColumns out;
  if (set->size() == 1) EXPECT_TRUE(set->read(0, {}, out));
  return out;
}

TEST(PrometheusBlock, GivesBackWhatWasWritten) {
  const TempDir dir;
  const std::vector<SampleColumns> series = {ramp(kStart, 15'000, 480), ramp(kStart + 7, 1, 1),
                                             ramp(kStart, 1000, 121, -4)};
  const auto path = write_block(dir.path(), series);
  const auto block = PrometheusBlock::open(real_fs(), path).value();
  ASSERT_EQ(block->series_count(), series.size());
  EXPECT_EQ(block->time_range().min, kStart);
  EXPECT_EQ(block->time_range().max, kStart + 479 * 15'000);
  SampleColumns out;
  for (size_t i = 0; i < series.size(); ++i) {
    EXPECT_EQ(block->labels(i).value(),
              Labels({{"__name__", "m"}, {"instance", fmt::format("n{:03}", i)}}));
    ASSERT_TRUE(block->read(i, {}, out));
    EXPECT_EQ(out.t, series[i].t);
    EXPECT_EQ(out.v, series[i].v);
  }
  ASSERT_TRUE(block->read(0, {kStart + 15'001, kStart + 45'000}, out));
  EXPECT_THAT(out.t, ElementsAre(kStart + 30'000, kStart + 45'000));
}

/// Floats, a stale marker, integer and float histograms, a reset.
SampleColumns histograms() {
  SampleColumns out;
  FloatHistogram h;
  h.schema = 2;
  h.zero_threshold = 0x1p-128;
  h.positive_spans = {{-1, 3}};
  h.positive_buckets = {0, 0, 0};
  for (int i = 0; i < 300; ++i) {
    const bool is_float = i < 5 || i == 200;
    if (i == 250) h.positive_buckets = {0, 0, 0}, h.count = 0;
    h.positive_buckets[static_cast<size_t>(i) % 3] += i < 150 ? 1 : 0.5;
    h.count += i < 150 ? 1 : 0.5;
    h.sum += 0.1;
    out.t.push_back(kStart + i * 15'000);
    out.v.push_back(i == 200 ? stale_nan() : is_float ? i : 0);
    out.h.push_back(is_float ? nullptr : std::make_shared<FloatHistogram>(h));
  }
  return out;
}

void expect_same(const SampleColumns& a, const SampleColumns& b) {
  ASSERT_EQ(a.t, b.t);
  ASSERT_EQ(a.h.size(), b.h.size());
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(std::bit_cast<uint64_t>(a.v[i]), std::bit_cast<uint64_t>(b.v[i])) << i;
    ASSERT_EQ(a.h[i] == nullptr, b.h[i] == nullptr) << i;
    if (a.h[i]) EXPECT_TRUE(tsdb::same_histogram(*a.h[i], *b.h[i])) << i;
  }
}

TEST(PrometheusBlock, GivesBackNativeHistograms) {
  const TempDir dir;
  const SampleColumns written = histograms();
  const auto block = PrometheusBlock::open(real_fs(), write_block(dir.path(), {written})).value();
  SampleColumns read;
  ASSERT_TRUE(block->read(0, {}, read));
  expect_same(read, written);
  ASSERT_TRUE(block->read(0, {kStart, kStart + 60'000}, read));
  EXPECT_TRUE(read.h.empty());
}

TEST(StoreImport, TakesNativeHistograms) {
  const TempDir dir;
  const SampleColumns written = histograms();
  const auto block = write_block(dir.file("theirs"), {written});
  const auto stats = import_prometheus_blocks(real_fs(), block, dir.file("store"), kQuiet);
  ASSERT_TRUE(stats) << stats.error().message;
  EXPECT_EQ(stats->samples, written.size());
  const auto db = open_store(dir.file("store"));
  expect_same(read_one(*db, "instance", "n000"), written);
}

TEST(PrometheusBlock, IsNotWrittenWithoutSamples) {
  const TempDir dir;
  const auto path = write_block(dir.path(), {SampleColumns{}});
  EXPECT_FALSE(real_fs().exists(path));
  EXPECT_TRUE(real_fs().list(dir.path()).value().empty());
}

TEST(PrometheusBlock, WantsSeriesInOrder) {
  const TempDir dir;
  const ManualClock clock(kStart);
  auto writer = PrometheusBlockWriter::create(real_fs(), clock, dir.path(), {0, 9}).value();
  ASSERT_TRUE(writer->add({{"__name__", "b"}}, ramp(0, 1, 2)));
  EXPECT_EQ(writer->add({{"__name__", "a"}}, ramp(0, 1, 2)).error().code, ErrorCode::kBadData);
  EXPECT_EQ(writer->add({{"__name__", "b"}}, ramp(0, 1, 2)).error().code, ErrorCode::kBadData);
}

// Every byte of every file, one bit flipped: an error that names the file, or the same samples.
TEST(PrometheusBlock, NeverGivesOtherSamplesWhenABitFlips) {
  const TempDir dir;
  const std::vector<SampleColumns> series = {ramp(kStart, 15'000, 30), ramp(kStart, 15'000, 3, 9)};
  const auto path = write_block(dir.path(), series);
  size_t refused = 0;
  for (const std::string file : {"index", "chunks/000001", "tombstones"}) {
    const std::string good = real_fs().read_file(path + "/" + file).value();
    for (size_t i = 0; i < good.size(); ++i) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ (1 << i % 8));
      write_file(path + "/" + file, bad);
      const auto block = PrometheusBlock::open(real_fs(), path);
      if (!block) {
        ++refused;
        EXPECT_THAT(block.error().message, HasSubstr(path)) << file << ":" << i;
        continue;
      }
      SampleColumns out;
      for (size_t s = 0; s < (*block)->series_count(); ++s) {
        const auto read = (*block)->read(s, {}, out);
        if (!read) {
          ++refused;
          EXPECT_EQ(read.error().code, ErrorCode::kCorruption) << file << ":" << i;
        } else if (out.t != series[s].t || out.v != series[s].v) {
          ADD_FAILURE() << file << " byte " << i << ": other samples without an error";
        }
      }
    }
    write_file(path + "/" + file, good);
  }
  EXPECT_GT(refused, 100u);
}

TEST(PrometheusBlock, EndsEarlyWithAnErrorWhereverItIsCut) {
  const TempDir dir;
  const auto path = write_block(dir.path(), {ramp(kStart, 15'000, 30)});
  const std::string good = real_fs().read_file(path + "/index").value();
  for (size_t n = 0; n < good.size(); n += 3) {
    write_file(path + "/index", std::string_view(good).substr(0, n));
    EXPECT_FALSE(PrometheusBlock::open(real_fs(), path)) << n;
  }
}

TEST(Import, KeepsSamplesOfTargetsThatShareTimesAndOfThoseThatDoNot) {
  const TempDir dir;
  std::vector<SampleColumns> series;
  for (size_t i = 0; i < 40; ++i) {
    series.push_back(ramp(kStart + static_cast<TimestampMs>(i % 7), 15'000, 400 + i, -3));
  }
  write_block(dir.file("theirs"), series);
  const auto stats =
      import_prometheus_blocks(real_fs(), dir.file("theirs"), dir.file("store"), kQuiet);
  ASSERT_TRUE(stats) << stats.error().message;
  EXPECT_EQ(stats->blocks, 1u);
  const auto db = open_store(dir.file("store"));
  for (size_t i = 0; i < series.size(); ++i) {
    const auto read = read_one(*db, "instance", fmt::format("n{:03}", i));
    EXPECT_EQ(read.t, series[i].t);
    EXPECT_EQ(read.v, series[i].v);
  }
}

TEST(Import, DoesNoHarmTwice) {
  const TempDir dir;
  write_block(dir.file("theirs"), {ramp(kStart, 15'000, 100)});
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(import_prometheus_blocks(real_fs(), dir.file("theirs"), dir.file("store"), kQuiet));
  }
  const auto db = open_store(dir.file("store"));
  EXPECT_EQ(db->stats().blocks.size(), 2u);
  EXPECT_EQ(read_one(*db, "instance", "n000").t, ramp(kStart, 15'000, 100).t);
}

TEST(Import, RefusesAStoreThatIsInUse) {
  const TempDir dir;
  write_block(dir.file("theirs"), {ramp(kStart, 15'000, 3)});
  const auto db = open_store(dir.file("store"));
  const auto stats =
      import_prometheus_blocks(real_fs(), dir.file("theirs"), dir.file("store"), kQuiet);
  EXPECT_EQ(stats.error().code, ErrorCode::kConflict);
}

TEST(WriteColumns, SharesATileAmongColumnsThatMeetAndSplitsThoseThatDoNot) {
  for (const bool meet : {true, false}) {
    const TempDir dir;
    std::vector<SampleColumns> columns;
    for (TimestampMs i = 0; i < 5; ++i) {
      columns.push_back(ramp(kStart + (meet ? 15'000 * i : i), 15'000, 100));
    }
    auto writer = tsdb::BlockWriter::create(real_fs(), dir.file("block")).value();
    std::vector<uint32_t> numbers;
    for (int i = 0; i < 5; ++i) {
      numbers.push_back(writer->add_series({{"__name__", fmt::format("m{}", i)}}));
    }
    ASSERT_TRUE(write_columns(*writer, numbers, columns));
    EXPECT_EQ(writer->finish().value().tiles, meet ? 1u : 5u);
    const auto block = tsdb::BlockReader::open(real_fs(), dir.file("block")).value();
    for (uint32_t i = 0; i < 5; ++i) {
      SampleColumns out;
      ASSERT_TRUE(block->read(numbers[i], {}, out));
      EXPECT_EQ(out.t, columns[i].t);
      EXPECT_EQ(out.v, columns[i].v);
    }
  }
}

TEST(ImportText, ReadsBothFormatsAndPutsSamplesInOrder) {
  const TempDir dir;
  write_file(dir.file("a.txt"),
             "# TYPE x gauge\nx{b=\"1\",a=\"2\"} 3 1440000030000\n"
             "x{a=\"2\", b=\"1\"} 2 1440000015000\nx{a=\"2\"} 7\n");
  write_file(dir.file("b.om"),
             "# TYPE x gauge\nx{a=\"2\",b=\"1\"} 5 1440000015.000\n"
             "x{a=\"2\",b=\"1\"} 1 1440000000\n# EOF\n");
  const std::vector<std::string> files = {dir.file("a.txt"), dir.file("b.om")};
  const auto stats = import_text(real_fs(), files, dir.file("store"), kQuiet);
  ASSERT_TRUE(stats) << stats.error().message;
  EXPECT_EQ(stats->samples, 3u);
  EXPECT_EQ(stats->duplicates, 1u);
  EXPECT_EQ(stats->without_time, 1u);
  const auto db = open_store(dir.file("store"));
  const auto read = read_one(*db, "b", "1");
  EXPECT_THAT(read.t, ElementsAre(kStart, kStart + 15'000, kStart + 30'000));
  EXPECT_THAT(read.v, ElementsAre(1, 2, 3));
}

TEST(ImportText, NamesTheLineThatIsWrongAndImportsNothing) {
  const TempDir dir;
  write_file(dir.file("a.txt"), "x 1 1440000000000\nx one 1440000001000\n");
  const std::vector<std::string> files = {dir.file("a.txt")};
  const auto stats = import_text(real_fs(), files, dir.file("store"), kQuiet);
  ASSERT_FALSE(stats);
  EXPECT_THAT(stats.error().message, HasSubstr("a.txt"));
  EXPECT_THAT(stats.error().message, HasSubstr("2"));
  EXPECT_TRUE(open_store(dir.file("store"))->stats().blocks.empty());
}

TEST(ImportText, MakesNoMoreBlocksThanItMustOfALongTime) {
  const TempDir dir;
  std::string text;
  for (int day = 0; day < 400; ++day)
    text += fmt::format("x {} {}\n", day, kStart + day * 86'400'000LL);
  write_file(dir.file("a.txt"), text);
  const std::vector<std::string> files = {dir.file("a.txt")};
  const auto stats = import_text(real_fs(), files, dir.file("store"), kQuiet).value();
  EXPECT_LE(stats.blocks, 65u);
  EXPECT_EQ(read_one(*open_store(dir.file("store")), "__name__", "x").size(), 400u);
}

TEST(Export, MakesABlockOfEveryTwoHoursThatHaveSamples) {
  const TempDir dir;
  write_file(dir.file("a.txt"), fmt::format("x 1 {}\nx 2 {}\ny 3 {}\n", kStart, kStart + 7'200'000,
                                            kStart + 5 * 7'200'000 - 1));
  const std::vector<std::string> files = {dir.file("a.txt")};
  ASSERT_TRUE(import_text(real_fs(), files, dir.file("store"), kQuiet));
  const auto db = open_store(dir.file("store"));
  const ManualClock clock(kStart);
  ExportOptions options{.out = dir.file("out"), .range = {kStart, kStart + 36'000'000}};
  auto blocks = export_prometheus_blocks(*db, options, real_fs(), clock, kQuiet).value();
  ASSERT_EQ(blocks.size(), 3u);
  EXPECT_EQ(blocks[2].range.min, kStart + 5 * 7'200'000 - 1);
  options.matchers = {Matcher::equal("__name__", "y")};
  options.out = dir.file("narrow");
  blocks = export_prometheus_blocks(*db, options, real_fs(), clock, kQuiet).value();
  ASSERT_EQ(blocks.size(), 1u);
  EXPECT_EQ(blocks[0].series, 1u);
}

TEST(Ulid, SortsByTimeAndHasTheSpecifiedForm) {
  // The example of time in the ULID specification.
  EXPECT_EQ(make_ulid(1469918176385, 0, 0), "01ARYZ6S410000000000000000");
  EXPECT_LT(make_ulid(1, ~uint64_t{0}, 0), make_ulid(2, 0, 0));
}

}  // namespace
}  // namespace strata::interop
