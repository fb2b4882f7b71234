// What one probe came to, as metrics under blackbox_exporter's names, and as words.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "model/metric_family.h"
#include "net/request_trace.h"

namespace strata::probe {

struct Outcome {
  bool success = false;
  std::string reason;  // why it failed; one line
  std::vector<MetricFamily> families;

  void gauge(std::string_view name, std::string_view help, double value, Labels labels = {});
  /// A failure; the first reason stays.
  void fail(std::string_view why);
  /// Address family, and what there is to say of certificates.
  void add_connection(const net::RequestTrace& trace);
};

/// The exposition, with probe_success and probe_duration_seconds first and the reason as a comment.
std::string exposition(const Outcome& outcome, std::chrono::nanoseconds took);

}  // namespace strata::probe
