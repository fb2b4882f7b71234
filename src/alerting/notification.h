// One word to one receiver: some alerts of a group, and why it is said now. What templates see, and
// the body of a webhook (version 4), are made of it. Value.
#pragma once
#include <string>
#include <vector>

#include "alerting/alert.h"
#include "alerting/config.h"
#include "alerting/notification_log.h"

namespace strata::alerting {

class NotificationTemplates;

struct Notification {
  std::string group_key;
  Labels group_labels;
  StringPairs route_labels;
  std::string receiver;
  Reason reason = Reason::kNone;
  TimestampMs at = 0;
  std::vector<Alert> alerts;  // in the order in which they are shown
  size_t truncated = 0;       // that max_alerts left out

  bool firing() const;
  /// Labels and annotations that all alerts have with one value.
  Labels common_labels() const;
  StringPairs common_annotations() const;
};

/// Where a notification goes: which of the integrations of a receiver.
struct Destination {
  const Receiver* receiver = nullptr;
  const Integration* integration = nullptr;
  const NotificationTemplates* templates = nullptr;  // of the same file
};

}  // namespace strata::alerting
