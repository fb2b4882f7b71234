#include "app/alert_sink.h"

#include "base/log.h"

namespace strata::app {

void AlertSink::send(TimestampMs, std::vector<rules::AlertNotice> alerts) {
  const Labels external = external_labels_();
  std::vector<alerting::Alert> out;
  for (rules::AlertNotice& notice : alerts) {
    std::vector<Label> labels;
    for (const Label& label : external) {
      if (!notice.labels.has(label.name)) labels.push_back(label);
    }
    for (const Label& label : notice.labels) labels.push_back(label);
    out.push_back({.labels = Labels::from(std::move(labels)),
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
