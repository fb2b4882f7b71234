#include <gtest/gtest.h>

#include "alerting/posix_tz.h"
#include "alerting/time_interval.h"
#include "alerting/time_zone.h"

namespace strata::alerting {
namespace {

TimestampMs at(int year, int month, int day, int hour = 0, int minute = 0) {
  return (days_from_civil(year, month, day) * 86'400 + hour * 3600 + minute * 60) * 1000;
}

std::string shown(const LocalTime& t) {
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02} {}", t.year, t.month, t.day, t.hour,
                     t.minute, t.second, t.weekday);
}

TEST(TimeZone, UtcHasTheCalendar) {
  EXPECT_EQ(shown(utc_time(0)), "1970-01-01 00:00:00 4");
  EXPECT_EQ(shown(utc_time(-1)), "1969-12-31 23:59:59 3");
  EXPECT_EQ(shown(utc_time(at(2024, 2, 29, 12, 30))), "2024-02-29 12:30:00 4");
  for (int day = -800'000; day < 800'000; day += 997) {
    const LocalTime t = utc_time(int64_t{day} * 86'400'000);
    EXPECT_EQ(days_from_civil(t.year, t.month, t.day), day);
  }
  EXPECT_EQ(days_in_month(2023, 2), 28);
  EXPECT_EQ(days_in_month(2000, 2), 29);
  EXPECT_EQ(days_in_month(1900, 2), 28);
}

TEST(TimeZone, RulesOfPosix) {
  const auto berlin = parse_posix_tz("CET-1CEST,M3.5.0,M10.5.0/3");
  ASSERT_TRUE(berlin);
  EXPECT_EQ(berlin->offset_at(at(2026, 1, 1) / 1000), 3600);
  EXPECT_EQ(berlin->offset_at(at(2026, 3, 29, 0, 59) / 1000), 3600);
  EXPECT_EQ(berlin->offset_at(at(2026, 3, 29, 1) / 1000), 7200);
  EXPECT_EQ(berlin->offset_at(at(2026, 10, 25, 0, 59) / 1000), 7200);
  EXPECT_EQ(berlin->offset_at(at(2026, 10, 25, 1) / 1000), 3600);
  const auto sydney = parse_posix_tz("AEST-10AEDT,M10.1.0,M4.1.0/3");
  ASSERT_TRUE(sydney);
  EXPECT_EQ(sydney->offset_at(at(2026, 1, 1) / 1000), 39'600);
  EXPECT_EQ(sydney->offset_at(at(2026, 7, 1) / 1000), 36'000);
  const auto fixed = parse_posix_tz("<+0545>-5:45");
  ASSERT_TRUE(fixed);
  EXPECT_EQ(fixed->offset_at(0), 20'700);
  for (const auto bad : {"", "CET", "CET-1CEST", "CET-1CEST,M3.6.0,M10.5.0", "CET-1 ", "<x-1"}) {
    EXPECT_FALSE(parse_posix_tz(bad)) << bad;
  }
}

TEST(TimeZone, TheMachinesDatabase) {
  const auto berlin = TimeZone::load("Europe/Berlin");
  if (!berlin) GTEST_SKIP() << berlin.error().message;
  EXPECT_EQ(shown(berlin->local(at(2026, 7, 1))), "2026-07-01 02:00:00 3");
  EXPECT_EQ(shown(berlin->local(at(2026, 12, 1))), "2026-12-01 01:00:00 2");
  EXPECT_EQ(shown(berlin->local(at(2060, 7, 1))), "2060-07-01 02:00:00 4");
  EXPECT_EQ(shown(berlin->local(at(1890, 1, 1))), "1890-01-01 00:53:28 3");
  EXPECT_FALSE(TimeZone::load("../../etc/passwd"));
  EXPECT_FALSE(TimeZone::load("/etc/passwd"));
  EXPECT_FALSE(TimeZone::load("Europe"));
  EXPECT_EQ(TimeZone::load("UTC")->offset_at(0), 0);
}

TEST(TimeZone, FromTheWallClockBack) {
  const auto berlin = TimeZone::load("Europe/Berlin");
  if (!berlin) GTEST_SKIP() << berlin.error().message;
  const auto utc = [&](int month, int day, int hour, int minute) {
    return utc_time(
        berlin->utc_of({.year = 2026, .month = month, .day = day, .hour = hour, .minute = minute}));
  };
  EXPECT_EQ(shown(utc(7, 1, 9, 30)), "2026-07-01 07:30:00 3");
  EXPECT_EQ(shown(utc(10, 25, 2, 30)), "2026-10-25 00:30:00 0") << "twice: the first";
  EXPECT_EQ(shown(utc(3, 29, 2, 30)), "2026-03-29 01:30:00 0") << "never: half an hour after";
}

TEST(TimeZone, DamagedFilesAreRefused) {
  EXPECT_FALSE(TimeZone::parse("x", ""));
  EXPECT_FALSE(TimeZone::parse("x", "TZif"));
  std::string bytes = "TZif2" + std::string(39, '\0');
  EXPECT_FALSE(TimeZone::parse("x", bytes)) << "no second part";
  bytes += bytes;
  EXPECT_FALSE(TimeZone::parse("x", bytes)) << "no types";
  bytes[24 + 44] = '\x7f';
  EXPECT_FALSE(TimeZone::parse("x", bytes)) << "a count beyond the file";
}

TEST(TimeInterval, PartsAreReadAndRefused) {
  EXPECT_EQ(*parse_time_of_day("24:00"), 1440);
  for (const auto bad : {"24:01", "9:00", "09:60", "", "ab:cd"}) {
    EXPECT_FALSE(parse_time_of_day(bad)) << bad;
  }
  EXPECT_EQ(*parse_weekdays("Monday:friday"), (IntRange{1, 5}));
  EXPECT_FALSE(parse_weekdays("friday:monday"));
  EXPECT_FALSE(parse_weekdays("mon"));
  EXPECT_EQ(*parse_days_of_month("-3:-1"), (IntRange{-3, -1}));
  for (const auto bad : {"0", "32", "-1:5", "5:3", "10:-20"}) {
    EXPECT_FALSE(parse_days_of_month(bad)) << bad;
  }
  EXPECT_EQ(*parse_months("march:4"), (IntRange{3, 4}));
  EXPECT_FALSE(parse_months("may:march"));
  EXPECT_EQ(*parse_years("2026:2030"), (IntRange{2026, 2030}));
}

TEST(TimeInterval, ListsAreAnyAndFieldsAreAll) {
  TimeInterval office;
  office.times = {{9 * 60, 17 * 60}};
  office.weekdays = {{1, 5}};
  EXPECT_TRUE(office.contains(at(2026, 11, 24, 9)));
  EXPECT_FALSE(office.contains(at(2026, 11, 24, 17)));
  EXPECT_FALSE(office.contains(at(2026, 11, 22, 10))) << "a Sunday";
  const auto shanghai = TimeZone::load("Asia/Shanghai");
  if (shanghai) {
    office.location = *shanghai;
    EXPECT_TRUE(office.contains(at(2026, 11, 24, 1)));
    EXPECT_FALSE(office.contains(at(2026, 11, 24, 9)));
  }
  TimeInterval month_end;
  month_end.days_of_month = {{-2, -1}};
  EXPECT_TRUE(month_end.contains(at(2026, 2, 27)));
  EXPECT_FALSE(month_end.contains(at(2026, 2, 26)));
  EXPECT_TRUE(TimeInterval().contains(0));
}

}  // namespace
}  // namespace strata::alerting
