// Instrumentation for C++20 programs: counters, gauges and histograms that cost a few nanoseconds
// from any number of threads, read by whatever scrapes Prometheus' text format, OpenMetrics or
// protobuf. Header-only; needs nothing but the standard library. docs/metrics-library.md has an
// example; beside this stand metrics/http_endpoint.h and metrics/request_tracker.h.
//
//   strata::metrics::Registry& registry = strata::metrics::default_registry();
//   auto& jobs = registry.counter("jobs_total", "Jobs done.");
//   auto& requests = registry.counter<"method", "code">("http_requests_total", "Requests served.");
//
//   jobs.inc();
//   requests.with("GET", "200").inc();    // or keep the reference: it stays valid
//   std::string body = registry.text();   // what /metrics answers
//
// Owner: a Registry owns its metrics; what it returns lives as long as it does. Threads: everything
// here may be called from any thread. Counting takes no lock (metrics/cells.h says how); making a
// series does. Bounds: FamilyOptions::max_series a family (family.h), HistogramShape::kMaxBounds
// buckets, 2 M cells a process (cells.h); what does not fit is counted in the exposition.
// Exceptions: none but those of memory running out.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "strata/metrics/callback.h"
#include "strata/metrics/cells.h"
#include "strata/metrics/enum_family.h"
#include "strata/metrics/exposition.h"
#include "strata/metrics/family.h"
#include "strata/metrics/instruments.h"
#include "strata/metrics/names.h"
#include "strata/metrics/native_histogram.h"
#include "strata/metrics/summary.h"

namespace strata::metrics {

/// A set of metrics that is exposed together. Registering a name again with the same type and keys
/// gives the same metric. Registering it with others is a mistake of the program that must not stop
/// it: the second metric works, is not exposed, and metrics_name_conflicts_total counts it.
class Registry {
 public:
  /// Calls its argument with a value and the values of the labels, once a series.
  template <Key... Keys>
  using LabelledValues = std::type_identity_t<std::function<void(const Emit<Keys...>&)>>;

  struct Options {
    /// Put on every series, such as {"node", "gpu-17"}. Invalid names are left out.
    std::vector<std::pair<std::string, std::string>> labels;
    /// The clock that series of expiring families age by.
    detail::SteadyTime (*now)() = std::chrono::steady_clock::now;
  };

  Registry() : Registry(Options()) {}
  explicit Registry(const Options& options) : now_(options.now) {
    for (const auto& [key, value] : options.labels) {
      if (detail::is_label_name(key)) detail::append_label(labels_, key, value);
    }
  }
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  // One series.
  Counter& counter(CounterName name, std::string_view help) {
    return family<Family<Counter>>(name.text(), help, {}).with();
  }
  FloatCounter& float_counter(CounterName name, std::string_view help) {
    return family<Family<FloatCounter>>(name.text(), help, {}).with();
  }
  Gauge& gauge(MetricName name, std::string_view help) {
    return family<Family<Gauge>>(name.text(), help, {}).with();
  }
  /// `upper_bounds` of an earlier registration of the same name hold.
  Histogram& histogram(MetricName name, std::string_view help,
                       std::vector<double> upper_bounds = default_buckets()) {
    return family<Family<Histogram>>(name.text(), help,
                                     detail::HistogramShape(std::move(upper_bounds)))
        .with();
  }

  // A family, with its label keys: counter<"method", "code">(…).
  template <Key... Keys>
    requires(sizeof...(Keys) > 0)
  Family<Counter, Keys...>& counter(CounterName name, std::string_view help,
                                    FamilyOptions options = {}) {
    return family<Family<Counter, Keys...>>(name.text(), help, {}, options);
  }
  template <Key... Keys>
    requires(sizeof...(Keys) > 0)
  Family<FloatCounter, Keys...>& float_counter(CounterName name, std::string_view help,
                                               FamilyOptions options = {}) {
    return family<Family<FloatCounter, Keys...>>(name.text(), help, {}, options);
  }
  template <Key... Keys>
    requires(sizeof...(Keys) > 0)
  Family<Gauge, Keys...>& gauge(MetricName name, std::string_view help,
                                FamilyOptions options = {}) {
    return family<Family<Gauge, Keys...>>(name.text(), help, {}, options);
  }
  template <Key... Keys>
    requires(sizeof...(Keys) > 0)
  Family<Histogram, Keys...>& histogram(MetricName name, std::string_view help,
                                        std::vector<double> upper_bounds = default_buckets(),
                                        FamilyOptions options = {}) {
    return family<Family<Histogram, Keys...>>(
        name.text(), help, detail::HistogramShape(std::move(upper_bounds)), options);
  }

  /// `quantiles` are 0 to 1, over the last ten minutes.
  template <Key... Keys>
  Family<Summary, Keys...>& summary(MetricName name, std::string_view help,
                                    std::vector<double> quantiles, FamilyOptions options = {}) {
    return family<Family<Summary, Keys...>>(
        name.text(), help, detail::SummaryShape{.quantiles = std::move(quantiles)}, options);
  }

