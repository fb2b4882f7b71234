#include "gateway/ledger.h"

#include <gtest/gtest.h>

#include "base/temp_dir.h"

namespace strata::gateway {
namespace {

RequestRecord row_of(TimestampMs at, const std::string& model) {
  RequestRecord row;
  row.at_ms = at;
  row.id = 7;
  row.model = model;
  row.tenant = "t";
  row.endpoint = "/v1/chat/completions";
  row.upstream = "u";
  row.outcome = Outcome::kClientCancel;
  row.status = 499;
  row.attempts = 2;
  row.stream = true;
  row.usage_source = UsageSource::kContinuous;
  row.usage = {.input = 1, .cached = 2, .cache_write = 3, .output = 4, .reasoning = 5};
  row.duration = std::chrono::milliseconds(6);
  row.ttft = std::chrono::milliseconds(5);
  row.request_bytes = 8;
  row.response_bytes = 9;
  row.cost_nano_usd = 10;
  row.price_version = 11;
  return row;
}

std::vector<RequestRecord> rows_in(const std::string& directory, TimestampMs from = INT64_MIN,
                                   TimestampMs to = INT64_MAX) {
  std::vector<RequestRecord> rows;
  EXPECT_TRUE(read_ledger(real_fs(), directory, from, to,
                          [&](const RequestRecord& row) { rows.push_back(row); }));
  return rows;
}

TEST(Ledger, GivesBackWhatWasPutIn) {
  TempDir dir;
  ManualClock clock(1000);
  {
    auto ledger = Ledger::open({.path = dir.path()}, real_fs(), clock);
    ASSERT_TRUE(ledger) << ledger.error().message;
    (*ledger)->append(row_of(1, "a"));
    (*ledger)->append(row_of(2, "b"));
    (*ledger)->append(row_of(3, "a"));
  }
  const auto rows = rows_in(dir.path(), 1, 3);
  ASSERT_EQ(rows.size(), 2u);
  const RequestRecord& row = rows[1];
  EXPECT_EQ(row.model, "b");
  EXPECT_EQ(row.tenant, "t");
  EXPECT_EQ(row.endpoint, "/v1/chat/completions");
  EXPECT_EQ(row.upstream, "u");
  EXPECT_EQ(row.outcome, Outcome::kClientCancel);
  EXPECT_EQ(row.usage_source, UsageSource::kContinuous);
  EXPECT_EQ(row.usage.cached, 2u);
  EXPECT_EQ(row.usage.reasoning, 5u);
  EXPECT_EQ(row.ttfb, RequestRecord::kNever);
  EXPECT_EQ(row.ttft, std::chrono::milliseconds(5));
  EXPECT_EQ(row.cost_nano_usd, 10);
  EXPECT_EQ(row.status, 499);
  EXPECT_TRUE(row.stream);
}

TEST(Ledger, IsReadUpToWhereItWasTorn) {
  TempDir dir;
  ManualClock clock(1000);
  {
    auto ledger = Ledger::open({.path = dir.path()}, real_fs(), clock);
    ASSERT_TRUE(ledger);
    for (TimestampMs at = 0; at < 10; ++at) (*ledger)->append(row_of(at, "a"));
  }
  const std::string path = dir.path() + "/0000000001000-00.ledger";
  const std::string bytes = *real_fs().read_file(path);
  size_t most = 0;
  for (size_t size = 8; size <= bytes.size(); ++size) {
    size_t rows = 0;
    const auto whole = read_ledger_file(std::string_view(bytes).substr(0, size),
                                        [&](const RequestRecord&) { ++rows; });
    ASSERT_TRUE(whole);
    ASSERT_GE(rows, most);
    most = rows;
  }
  EXPECT_EQ(most, 10u);
  std::string flipped = bytes;
  flipped[flipped.size() - 3] ^= 1;
  size_t rows = 0;
  EXPECT_FALSE(*read_ledger_file(flipped, [&](const RequestRecord&) { ++rows; }));
  EXPECT_EQ(rows, 9u);
  EXPECT_FALSE(read_ledger_file("something else", [](const RequestRecord&) {}));
}

TEST(Ledger, BeginsAFileADayAndDropsOldOnes) {
  TempDir dir;
  ManualClock clock(1000);
  auto ledger = Ledger::open({.path = dir.path()}, real_fs(), clock);
  ASSERT_TRUE(ledger);
  (*ledger)->append(row_of(1, "a"));
  clock.advance(std::chrono::hours(25));
  (*ledger)->flush();
  (*ledger)->append(row_of(2, "a"));
  (*ledger)->flush();
  EXPECT_EQ(rows_in(dir.path()).size(), 2u);
  EXPECT_EQ(real_fs().list(dir.path())->size(), 3u);                   // two files and the lock
  EXPECT_FALSE(Ledger::open({.path = dir.path()}, real_fs(), clock));  // it is in use
}

}  // namespace
}  // namespace strata::gateway
