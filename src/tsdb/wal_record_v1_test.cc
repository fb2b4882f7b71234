#include "tsdb/wal_record_v1.h"

#include <gtest/gtest.h>

#include <random>

#include "base/temp_dir.h"
#include "model/sample.h"
#include "tsdb/db.h"
#include "tsdb/frame.h"
#include "tsdb/series_log.h"
#include "tsdb/wal_v1_for_test.h"

namespace strata::tsdb {
namespace {

uint64_t bits(double v) { return std::bit_cast<uint64_t>(v); }

double any_value(std::mt19937_64& random) {
  switch (random() % 9) {
    case 0: return stale_nan();
    case 1: return std::bit_cast<double>(random());
    case 2: return -0.0;
    case 3: return 5e-324;
    case 4: return -std::numeric_limits<double>::infinity();
    case 5: return static_cast<double>(random() % 1000) / 10;
    case 6: return static_cast<double>(random() >> 20);
    default: return static_cast<double>(random() % 300);
  }
}

TEST(WalRecordV1, ValuesComeBackBitForBit) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 3000; ++round) {
    std::vector<double> base;
    std::vector<double> values;
    for (uint64_t n = random() % 70; n > 0; --n) {
      base.push_back(any_value(random));
      const uint64_t how = random() % 3;
      values.push_back(how == 0   ? base.back()
                       : how == 1 ? base.back() + static_cast<double>(random() % 70000)
                                  : any_value(random));
    }
    std::string encoded;
    v1::encode_values(encoded, base, values);
    std::string_view rest = encoded;
    std::vector<double> decoded;
    ASSERT_TRUE(v1::decode_values(rest, base, decoded));
    EXPECT_TRUE(rest.empty());
    ASSERT_TRUE(std::ranges::equal(values, decoded, {}, bits, bits));
  }
}

TEST(WalRecordV1, AnUnchangedRowTakesABitAColumn) {
  const std::vector<double> values(800, 1.5);
  std::string encoded;
  v1::encode_values(encoded, values, values);
  EXPECT_EQ(encoded.size(), 100u);
}

TEST(WalRecordV1, ShortenedRecordsAreCorruptionAndNothingWorse) {
  const v1::ScrapeBase base{7, 1000, {SeriesId{3}, SeriesId{4}}, {1, 2.25}};
  std::string record;
  v1::encode_row_record(record, TargetId{5}, base, true, 2000, std::vector{1.0, 9.5});
  for (size_t n = 0; n < record.size(); ++n) {
    v1::DecodedScrape decoded;
    std::vector<double> values;
    const auto result = [&]() -> Result<> {
      TRY(v1::decode_scrape_record(std::string_view(record).substr(0, n), decoded));
      return v1::decode_row_values(decoded.delta, decoded.base.values, values);
    }();
    ASSERT_FALSE(result) << n;
    EXPECT_EQ(result.error().code, ErrorCode::kCorruption);
  }
}

/// Framed as in a file.
std::string file_of(const std::vector<std::string>& payloads) {
  std::string out;
  for (uint32_t i = 0; i < payloads.size(); ++i) {
    const size_t begin = begin_frame(out);
    out += payloads[i];
    end_frame(out, begin, i);
  }
  return out;
}

TEST(WalRecordV1, ALogOfTheEarlierVersionIsReplayedWhole) {
  TempDir dir;
  constexpr TimestampMs kStart = 1'700'000'000'000;
  constexpr int kRows = 40;
  {
    auto log = SeriesLog::open(real_fs(), dir.path(), {}).value();
    log->add_target(TargetId{0}, "t");
    for (uint32_t i = 0; i < 3; ++i) {
      log->add_series(SeriesId{i}, {{kMetricName, "m"}, {"i", std::to_string(i)}});
    }
    ASSERT_TRUE(log->sync());
  }
  const auto values_at = [](int row) {
    return std::vector<double>{row * 1000.0, row % 7 / 10.0,
                               row == 20 ? stale_nan() : 1 / (row + 3.0)};
  };
  std::vector<std::string> records;
  v1::ScrapeBase base{.columns = {SeriesId{0}, SeriesId{1}, SeriesId{2}}};
  for (int row = 0; row < kRows; ++row) {
    std::string& record = records.emplace_back();
    const TimestampMs t = kStart + row * 15'000;
    if (row % 16 == 0) {
      base.id = static_cast<uint32_t>(row / 16 + 1);
      base.t = t;
      base.values = values_at(row);
      v1::encode_base_record(record, TargetId{0}, base);
    } else {
      v1::encode_row_record(record, TargetId{0}, base, row % 16 == 1, t, values_at(row));
    }
  }
  ASSERT_TRUE(real_fs().create_directories(dir.file("wal")));
  ASSERT_TRUE(real_fs().create(dir.file("wal/00000001")).value()->append(file_of(records)));

  ManualClock clock(kStart + kRows * 15'000);
  Options options;
  options.path = dir.path();
  auto db = Db::open(options, real_fs(), clock).value();
  EXPECT_EQ(db->stats().replayed_samples, 3u * kRows);
  const Matcher all = Matcher::equal(std::string(kMetricName), "m");
  const auto set = db->select({&all, 1}, {}, 0).value();
  ASSERT_EQ(set->size(), 3u);
  SampleColumns samples;
  for (size_t i = 0; i < 3; ++i) {
    const size_t column = set->labels(i).get("i")[0] - size_t{'0'};
    ASSERT_TRUE(set->read(i, {}, samples));
    ASSERT_EQ(samples.size(), size_t{kRows});
    for (int row = 0; row < kRows; ++row) {
      EXPECT_EQ(samples.t[static_cast<size_t>(row)], kStart + row * 15'000);
      EXPECT_EQ(bits(samples.v[static_cast<size_t>(row)]), bits(values_at(row)[column]));
    }
  }
}

}  // namespace
}  // namespace strata::tsdb