  // Buckets that need no thought (native_histogram.h).
  NativeHistogram& native_histogram(MetricName name, std::string_view help,
                                    NativeOptions native = {}) {
    return family<Family<NativeHistogram>>(name.text(), help, detail::NativeShape(native)).with();
  }
  template <Key... Keys>
    requires(sizeof...(Keys) > 0)
  Family<NativeHistogram, Keys...>& native_histogram(MetricName name, std::string_view help,
                                                     NativeOptions native = {},
                                                     FamilyOptions options = {}) {
    return family<Family<NativeHistogram, Keys...>>(name.text(), help, detail::NativeShape(native),
                                                    options);
  }

  // Families by enumerations (enum_family.h).
  template <class... Enums>
    requires(sizeof...(Enums) > 0)
  EnumFamily<Counter, Enums...>& enum_counter(CounterName name, std::string_view help) {
    return family<EnumFamily<Counter, Enums...>>(name.text(), help, {});
  }
  template <class... Enums>
    requires(sizeof...(Enums) > 0)
  EnumFamily<Gauge, Enums...>& enum_gauge(MetricName name, std::string_view help) {
    return family<EnumFamily<Gauge, Enums...>>(name.text(), help, {});
  }
  template <class... Enums>
    requires(sizeof...(Enums) > 0)
  EnumFamily<Histogram, Enums...>& enum_histogram(
      MetricName name, std::string_view help,
      std::vector<double> upper_bounds = default_buckets()) {
    return family<EnumFamily<Histogram, Enums...>>(name.text(), help,
                                                   detail::HistogramShape(std::move(upper_bounds)));
  }

  // A family whose series go away when nobody has held them for `idle`.
  template <Key... Keys>
  ExpiringFamily<Counter, Keys...>& expiring_counter(CounterName name, std::string_view help,
                                                     std::chrono::nanoseconds idle,
                                                     FamilyOptions options = {}) {
    return family<ExpiringFamily<Counter, Keys...>>(name.text(), help, {}, idle, options);
  }
  template <Key... Keys>
  ExpiringFamily<FloatCounter, Keys...>& expiring_float_counter(CounterName name,
                                                                std::string_view help,
                                                                std::chrono::nanoseconds idle,
                                                                FamilyOptions options = {}) {
    return family<ExpiringFamily<FloatCounter, Keys...>>(name.text(), help, {}, idle, options);
  }
  template <Key... Keys>
  ExpiringFamily<Gauge, Keys...>& expiring_gauge(MetricName name, std::string_view help,
                                                 std::chrono::nanoseconds idle,
                                                 FamilyOptions options = {}) {
    return family<ExpiringFamily<Gauge, Keys...>>(name.text(), help, {}, idle, options);
  }
  template <Key... Keys>
  ExpiringFamily<Histogram, Keys...>& expiring_histogram(
      MetricName name, std::string_view help, std::chrono::nanoseconds idle,
      std::vector<double> upper_bounds = default_buckets(), FamilyOptions options = {}) {
    return family<ExpiringFamily<Histogram, Keys...>>(
        name.text(), help, detail::HistogramShape(std::move(upper_bounds)), idle, options);
  }
  template <Key... Keys>
  ExpiringFamily<Summary, Keys...>& expiring_summary(MetricName name, std::string_view help,
                                                     std::chrono::nanoseconds idle,
                                                     std::vector<double> quantiles,
                                                     FamilyOptions options = {}) {
    return family<ExpiringFamily<Summary, Keys...>>(
        name.text(), help, detail::SummaryShape{.quantiles = std::move(quantiles)}, idle, options);
  }

  // A value that is asked for at every exposition, by the exposing thread, for as long as the
  // Callback lives. The function may register and use metrics, but not make or destroy Callbacks.
  // When it throws, its family is left out.
  Callback callback_gauge(MetricName name, std::string_view help, std::function<double()> value) {
    return callback(name.text(), help, detail::Type::kGauge,
                    one_value(detail::Type::kGauge, std::move(value)));
  }
  Callback callback_counter(CounterName name, std::string_view help,
                            std::function<double()> value) {
    return callback(name.text(), help, detail::Type::kCounter,
                    one_value(detail::Type::kCounter, std::move(value)));
  }
  /// callback_gauge<"pool">("threads", "…", [](const auto& emit) { emit(8, "net"); })
  template <Key... Keys>
    requires(sizeof...(Keys) > 0)
  Callback callback_gauge(MetricName name, std::string_view help, LabelledValues<Keys...> values) {
    static_assert(detail::valid_keys<Keys...>());
    return callback(name.text(), help, detail::Type::kGauge,
                    many_values(detail::Type::kGauge, std::move(values)));
  }
  template <Key... Keys>
    requires(sizeof...(Keys) > 0)
  Callback callback_counter(CounterName name, std::string_view help,
                            LabelledValues<Keys...> values) {
    static_assert(detail::valid_keys<Keys...>());
    return callback(name.text(), help, detail::Type::kCounter,
                    many_values(detail::Type::kCounter, std::move(values)));
  }

