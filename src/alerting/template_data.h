// What a notification's templates see, under Alertmanager's names (template.Data):
// `.Alerts.Firing`,
// `.CommonLabels.SortedPairs.Values`, … Made as templates ask for it.
#pragma once
#include <string>

#include "alerting/notification.h"
#include "templates/value.h"

namespace strata::alerting {

/// `notification` outlives the value.
templates::Value template_data(const std::string& external_url, const Notification& notification);

/// Text in which nothing has a meaning to a regular expression: what templates and webhooks see as
/// the receiver's name.
std::string quoted_meta(std::string_view text);

}  // namespace strata::alerting
