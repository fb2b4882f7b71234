#include "oncall/schedule.h"

#include <gtest/gtest.h>

#include "oncall/calendar.h"

namespace strata::oncall {
namespace {

alerting::TimeZone zone(const std::string& name) { return *alerting::TimeZone::load(name); }

// "2026-03-29 09:00" by Berlin's clock.
TimestampMs berlin(std::string_view text) {
  const auto minute = *alerting::parse_time_of_day(text.substr(11));
  return zone("Europe/Berlin").utc_of(at_minute(*parse_day(text.substr(0, 10)), minute));
}

Schedule schedule(std::vector<config::OncallLayer> layers, std::string fallback = "") {
  config::OncallSchedule config;
  config.name = "primary";
  config.layers = std::move(layers);
  config.fallback = std::move(fallback);
  auto made = Schedule::make(config, zone("Europe/Berlin"));
  EXPECT_TRUE(made) << made.error().message;
  return *std::move(made);
}

config::OncallLayer layer(std::vector<std::string> people, std::string rotation,
                          std::string starts = "2026-01-05 09:00") {
  config::OncallLayer out;
  out.people = std::move(people);
  out.rotation = std::move(rotation);
  out.starts = std::move(starts);
  return out;
}

TEST(Schedule, WeeklyHandOffIsAtTheSameClockTimeAfterDaylightSavingBegan) {
  const auto s = schedule({layer({"a", "b"}, "weekly")});
  EXPECT_EQ(s.at(berlin("2026-01-05 09:00"), {}).person, "a");
  EXPECT_EQ(s.at(berlin("2026-01-12 08:59"), {}).person, "a");
  EXPECT_EQ(s.at(berlin("2026-01-12 09:00"), {}).person, "b");
  // The clock went forward on 2026-03-29; Monday the 30th is the start of an even week.
  EXPECT_EQ(s.at(berlin("2026-03-30 08:59"), {}).person, "b");
  EXPECT_EQ(s.at(berlin("2026-03-30 09:00"), {}).person, "a");
  EXPECT_EQ(s.at(berlin("2026-01-05 08:59"), {}).person, "b") << "it turned before it began, too";
}

TEST(Schedule, DaysOfTwentyThreeAndTwentyFiveHoursAreOneTurn) {
  const auto s = schedule({layer({"a", "b"}, "daily", "2026-03-28 09:00")});
  const auto spring = s.slots(berlin("2026-03-28 09:00"), berlin("2026-03-30 09:00"), {});
  ASSERT_EQ(spring.size(), 2u);
  EXPECT_EQ(spring[0].until - spring[0].since, 23 * 3'600'000);
  EXPECT_EQ(spring[1].person, "b");
  const auto autumn = s.slots(berlin("2026-10-24 09:00"), berlin("2026-10-25 09:00"), {});
  ASSERT_EQ(autumn.size(), 1u);
  EXPECT_EQ(autumn[0].until - autumn[0].since, 25 * 3'600'000);
}

TEST(Schedule, AHandOffInTheHourThatComesTwiceHappensOnce) {
  const auto s = schedule({layer({"a", "b"}, "daily", "2026-10-24 02:30")});
  // 02:30 is at 00:30 UTC (summer) and again at 01:30 UTC (winter).
  const TimestampMs first = berlin("2026-10-25 02:30");
  EXPECT_EQ(s.at(first - 1, {}).person, "a");
  for (int minute = 0; minute < 24 * 60; ++minute) {
    EXPECT_EQ(s.at(first + minute * 60'000, {}).person, "b") << minute;
  }
}

TEST(Schedule, AHandOffInTheHourThatIsLeftOutHappensAllTheSame) {
  const auto s = schedule({layer({"a", "b"}, "daily", "2026-03-28 02:30")});
  const auto slots = s.slots(berlin("2026-03-28 02:30"), berlin("2026-03-30 02:30"), {});
  ASSERT_EQ(slots.size(), 2u);
  EXPECT_EQ(slots[0].person, "a");
  EXPECT_EQ(slots[1].person, "b");
  EXPECT_EQ(slots[0].until, berlin("2026-03-29 03:30"));
}

TEST(Schedule, ARotationOfHoursCountsHoursThatPass) {
  const auto s = schedule({layer({"a", "b", "c"}, "8h", "2026-03-29 00:00")});
  const TimestampMs begin = berlin("2026-03-29 00:00");
  const auto slots = s.slots(begin, begin + 24 * 3'600'000, {});
  ASSERT_EQ(slots.size(), 3u);
  for (const Slot& slot : slots) EXPECT_EQ(slot.until - slot.since, 8 * 3'600'000);
}

TEST(Schedule, ALaterLayerGoesBeforeAnEarlierOneWithinItsHours) {
  auto night = layer({"n"}, "weekly");
  night.hours = "22:00-06:00";
  const auto s = schedule({layer({"a"}, "weekly"), night});
  EXPECT_EQ(s.at(berlin("2026-06-01 21:59"), {}).person, "a");
  EXPECT_EQ(s.at(berlin("2026-06-01 22:00"), {}).from, "layer 2");
  EXPECT_EQ(s.at(berlin("2026-06-02 05:59"), {}).person, "n");
  EXPECT_EQ(s.at(berlin("2026-06-02 06:00"), {}).person, "a");
  const auto slots = s.slots(berlin("2026-06-01 12:00"), berlin("2026-06-02 12:00"), {});
  ASSERT_EQ(slots.size(), 3u);
  EXPECT_EQ(slots[1].since, berlin("2026-06-01 22:00"));
  EXPECT_EQ(slots[1].until, berlin("2026-06-02 06:00"));
}

TEST(Schedule, AnOverrideGoesBeforeLayersWhileItLasts) {
  const auto s = schedule({layer({"a"}, "weekly")});
  const std::vector<Override> overrides = {{.id = 1,
                                            .schedule = "primary",
                                            .person = "b",
                                            .starts_at = berlin("2026-06-01 10:00"),
                                            .ends_at = berlin("2026-06-01 12:00"),
                                            .created_by = "a"},
                                           {.id = 2,
                                            .schedule = "other",
                                            .person = "c",
                                            .starts_at = 0,
                                            .ends_at = berlin("2027-06-01 12:00"),
                                            .created_by = "a"}};
  const auto slots = s.slots(berlin("2026-06-01 09:00"), berlin("2026-06-01 13:00"), overrides);
  ASSERT_EQ(slots.size(), 3u);
  EXPECT_EQ(slots[1].person, "b");
  EXPECT_EQ(slots[1].from, "override");
  EXPECT_EQ(slots[1].until, berlin("2026-06-01 12:00"));
}

TEST(Schedule, AHoleIsASlotWithNobodyUnlessThereIsAFallback) {
  auto office = layer({"a"}, "weekly");
  office.weekdays = {"monday:friday"};
  EXPECT_EQ(schedule({office}).at(berlin("2026-06-06 12:00"), {}).person, "");
  EXPECT_EQ(schedule({office}, "f").at(berlin("2026-06-06 12:00"), {}).from, "fallback");
}

TEST(Schedule, SlotsAreWhatAtSaysMinuteByMinute) {
  auto weekend = layer({"w", "v"}, "daily", "2026-03-28 10:00");
  weekend.weekdays = {"saturday", "sunday"};
  weekend.hours = "02:15-16:00";
  const auto s = schedule({layer({"a", "b"}, "12h", "2026-03-27 02:30"), weekend}, "f");
  const TimestampMs from = berlin("2026-03-27 00:00");
  const auto slots = s.slots(from, from + 4 * 86'400'000, {});
  for (const Slot& slot : slots) {
    for (TimestampMs t = slot.since; t < slot.until; t += 60'000) {
      ASSERT_EQ(s.at(t, {}).person, slot.person) << t;
    }
  }
}

TEST(Schedule, SaysWhatIsWrong) {
  config::OncallSchedule config;
  config.layers = {layer({"a"}, "fortnightly")};
  config.layers[0].place = "strata.yml:3:4";
  const auto made = Schedule::make(config, alerting::TimeZone());
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().message,
            "strata.yml:3:4: \"fortnightly\" is no rotation: daily, weekly, or a duration of at "
            "least 10m");
  config.layers = {layer({"a"}, "daily", "2026-02-30 09:00")};
  EXPECT_FALSE(Schedule::make(config, alerting::TimeZone()));
}

TEST(Calendar, MadeUpWorkdaysBeatHolidaysAndWeekends) {
  config::OncallCalendar config;
  config.holidays = {"2026-10-01", "2026-10-02", "2026-10-10"};
  config.extra_workdays = {"2026-10-10"};  // a Saturday
  const auto calendar = *Calendar::make(config, zone("Asia/Shanghai"));
  EXPECT_FALSE(calendar.is_workday(*parse_day("2026-10-01")));
  EXPECT_TRUE(calendar.is_workday(*parse_day("2026-10-10")));
  EXPECT_FALSE(calendar.is_workday(*parse_day("2026-10-11")));
}

TEST(Calendar, TheDigestIsOnTheNextWorkday) {
  config::OncallCalendar config;
  config.holidays = {"2026-12-25"};
  const auto calendar = *Calendar::make(config, zone("Europe/Berlin"));
  EXPECT_EQ(calendar.next_digest(berlin("2026-12-24 09:29")), berlin("2026-12-24 09:30"));
  EXPECT_EQ(calendar.next_digest(berlin("2026-12-24 09:30")), berlin("2026-12-28 09:30"));
  EXPECT_TRUE(calendar.in_hours(berlin("2026-12-24 17:59")));
  EXPECT_FALSE(calendar.in_hours(berlin("2026-12-24 18:00")));
  EXPECT_FALSE(calendar.in_hours(berlin("2026-12-25 12:00")));
}

}  // namespace
}  // namespace strata::oncall