  /// Appends all metrics, families by name. Counting goes on meanwhile: each value is one that its
  /// series had during the call, none is below what an earlier call showed.
  void expose(std::string& out, Format format = Format::kText) {
    detail::Exposition to(out, format);
    const auto families = all_families();
    const detail::CellReader reader;
    const detail::SteadyTime now = now_();
    for (const auto& family : families) family->expose(to, reader, now);
    expose_limits(to, families);
    to.end();
  }
  std::string text(Format format = Format::kText) {
    std::string out;
    expose(out, format);
    return out;
  }

 private:
  using FamilyPointer = std::shared_ptr<detail::FamilyBase>;

  template <class F>
  F& family(std::string_view name, std::string_view help, typename F::Shape shape,
            auto... options) {
    std::lock_guard lock(mutex_);
    auto known = families_.find(name);
    if (known != families_.end() && known->second->type_id() == F::static_type_id()) {
      return static_cast<F&>(*known->second);
    }
    auto made = std::make_shared<F>(name, help, labels_, std::move(shape), options...);
    F& result = *made;
    keep(std::move(made), known == families_.end());
    return result;
  }
  Callback callback(std::string_view name, std::string_view help, detail::Type type,
                    detail::CallbackFamily::Function function) {
    std::lock_guard lock(mutex_);
    auto known = families_.find(name);
    if (known != families_.end() &&
        known->second->type_id() == detail::CallbackFamily::static_type_id()) {
      auto family = std::static_pointer_cast<detail::CallbackFamily>(known->second);
      if (family->revive(function)) return Callback(std::move(family));
    }
    auto made =
        std::make_shared<detail::CallbackFamily>(name, help, labels_, type, std::move(function));
    keep(made, known == families_.end());
    return Callback(std::move(made));
  }
  // REQUIRES: mutex_ held.
  void keep(FamilyPointer family, bool is_new) {
    if (is_new) {
      families_.emplace(family->name(), std::move(family));
    } else {
      conflicts_.push_back(std::move(family));
    }
  }

  static detail::CallbackFamily::Function one_value(detail::Type type,
                                                    std::function<double()> value) {
    return [type, value = std::move(value)](detail::Exposition& to, std::string_view name,
                                            const std::string& labels) {
      type == detail::Type::kCounter ? to.counter(name, labels, value())
                                     : to.gauge(name, labels, value());
    };
  }
  template <Key... Keys>
  static detail::CallbackFamily::Function many_values(
      detail::Type type, std::function<void(const Emit<Keys...>&)> values) {
    return [type, values = std::move(values)](detail::Exposition& to, std::string_view name,
                                              const std::string& labels) {
      values(Emit<Keys...>(to, name, labels, type));
    };
  }

  std::vector<FamilyPointer> all_families() {
    std::lock_guard lock(mutex_);
    std::vector<FamilyPointer> families;
    families.reserve(families_.size());
    for (const auto& [name, family] : families_) families.push_back(family);
    return families;
  }
  void expose_limits(detail::Exposition& to, const std::vector<FamilyPointer>& families) {
    constexpr std::string_view kOverflow = "metrics_overflow_lookups_total";
    bool begun = false;
    for (const auto& family : families) {
      if (!family->has_cap()) continue;
      if (!std::exchange(begun, true)) {
        to.family(kOverflow, "Lookups of label values past a family's limit of series.",
                  detail::Type::kCounter);
      }
      std::string labels = labels_;
      detail::append_label(labels, "metric", family->name());
      to.counter(kOverflow, labels, family->overflowed());
    }
    limit(to, "metrics_name_conflicts_total",
          "Metrics not exposed since their name was taken by one of another kind.", conflicts());
    limit(to, "metrics_exhausted_series_total",
          "Series whose counts are lost since the process has too many.",
          detail::CellStore::instance().exhausted());
  }
  void limit(detail::Exposition& to, std::string_view name, std::string_view help,
             uint64_t value) const {
    to.family(name, help, detail::Type::kCounter);
    to.counter(name, labels_, value);
  }
  uint64_t conflicts() {
    std::lock_guard lock(mutex_);
    return conflicts_.size();
  }

  detail::SteadyTime (*const now_)();
  std::string labels_;
  std::mutex mutex_;  // guards the two below
  std::map<std::string, FamilyPointer, std::less<>> families_;
  std::vector<FamilyPointer> conflicts_;
};

/// The process' registry. Never destroyed, so that anything may count until the very end.
inline Registry& default_registry() {
  static Registry* const registry = new Registry;
  return *registry;
}

}  // namespace strata::metrics
