#include "alerting/outbox.h"

#include <gtest/gtest.h>

#include <random>

#include "alerting/silences.h"
#include "base/temp_dir.h"

namespace strata::alerting {
namespace {

constexpr TimestampMs kNow = 1'700'000'000'000;

class OutboxTest : public testing::Test {
 protected:
  int64_t add(const std::string& group, size_t bytes = 1) {
    const auto id = outbox_->add(key(group), {}, {{"body", std::string(bytes, 'x')}}, kNow);
    EXPECT_TRUE(id) << id.error().message;
    return id.value_or(0);
  }
  static LogKey key(const std::string& group) {
    return {.group = group, .receiver = "r", .integration = "slack", .index = 0};
  }
  std::vector<int64_t> take(TimestampMs at = kNow, size_t limit = 100) {
    std::vector<int64_t> out;
    taken_ = outbox_->take_due(at, limit).value_or(std::vector<Message>());
    for (const Message& message : taken_) out.push_back(message.id);
    return out;
  }

  TempDir dir_;
  std::unique_ptr<state::Database> db_ = *state::Database::open(dir_.file("state.db"));
  std::unique_ptr<NotificationLog> log_ = *NotificationLog::open(*db_);
  std::unique_ptr<Outbox> outbox_ = *Outbox::open(*db_, kNow);
  std::vector<Message> taken_;
};

TEST_F(OutboxTest, ANewerMessageTakesThePlaceOfOneThatWaits) {
  const int64_t old = add("g");
  const int64_t other = add("other");
  const int64_t now = add("g");
  EXPECT_EQ(outbox_->state_of(old), "superseded");
  EXPECT_EQ(outbox_->waiting(), 2);
  EXPECT_EQ(take(), (std::vector<int64_t>{other, now}));
}

TEST_F(OutboxTest, WhatFailsBehindANewerMessageIsNotTriedAgain) {
  const int64_t old = add("g");
  take();
  const int64_t newer = add("g");
  const auto over =
      outbox_->failed(taken_[0], {.message = old, .at = kNow, .detail = "503"}, true, std::nullopt);
  EXPECT_TRUE(over.value_or(false));
  EXPECT_EQ(outbox_->state_of(old), "superseded");
  EXPECT_EQ(take(), (std::vector<int64_t>{newer}));
  EXPECT_EQ(outbox_->waiting(), 1);
}

TEST_F(OutboxTest, WhatAProviderCallsAMessageIsKnownToTheNextOneOfItsKey) {
  add("g");
  take();
  EXPECT_EQ(taken_[0].reference, "");
  ASSERT_TRUE(
      outbox_->succeeded(taken_[0], {.message = taken_[0].id, .at = kNow, .detail = ""}, "C1 1.2"));
  outbox_.reset();
  outbox_ = *Outbox::open(*db_, kNow);
  add("g");
  add("other");
  take();
  ASSERT_EQ(taken_.size(), 2);
  EXPECT_EQ(taken_[0].reference, "C1 1.2");
  EXPECT_EQ(taken_[1].reference, "");
  ASSERT_TRUE(outbox_->succeeded(taken_[0], {.message = taken_[0].id, .at = kNow, .detail = ""}));
  ASSERT_TRUE(outbox_->collect_garbage(kNow + Outbox::kKept.count() + 1));
  add("g");
  take();
  EXPECT_EQ(taken_[0].reference, "");
}

TEST_F(OutboxTest, WhatIsPutOffWasNotTried) {
  add("g");
  take();
  ASSERT_TRUE(outbox_->postpone({{taken_[0].id, kNow + 5000}}));
  EXPECT_TRUE(take(kNow + 4999).empty());
  take(kNow + 5000);
  ASSERT_EQ(taken_.size(), 1);
  EXPECT_EQ(taken_[0].attempts, 1);
}

TEST_F(OutboxTest, LongMessagesAreHandedOutAFewAtATime) {
  for (int i = 0; i < 5; ++i) add(fmt::format("g{}", i), Outbox::kMaxMessage - 1);
  EXPECT_EQ(take().size(), 3);
  EXPECT_EQ(take().size(), 2);
  EXPECT_FALSE(
      outbox_->add(key("long"), {}, {{"body", std::string(Outbox::kMaxMessage + 1, 'x')}}, kNow));
}

// The index against looking at every silence.
TEST(SilencesIndex, FindsWhatLookingAtEachSilenceFinds) {
  const TempDir dir;
  const auto db = *state::Database::open(dir.file("state.db"));
  const auto silences = *Silences::open(*db);
  std::mt19937 random(1);
  const auto pick = [&](std::initializer_list<std::string> of) {
    return *(of.begin() + random() % of.size());
  };
  for (int i = 0; i < 60; ++i) {
    Silence silence;
    silence.starts_at = kNow - 1000;
    silence.ends_at = kNow + 1000;
    silence.created_by = "me";
    silence.comment = "c";
    for (size_t set = 0; set < 1 + random() % 2; ++set) {
      Matchers matchers;
      for (size_t n = 0; n < 1 + random() % 3; ++n) {
        const auto op = static_cast<Matcher::Op>(random() % 4);
        matchers.push_back(*Matcher::make(op, pick({"a", "b", "c"}), pick({"1", "2", "1|3", ""})));
      }
      // At least one matcher has to ask for something.
      matchers.push_back(*Matcher::make(Matcher::Op::kRegex, pick({"a", "b"}), pick({".+", "1"})));
      silence.matcher_sets.push_back(std::move(matchers));
    }
    const auto made = silences->set(silence, kNow);
    ASSERT_TRUE(made) << made.error().message;
  }
  for (int i = 0; i < 200; ++i) {
    const Labels labels = {{"a", pick({"1", "2", "3"})}, {"b", pick({"1", "2"})}};
    std::vector<std::string> want;
    for (const Silence& silence : silences->all()) {
      if (silence.matches(labels)) want.push_back(silence.id);
    }
    std::ranges::sort(want);
    EXPECT_EQ(silences->silencing(labels, kNow), want);
  }
}

}  // namespace
}  // namespace strata::alerting
