#include "alerting/notification.h"

#include <algorithm>

namespace strata::alerting {

bool Notification::firing() const {
  return std::ranges::any_of(alerts, [&](const Alert& alert) { return !alert.resolved_at(at); });
}

Labels Notification::common_labels() const {
  if (alerts.empty()) return {};
  std::vector<Label> out;
  for (const Label& label : alerts[0].labels) {
    const bool common = std::ranges::all_of(
        alerts, [&](const Alert& alert) { return alert.labels.get(label.name) == label.value; });
    if (common) out.push_back(label);
  }
  return Labels::from(std::move(out));
}

StringPairs Notification::common_annotations() const {
  if (alerts.empty()) return {};
  StringPairs out;
  for (const auto& pair : alerts[0].annotations) {
    const bool common = std::ranges::all_of(alerts, [&](const Alert& alert) {
      return std::ranges::find(alert.annotations, pair) != alert.annotations.end();
    });
    if (common) out.push_back(pair);
  }
  return out;
}

}  // namespace strata::alerting
