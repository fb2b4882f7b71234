// time(), timestamp() and the parts of dates, which are UTC.
#include <chrono>
#include <cmath>

#include "promql/function_bodies.h"

namespace strata::promql {
namespace {

struct Date {
  std::chrono::sys_days day;
  std::chrono::year_month_day ymd;
  int64_t second_of_day;
};

Date date_of(double unix_seconds) {
  // Beyond these years the calendar's types end; Go's answers there mean nothing either.
  constexpr double kLimit = 9e11;
  const double clamped = std::isnan(unix_seconds) ? 0 : std::clamp(unix_seconds, -kLimit, kLimit);
  const std::chrono::sys_seconds time{std::chrono::seconds(static_cast<int64_t>(clamped))};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  return {day, std::chrono::year_month_day(day), (time - day).count()};
}

using DatePart = double (*)(const Date&);

Result<Value> date_part(Evaluator& evaluator, const Call& call, DatePart part) {
  if (!call.args.empty()) {
    return map_floats(evaluator, *call.args[0],
                      [part](double v, size_t) { return part(date_of(v)); });
  }
  const Steps& steps = evaluator.steps();
  const SeriesRef no_labels{evaluator.query().keep(Labels())};
  FramePtr frame = TRY(Frame::make(evaluator.query(), {no_labels}, steps.count));
  for (size_t i = 0; i < steps.count; ++i) {
    frame->view(0).v[i] = part(date_of(std::trunc(static_cast<double>(steps.at(i)) / 1000)));
  }
  return Value(std::move(frame));
}

double day_of_month(const Date& date) { return static_cast<unsigned>(date.ymd.day()); }
double day_of_week(const Date& date) { return std::chrono::weekday(date.day).c_encoding(); }
double day_of_year(const Date& date) {
  const std::chrono::sys_days new_year = date.ymd.year() / std::chrono::January / 1;
  return static_cast<double>((date.day - new_year).count() + 1);
}
double days_in_month(const Date& date) {
  const std::chrono::year_month_day_last last =
      date.ymd.year() / date.ymd.month() / std::chrono::last;
  return static_cast<unsigned>(last.day());
}
double hour(const Date& date) { return static_cast<double>(date.second_of_day / 3600); }
double minute(const Date& date) { return static_cast<double>(date.second_of_day / 60 % 60); }
double month(const Date& date) { return static_cast<unsigned>(date.ymd.month()); }
double year(const Date& date) { return static_cast<int>(date.ymd.year()); }

Value constant(Evaluator& evaluator, int64_t millis) {
  return Value(std::vector<double>(evaluator.steps().count, static_cast<double>(millis) / 1000));
}

}  // namespace

Result<Value> call_time(Evaluator& evaluator, const Call&) {
  const Steps& steps = evaluator.steps();
  std::vector<double> times(steps.count);
  for (size_t i = 0; i < steps.count; ++i) times[i] = static_cast<double>(steps.at(i)) / 1000;
  return Value(std::move(times));
}

Result<Value> call_timestamp(Evaluator& evaluator, const Call& call) {
  const Steps steps = evaluator.steps();
  const Expr& argument = unwrap(*call.args[0]);
  VectorPtr times;
  if (argument.kind == ExprKind::kVectorSelector) {
    times = TRY(evaluator.select(as<VectorSelector>(argument), Evaluator::Sampled::kTimestamp));
  } else {
    VectorPtr inner = TRY(evaluator.vector(argument));
    std::vector<SeriesRef> series = inner->all_series();
    times = edit_rows(std::move(inner), std::move(series),
                      [steps](const SeriesRef&, RowView row) -> Result<> {
                        for (size_t i = 0; i < row.size(); ++i) {
                          if (row.has(i)) row.set(i, static_cast<double>(steps.at(i)) / 1000);
                        }
                        return {};
                      });
  }
  return Value(TRY(drop_names(evaluator.query(), std::move(times), steps.count, false)));
}

Result<Value> call_start_timestamp(Evaluator& evaluator, const Call& call) {
  const Expr& argument = unwrap(*call.args[0]);
  if (argument.kind != ExprKind::kVectorSelector ||
      !evaluator.query().options.use_start_timestamps) {
    return Value(TRY(Frame::make(evaluator.query(), {}, evaluator.steps().count)));
  }
  VectorPtr times =
      TRY(evaluator.select(as<VectorSelector>(argument), Evaluator::Sampled::kStartTimestamp));
  return Value(
      TRY(drop_names(evaluator.query(), std::move(times), evaluator.steps().count, false)));
}

Result<Value> call_start(Evaluator& evaluator, const Call&) {
  return constant(evaluator, evaluator.query().start);
}
Result<Value> call_end(Evaluator& evaluator, const Call&) {
  return constant(evaluator, evaluator.query().end);
}
Result<Value> call_range(Evaluator& evaluator, const Call&) {
  return constant(evaluator, evaluator.query().end - evaluator.query().start);
}
Result<Value> call_step(Evaluator& evaluator, const Call&) {
  return constant(evaluator, evaluator.query().step.count());
}

Result<Value> call_day_of_month(Evaluator& evaluator, const Call& call) {
  return date_part(evaluator, call, day_of_month);
}
Result<Value> call_day_of_week(Evaluator& evaluator, const Call& call) {
  return date_part(evaluator, call, day_of_week);
}
Result<Value> call_day_of_year(Evaluator& evaluator, const Call& call) {
  return date_part(evaluator, call, day_of_year);
}
Result<Value> call_days_in_month(Evaluator& evaluator, const Call& call) {
  return date_part(evaluator, call, days_in_month);
}
Result<Value> call_hour(Evaluator& evaluator, const Call& call) {
  return date_part(evaluator, call, hour);
}
Result<Value> call_minute(Evaluator& evaluator, const Call& call) {
  return date_part(evaluator, call, minute);
}
Result<Value> call_month(Evaluator& evaluator, const Call& call) {
  return date_part(evaluator, call, month);
}
Result<Value> call_year(Evaluator& evaluator, const Call& call) {
  return date_part(evaluator, call, year);
}

}  // namespace strata::promql
