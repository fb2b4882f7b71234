#include "alerting/time_zone.h"

#include <algorithm>
#include <chrono>
#include <optional>

#include "alerting/posix_tz.h"

namespace strata::alerting {

struct TimeZone::Rules {
  std::vector<int64_t> at;       // seconds since 1970, ascending
  std::vector<int32_t> offset;   // from at[i] on
  int32_t before = 0;            // of the first change
  std::optional<PosixTz> after;  // of the last change
};

namespace {

int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

// A big-endian number of `size` bytes; signed.
int64_t take_int(std::string_view& bytes, size_t size) {
  uint64_t value = static_cast<unsigned char>(bytes[0]) & 0x80 ? ~uint64_t{0} : 0;
  for (size_t i = 0; i < size; ++i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  bytes.remove_prefix(size);
  return static_cast<int64_t>(value);
}

struct Counts {
  size_t ut = 0, standard = 0, leaps = 0, times = 0, types = 0, chars = 0;

  // Of the block's body, with times of `width` bytes.
  size_t bytes(size_t width) const {
    return times * (width + 1) + types * 6 + chars + leaps * (width + 4) + standard + ut;
  }
};

std::optional<Counts> take_header(std::string_view& bytes, char& version) {
  constexpr size_t kSize = 44;
  constexpr size_t kMost = 1 << 16;
  if (bytes.size() < kSize || !bytes.starts_with("TZif")) return std::nullopt;
  version = bytes[4];
  bytes.remove_prefix(20);
  Counts counts;
  for (size_t* count :
       {&counts.ut, &counts.standard, &counts.leaps, &counts.times, &counts.types, &counts.chars}) {
    const int64_t value = take_int(bytes, 4);
    if (value < 0 || value > static_cast<int64_t>(kMost)) return std::nullopt;
    *count = static_cast<size_t>(value);
  }
  return counts;
}

}  // namespace

int64_t days_from_civil(int year, int month, int day) {
  const std::chrono::sys_days first = std::chrono::year(year) / month / 1;
  return first.time_since_epoch().count() + day - 1;
}

int days_in_month(int year, int month) {
  const std::chrono::year_month_day_last last = std::chrono::year(year) / month / std::chrono::last;
  return static_cast<int>(static_cast<unsigned>(last.day()));
}

LocalTime utc_time(TimestampMs t) {
  using namespace std::chrono;
  const sys_seconds at{seconds(floor_div(t, 1000))};
  const auto day = floor<days>(at);
  const year_month_day date(day);
  const hh_mm_ss clock(at - day);
  LocalTime out;
  out.year = static_cast<int>(date.year());
  out.month = static_cast<int>(static_cast<unsigned>(date.month()));
  out.day = static_cast<int>(static_cast<unsigned>(date.day()));
  out.hour = static_cast<int>(clock.hours().count());
  out.minute = static_cast<int>(clock.minutes().count());
  out.second = static_cast<int>(clock.seconds().count());
  out.weekday = static_cast<int>(weekday(day).c_encoding());
  return out;
}

TimeZone::TimeZone()
    : rules_(std::make_shared<const Rules>()), name_(std::make_shared<const std::string>("UTC")) {}

Result<TimeZone> TimeZone::load(const std::string& name, Fs& fs) {
  if (name.empty() || name == "UTC") return TimeZone();
  if (name.starts_with('/') || name.contains("..") || name.contains('\0')) {
    return bad_data(fmt::format("\"{}\" is no name of a time zone", name));
  }
  const std::string path =
      name == "Local" ? "/etc/localtime" : fmt::format("{}/{}", kDatabase, name);
  auto bytes = fs.read_file(path);
  if (!bytes && name == "Local") return TimeZone();
  if (!bytes) {
    return bad_data(
        fmt::format("unknown time zone \"{}\" (a name such as Europe/Berlin; the "
                    "package tzdata has them)",
                    name));
  }
  return parse(name, *bytes);
}

Result<TimeZone> TimeZone::parse(std::string name, std::string_view bytes) {
  const auto damaged = [&] {
    return bad_data(fmt::format("the file of time zone {} is damaged", name));
  };
  if (bytes.size() > kMaxFile) return damaged();
  char version = 0;
  auto counts = take_header(bytes, version);
  if (!counts || version < '2') return damaged();  // version 1 has no years after 2037
  if (bytes.size() < counts->bytes(4)) return damaged();
  bytes.remove_prefix(counts->bytes(4));
  counts = take_header(bytes, version);
  if (!counts || counts->types == 0 || bytes.size() < counts->bytes(8)) return damaged();

  Rules rules;
  std::string_view times = bytes.substr(0, counts->times * 8);
  std::string_view kinds = bytes.substr(counts->times * 8, counts->times);
  std::string_view types = bytes.substr(counts->times * 9, counts->types * 6);
  std::vector<int32_t> offsets;
  while (!types.empty()) {
    offsets.push_back(static_cast<int32_t>(take_int(types, 4)));
    types.remove_prefix(2);
  }
  rules.before = offsets[0];
  for (const char kind : kinds) {
    const auto type = static_cast<unsigned char>(kind);
    if (type >= offsets.size()) return damaged();
    rules.offset.push_back(offsets[type]);
    rules.at.push_back(take_int(times, 8));
  }
  if (!std::ranges::is_sorted(rules.at)) return damaged();
  bytes.remove_prefix(counts->bytes(8));
  const size_t end = bytes.size() > 1 ? bytes.find('\n', 1) : std::string_view::npos;
  if (bytes.starts_with('\n') && end != std::string_view::npos && end > 1) {
    rules.after = TRY(parse_posix_tz(bytes.substr(1, end - 1)));
  }
  TimeZone out;
  out.rules_ = std::make_shared<const Rules>(std::move(rules));
  out.name_ = std::make_shared<const std::string>(std::move(name));
  return out;
}

int32_t TimeZone::offset_at(TimestampMs t) const {
  const int64_t second = floor_div(t, 1000);
  const auto next = std::ranges::upper_bound(rules_->at, second);
  if (next == rules_->at.end() && rules_->after) return rules_->after->offset_at(second);
  if (next == rules_->at.begin()) return rules_->before;
  return rules_->offset[static_cast<size_t>(next - rules_->at.begin()) - 1];
}

LocalTime TimeZone::local(TimestampMs t) const {
  return utc_time(t + int64_t{offset_at(t)} * 1000);
}

TimestampMs TimeZone::utc_of(const LocalTime& local) const {
  const int64_t reading = days_from_civil(local.year, local.month, local.day) * 86'400 +
                          local.hour * 3600 + local.minute * 60 + local.second;
  // An offset is right when it is the one in force at the time it leads to. A day on either side
  // has both that can be.
  const int32_t earlier = offset_at((reading - 86'400) * 1000);
  const int32_t later = offset_at((reading + 86'400) * 1000);
  for (const int32_t offset : {std::max(earlier, later), std::min(earlier, later)}) {
    if (offset_at((reading - offset) * 1000) == offset) return (reading - offset) * 1000;
  }
  return (reading - earlier) * 1000;
}

}  // namespace strata::alerting
