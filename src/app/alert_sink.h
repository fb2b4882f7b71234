// Alerts of our own rules, into our own alerting.
#pragma once
#include "alerting/engine.h"
#include "rules/sink.h"

namespace strata::app {

/// Thread-safe. `engine` and `external_labels` outlive this.
class AlertSink final : public rules::Sink {
 public:
  AlertSink(alerting::Engine& engine, std::function<Labels()> external_labels)
      : engine_(engine), external_labels_(std::move(external_labels)) {}
  void send(TimestampMs at, std::vector<rules::AlertNotice> alerts) override;

 private:
  alerting::Engine& engine_;
  const std::function<Labels()> external_labels_;
};

}  // namespace strata::app
