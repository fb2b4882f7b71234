#include "remote/pace.h"

#include <gtest/gtest.h>

namespace strata::remote {
namespace {

constexpr TimestampMs kStart = 1'700'000'000'000;

// A round a second of 1000 samples, each taking a request half a millisecond a sample.
TEST(Pace, WhatKeepsUpIsTheTimeOfASecondsSamples) {
  Pace pace;
  for (int s = 0; s <= 60; ++s) pace.sent(1000, 0.5, kStart + s * 1000, kStart + s * 1000);
  EXPECT_NEAR(pace.desired_shards(), 0.5, 1e-9);
}

TEST(Pace, ATargetThatIsBehindNeedsMore) {
  Pace pace;
  for (int s = 0; s <= 60; ++s) pace.sent(1000, 0.5, kStart + s * 1000, kStart + 600'000);
  EXPECT_NEAR(pace.desired_shards(), 0.5 * (1 + 0.05 * 540), 1e-9);
}

TEST(Pace, NothingIsKnownBeforeTenSecondsOfSamples) {
  Pace pace;
  pace.sent(1000, 0.5, kStart, kStart);
  pace.sent(1000, 0.5, kStart + 5000, kStart + 5000);
  EXPECT_EQ(pace.desired_shards(), 0);
}

TEST(Pace, TimesThatGoBackBeginTheMeasurementAgain) {
  Pace pace;
  pace.sent(1000, 0.5, kStart + 3'600'000, kStart);
  for (int s = 0; s <= 10; ++s) pace.sent(1000, 0.5, kStart + s * 1000, kStart + s * 1000);
  EXPECT_NEAR(pace.desired_shards(), 0.5, 1e-9);
}

}  // namespace
}  // namespace strata::remote
