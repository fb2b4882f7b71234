#include "app/alert_sink.h"

#include "base/log.h"
#include "discover/relabel.h"

namespace strata::app {
namespace {

/// Labels as they leave this server; alerts that relabelling drops are left out.
void relabel(const config::Config& config, std::vector<rules::AlertNotice>& alerts) {
  LabelsBuilder labels;
  std::erase_if(alerts, [&](rules::AlertNotice& alert) {
    labels.reset(alert.labels);
    for (const Label& label : config.global.external_labels) {
      if (!alert.labels.has(label.name)) labels.set(label.name, label.value);
    }
    if (!discover::relabel(config.alerting.alert_relabel_configs, labels)) return true;
    alert.labels = labels.build();
    return false;
  });
}

}  // namespace

void AlertSink::send(TimestampMs, std::vector<rules::AlertNotice> alerts) {
  relabel(*config_(), alerts);
  if (sender_.has_receivers()) sender_.send(alerts);
  std::vector<alerting::Alert> out;
  out.reserve(alerts.size());
  for (rules::AlertNotice& notice : alerts) {
    out.push_back({.labels = std::move(notice.labels),
                   .annotations = std::move(notice.annotations),
                   .starts_at = notice.starts_at,
                   .ends_at = notice.ends_at,
                   .updated_at = 0,
                   .timeout = false,
                   .generator_url = std::move(notice.generator_url)});
  }
  if (const auto put = engine_.put(std::move(out)); !put) {
    log_error("alerts of rules could not be routed", {{"error", put.error().message}});
  }
}

}  // namespace strata::app
