#include "collect/host.h"

#include <chrono>
#include <exception>

#include "base/log.h"
#include "collect/collectors.h"

namespace strata::collect {
namespace {

double seconds(std::chrono::nanoseconds duration) {
  return std::chrono::duration<double>(duration).count();
}

struct Running {
  std::string_view name;
  Collector collect;
  bool failing = false;  // logged once per change, not once per scrape
};

struct Outcome {
  std::string_view name;
  double seconds = 0;
  bool ok = false;
};

}  // namespace

struct HostCollector::Impl {
  explicit Impl(const HostOptions& options) : host(options) {}

  Outcome run(Running& running) {
    const auto start = host.clock.steady();
    Result<> result = guarded(running);
    if (result && host.out.overflowed()) {
      result = fail(ErrorCode::kLimit, "more than 1000000 samples in one collection");
    }
    note(running, result);
    return {running.name, seconds(host.clock.steady() - start), result.has_value()};
  }

  // Exceptions are what a library throws when memory is short; none leaves the module.
  Result<> guarded(Running& running) {
    try {
      return running.collect(host);
    } catch (const std::exception& exception) {
      return fail(ErrorCode::kInternal, exception.what());
    }
  }

  static void note(Running& running, const Result<>& result) {
    if (result.has_value() != running.failing) return;
    running.failing = !result.has_value();
    if (result) {
      log_info("host collector works again", {{"collector", running.name}});
    } else if (result.error().code == ErrorCode::kNotFound) {
      log_debug("host collector has no data",
                {{"collector", running.name}, {"reason", result.error().message}});
    } else {
      log_warn("host collector failed",
               {{"collector", running.name}, {"error", result.error().message}});
    }
  }

  Host host;
  std::vector<Running> collectors;
  std::vector<Outcome> outcomes;
};

HostCollector::HostCollector(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HostCollector::~HostCollector() = default;

Result<std::unique_ptr<HostCollector>> HostCollector::create(HostOptions options) {
  const Settings settings = TRY(Settings::from(options));
  auto impl = std::make_unique<Impl>(options);
  for (const CollectorRow& row : collector_rows()) {
    if (!settings.collector_is_on(row.info.name)) continue;
    impl->collectors.push_back({row.info.name, row.make(settings)});
  }
  return std::unique_ptr<HostCollector>(new HostCollector(std::move(impl)));
}

void HostCollector::collect(std::vector<MetricFamily>& out, const Selection& wanted) {
  Families& families = impl_->host.out;
  families.begin(out);
  impl_->outcomes.clear();
  for (Running& running : impl_->collectors) {
    if (wanted.host(running.name)) impl_->outcomes.push_back(impl_->run(running));
  }

  const auto duration = families.gauge("node_scrape_collector_duration_seconds",
                                       "node_exporter: Duration of a collector scrape.");
  const auto success = families.gauge("node_scrape_collector_success",
                                      "node_exporter: Whether a collector succeeded.");
  for (const Outcome& outcome : impl_->outcomes) {
    duration.add(outcome.seconds, {{"collector", outcome.name}});
    success.add(outcome.ok ? 1 : 0, {{"collector", outcome.name}});
  }
  families.finish();
}

}  // namespace strata::collect
