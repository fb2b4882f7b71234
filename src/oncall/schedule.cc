#include "oncall/schedule.h"

#include <algorithm>

#include "oncall/calendar.h"

namespace strata::oncall {
namespace {

using alerting::IntRange;
using alerting::LocalTime;

constexpr int64_t kDayMs = 86'400'000;

int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }
size_t floor_mod(int64_t a, size_t b) {
  return static_cast<size_t>(a - floor_div(a, static_cast<int64_t>(b)) * static_cast<int64_t>(b));
}

// "daily", "weekly", or a duration, in milliseconds.
Result<Millis> parse_rotation(const std::string& text) {
  if (text == "daily") return Millis(kDayMs);
  if (text == "weekly") return Millis(7 * kDayMs);
  const auto duration = parse_duration(text);
  if (duration && *duration >= std::chrono::minutes(10)) return *duration;
  return bad_data(
      fmt::format("\"{}\" is no rotation: daily, weekly, or a duration of at least 10m", text));
}

// Over midnight it is two ranges of the clock.
std::vector<IntRange> clock_ranges(const IntRange& hours) {
  if (hours.begin < hours.end) return {hours};
  return {{hours.begin, 24 * 60}, {0, hours.end}};
}

}  // namespace

Result<Schedule::Layer> Schedule::make_layer(const config::OncallLayer& config,
                                             const alerting::TimeZone& zone) {
  Layer out;
  out.people = config.people;
  if (out.people.empty()) return bad_data("a layer needs people");
  const Millis turn = TRY(parse_rotation(config.rotation));
  const bool whole_days = turn.count() % kDayMs == 0;
  out.days = whole_days ? turn.count() / kDayMs : 0;
  out.period = turn;
  const std::string starts = config.starts.empty() ? "2024-01-01 09:00" : config.starts;
  if (starts.size() != 16 || (starts[10] != ' ' && starts[10] != 'T')) {
    return bad_data(fmt::format("starts: \"{}\" is no time such as 2026-01-05 09:00", starts));
  }
  out.first_day = TRY(parse_day(std::string_view(starts).substr(0, 10)));
  out.minute = TRY(alerting::parse_time_of_day(std::string_view(starts).substr(11)));
  out.first_at = zone.utc_of(at_minute(out.first_day, out.minute));
  if (config.weekdays.empty() && config.hours.empty()) return out;
  auto& only = out.only.emplace();
  only.location = zone;
  for (const auto& text : config.weekdays) {
    only.weekdays.push_back(TRY(alerting::parse_weekdays(text)));
  }
  if (!config.hours.empty()) only.times = clock_ranges(TRY(parse_hours(config.hours)));
  return out;
}

Result<Schedule> Schedule::make(const config::OncallSchedule& config, alerting::TimeZone zone) {
  Schedule out;
  out.name_ = config.name;
  out.zone_ = std::move(zone);
  out.fallback_ = config.fallback;
  for (const auto& layer : config.layers) {
    auto made = make_layer(layer, out.zone_);
    if (!made) return std::unexpected(made.error().within(layer.place));
    out.layers_.push_back(*std::move(made));
  }
  return out;
}

std::vector<std::string> Schedule::people() const {
  std::vector<std::string> out;
  for (const Layer& layer : layers_)
    out.insert(out.end(), layer.people.begin(), layer.people.end());
  if (!fallback_.empty()) out.push_back(fallback_);
  return out;
}

Schedule::Turn Schedule::turn(const Layer& layer, TimestampMs t) const {
  const auto person = [&](int64_t n) { return floor_mod(n, layer.people.size()); };
  if (layer.days == 0) {
    const int64_t n = floor_div(t - layer.first_at, layer.period.count());
    return {person(n), layer.first_at + (n + 1) * layer.period.count()};
  }
  const auto begins = [&](int64_t n) {
    return zone_.utc_of(at_minute(layer.first_day + n * layer.days, layer.minute));
  };
  int64_t n = floor_div(day_of(zone_.local(t)) - layer.first_day, layer.days);
  // Time of day, and an hour that the clock shows twice, make it one more or less.
  while (begins(n) > t) --n;
  while (begins(n + 1) <= t) ++n;
  return {person(n), begins(n + 1)};
}

Slot Schedule::at(TimestampMs t, std::span<const Override> overrides) const {
  for (auto it = overrides.rbegin(); it != overrides.rend(); ++it) {
    if (it->schedule == name_ && it->starts_at <= t && t < it->ends_at) {
      return {.person = it->person, .from = "override"};
    }
  }
  for (size_t i = layers_.size(); i-- > 0;) {
    const Layer& layer = layers_[i];
    if (layer.only && !layer.only->contains(t)) continue;
    return {.person = layer.people[turn(layer, t).person], .from = fmt::format("layer {}", i + 1)};
  }
  if (!fallback_.empty()) return {.person = fallback_, .from = "fallback"};
  return {};
}

// Where the layer's hours may begin or end next.
TimestampMs Schedule::next_edge(const Layer& layer, TimestampMs t) const {
  std::vector<int> minutes = {0};
  for (const IntRange& range : layer.only->times) {
    minutes.push_back(range.begin);
    if (range.end < 24 * 60) minutes.push_back(range.end);
  }
  const int64_t today = day_of(zone_.local(t));
  TimestampMs next = t + 2 * kDayMs;
  for (int64_t day = today; day <= today + 1; ++day) {
    for (const int minute : minutes) {
      const TimestampMs edge = zone_.utc_of(at_minute(day, minute));
      if (edge > t) next = std::min(next, edge);
    }
  }
  // Where the clock is set, hours may begin that the clock leaves out, or begin again.
  const int32_t offset = zone_.offset_at(t);
  if (zone_.offset_at(next) == offset) return next;
  TimestampMs before = t;
  while (next - before > 1) {
    const TimestampMs middle = before + (next - before) / 2;
    (zone_.offset_at(middle) == offset ? before : next) = middle;
  }
  return next;
}

TimestampMs Schedule::next_change(TimestampMs t, std::span<const Override> overrides) const {
  TimestampMs next = t + kHorizon.count();
  for (const Layer& layer : layers_) {
    next = std::min(next, turn(layer, t).ends_at);
    if (layer.only) next = std::min(next, next_edge(layer, t));
  }
  for (const Override& one : overrides) {
    if (one.schedule != name_) continue;
    for (const TimestampMs edge : {one.starts_at, one.ends_at}) {
      if (edge > t) next = std::min(next, edge);
    }
  }
  return next;
}

std::vector<Slot> Schedule::slots(TimestampMs from, TimestampMs to,
                                  std::span<const Override> overrides) const {
  std::vector<Slot> out;
  for (TimestampMs t = from; t < to;) {
    Slot slot = at(t, overrides);
    slot.since = t;
    t = std::min(next_change(t, overrides), to);
    slot.until = t;
    if (!out.empty() && out.back().person == slot.person && out.back().from == slot.from) {
      out.back().until = t;
    } else {
      out.push_back(std::move(slot));
    }
  }
  return out;
}

}  // namespace strata::oncall
