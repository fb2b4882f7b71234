#include "tsdb/wal.h"

#include <gtest/gtest.h>

#include <random>

#include "base/fault_fs.h"
#include "base/temp_dir.h"
#include "model/sample.h"
#include "tsdb/frame.h"
#include "tsdb/series_log.h"
#include "tsdb/wal_record.h"

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

TEST(WalRecord, ColumnsComeBackInTheirOrder) {
  for (const std::vector<uint32_t>& ids :
       {std::vector<uint32_t>{}, {7}, {0, 1, 2, 3}, {9, 8, 7}, {5, 6, 1, 2, 4'000'000'000, 0}}) {
    std::vector<SeriesId> columns;
    for (const uint32_t id : ids) columns.push_back(SeriesId{id});
    std::string encoded;
    encode_columns(encoded, columns);
    std::string_view rest = encoded;
    std::vector<SeriesId> decoded;
    ASSERT_TRUE(decode_columns(rest, 100, decoded));
    EXPECT_EQ(decoded, columns);
  }
}

LayoutPtr layout_of(std::vector<uint32_t> ids) {
  std::vector<SeriesId> columns;
  for (const uint32_t id : ids) columns.push_back(SeriesId{id});
  return std::make_shared<const Layout>(std::move(columns));
}

RowBase base_of(uint32_t id, TimestampMs t, LayoutPtr layout, std::vector<double> values,
                const RowBase* before) {
  RowBase base{id, t, std::move(layout), std::move(values), {}};
  base.plan = plan_columns(base.values, before);
  return base;
}

std::string coded(const RowBase& base, const RowBase* before) {
  std::string out;
  encode_base(out, base, before);
  return out;
}

TEST(WalRecord, ARowCarriesItsBaseWhenAsked) {
  const RowBase base = base_of(7, 1000, layout_of({3, 4}), {1, 2.25}, nullptr);
  for (const bool with_base : {false, true}) {
    std::string bytes;
    encode_row_record(bytes, TargetId{5}, base, with_base ? coded(base, nullptr) : "", 2000,
                      std::vector{1.0, 9.5});
    const ScrapeRecord record = read_scrape_record(bytes).value();
    EXPECT_EQ(record.target, TargetId{5});
    EXPECT_EQ(record.base_id, 7u);
    EXPECT_TRUE(record.has_row);
    EXPECT_EQ(record.since_base, 1000);
    EXPECT_EQ(record.samples, 2u);
    ASSERT_EQ(!record.coded_base.empty(), with_base);
    if (with_base) {
      const RowBasePtr found = decode_base(record, nullptr).value();
      EXPECT_EQ(found->t, 1000);
      EXPECT_TRUE(std::ranges::equal(found->layout->columns(), base.layout->columns()));
      EXPECT_EQ(found->values, base.values);
      EXPECT_EQ(found->plan, base.plan);
    }
    std::vector<double> values;
    ASSERT_TRUE(decode_row(record.row, base.values, base.plan, values));
    EXPECT_EQ(values, (std::vector{1.0, 9.5}));
  }
}

TEST(WalRecord, ABaseMayReferToTheOneBeforeItAndToNoOther) {
  const RowBase first = base_of(1, 1000, layout_of({3, 4}), {1000, 2000.5}, nullptr);
  const RowBase second = base_of(2, 9000, first.layout, {1001, 2000.75}, &first);
  std::string bytes;
  encode_base_record(bytes, TargetId{5}, coded(second, &first));
  const ScrapeRecord record = read_scrape_record(bytes).value();
  EXPECT_EQ(record.base_id, 2u);
  EXPECT_FALSE(record.has_row);
  const RowBasePtr found = decode_base(record, &first).value();
  EXPECT_EQ(found->values, second.values);
  EXPECT_EQ(found->plan, second.plan);
  EXPECT_EQ(found->layout, first.layout);
  EXPECT_EQ(decode_base(record, &second).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(decode_base(record, nullptr).error().code, ErrorCode::kNotFound);
}

TEST(WalRecord, TimedSamplesComeBack) {
  std::mt19937_64 random(2);
  std::vector<LoggedSample> samples;
  for (int i = 0; i < 500; ++i) {
    const auto t = i % 50 == 0 ? static_cast<TimestampMs>(random()) : 1'700'000'000'000 + i / 7;
    samples.push_back(
        {{SeriesId{static_cast<uint32_t>(random() % 9)}, t, any_value(random)}, i % 3 == 0});
  }
  std::string record;
  encode_timed_record(record, samples);
  std::vector<LoggedSample> decoded;
  ASSERT_TRUE(decode_timed_record(record, decoded));
  ASSERT_EQ(decoded.size(), samples.size());
  for (size_t i = 0; i < samples.size(); ++i) {
    EXPECT_EQ(decoded[i].sample.series, samples[i].sample.series);
    EXPECT_EQ(decoded[i].sample.t, samples[i].sample.t);
    EXPECT_EQ(bits(decoded[i].sample.v), bits(samples[i].sample.v));
    EXPECT_EQ(decoded[i].late, samples[i].late);
  }
}

TEST(WalRecord, ShortenedRecordsAreCorruptionAndNothingWorse) {
  const RowBase base = base_of(7, 1000, layout_of({3, 4}), {1, 2.25}, nullptr);
  std::string bytes;
  encode_row_record(bytes, TargetId{5}, base, coded(base, nullptr), 2000, std::vector{1.0, 9.5});
  for (size_t n = 0; n < bytes.size(); ++n) {
    const auto result = [&]() -> Result<> {
      const ScrapeRecord record = TRY(read_scrape_record(std::string_view(bytes).substr(0, n)));
      const RowBasePtr found = TRY(decode_base(record, nullptr));
      std::vector<double> values;
      return decode_row(record.row, found->values, found->plan, values);
    }();
    ASSERT_FALSE(result) << n;
    EXPECT_EQ(result.error().code, ErrorCode::kCorruption);
  }
}

std::string frame_of(std::string_view payload) {
  std::string frame;
  begin_frame(frame);
  return frame += payload;
}

TEST(Wal, RefusesAFrameForASegmentThatIsClosed) {
  TempDir dir;
  auto wal = Wal::open(real_fs(), dir.path(), 100).value();
  std::string frame = frame_of("first");
  const uint64_t segment = wal->append(frame).value();
  frame = frame_of(std::string(100, 'x'));
  EXPECT_EQ(wal->append(frame, segment).value(), segment);
  frame = frame_of("too late");
  EXPECT_EQ(wal->append(frame, segment).value(), kAnySegment);
  EXPECT_EQ(wal->append(frame).value(), segment + 1);
}

TEST(Wal, DropsOnlyOlderSegmentsAndKeepsDamagedOnesAside) {
  TempDir dir;
  auto wal = Wal::open(real_fs(), dir.path(), 1 << 20).value();
  for (int i = 0; i < 3; ++i) {
    std::string frame = frame_of("x");
    ASSERT_TRUE(wal->append(frame));
    wal->roll();
  }
  wal->mark_damaged(2);
  wal->drop_before(3);
  EXPECT_FALSE(real_fs().exists(wal->path(1)));
  EXPECT_FALSE(real_fs().exists(wal->path(2)));
  EXPECT_TRUE(real_fs().exists(wal->path(2) + ".damaged"));
  EXPECT_TRUE(real_fs().exists(wal->path(3)));
  EXPECT_EQ(wal->stats().segments, 1u);
}

TEST(Wal, AFailedWriteLeavesNoTrace) {
  TempDir dir;
  FaultFs fs(real_fs());
  auto wal = Wal::open(fs, dir.path(), 1 << 20).value();
  std::string frame = frame_of("one");
  const uint64_t segment = wal->append(frame).value();
  fs.fail_after(0);
  frame = frame_of("lost");
  EXPECT_FALSE(wal->append(frame));
  frame = frame_of("two");
  ASSERT_TRUE(wal->append(frame));
  const std::string bytes = real_fs().read_file(wal->path(segment)).value();
  FrameReader reader(bytes);
  Frame read;
  ASSERT_TRUE(reader.next(read));
  EXPECT_EQ(read.payload, "one");
  ASSERT_TRUE(reader.next(read));
  EXPECT_EQ(read.payload, "two");
  EXPECT_EQ(read.sequence, 1u);
  EXPECT_TRUE(reader.damage().empty());
}

struct Definitions {
  std::map<uint32_t, std::string> series;
  std::map<uint32_t, std::string> targets;
  SeriesLog::Handlers handlers() {
    return {
        .on_series =
            [this](SeriesId id, std::string_view labels) {
              series[index_of(id)] = Labels::from_bytes(std::string(labels)).to_string();
            },
        .on_target = [this](TargetId id, std::string_view key) { targets[index_of(id)] = key; }};
  }
};

TEST(SeriesLog, DefinitionsComeBack) {
  TempDir dir;
  {
    Definitions none;
    auto log = SeriesLog::open(real_fs(), dir.path(), none.handlers()).value();
    log->add_series(SeriesId{0}, {{"__name__", "up"}, {"long", std::string(3000, 'x')}});
    log->add_target(TargetId{0}, "job/x");
    ASSERT_TRUE(log->flush());
    log->add_series(SeriesId{1}, {{"a", "b"}});
    ASSERT_TRUE(log->sync());
  }
  Definitions found;
  auto log = SeriesLog::open(real_fs(), dir.path(), found.handlers()).value();
  EXPECT_EQ(found.series.size(), 2u);
  EXPECT_EQ(found.series[1], "{a=\"b\"}");
  EXPECT_EQ(found.targets[0], "job/x");
  log->add_series(SeriesId{2}, {{"c", "d"}});
  ASSERT_TRUE(log->flush());
  Definitions again;
  ASSERT_TRUE(SeriesLog::open(real_fs(), dir.path(), again.handlers()));
  EXPECT_EQ(again.series.size(), 3u);
}

TEST(SeriesLog, ADamagedDefinitionLosesOnlyItselfAndTheFileIsKeptAside) {
  TempDir dir;
  {
    Definitions none;
    auto log = SeriesLog::open(real_fs(), dir.path(), none.handlers()).value();
    for (uint32_t i = 0; i < 3; ++i) log->add_series(SeriesId{i}, {{"i", std::to_string(i)}});
    ASSERT_TRUE(log->flush());
  }
  std::string bytes = real_fs().read_file(dir.file("series")).value();
  bytes[bytes.size() / 2] ^= 4;
  ASSERT_TRUE(real_fs().create(dir.file("series")).value()->append(bytes));
  Definitions found;
  auto log = SeriesLog::open(real_fs(), dir.path(), found.handlers()).value();
  EXPECT_EQ(found.series.size(), 2u);
  EXPECT_EQ(log->damage().size(), 1u);
  ASSERT_TRUE(log->rewrite([&](const SeriesLog::AddSeries& add, const SeriesLog::AddTarget&) {
    add(SeriesId{0}, {{"i", "0"}});
    log->add_series(SeriesId{9}, {{"added", "meanwhile"}});
  }));
  ASSERT_TRUE(log->flush());
  EXPECT_TRUE(real_fs().exists(dir.file("series.damaged")));
  Definitions again;
  auto reopened = SeriesLog::open(real_fs(), dir.path(), again.handlers()).value();
  EXPECT_EQ(again.series.size(), 2u);
  EXPECT_TRUE(reopened->damage().empty());
}

}  // namespace
}  // namespace strata::tsdb
