// Alerts of our own rules, into our own alerting and to external Alertmanagers.
#pragma once
#include <functional>
#include <memory>

#include "alerting/engine.h"
#include "config/config.h"
#include "notify/sender.h"
#include "rules/sink.h"

namespace strata::app {

/// Thread-safe. All outlive this.
class AlertSink final : public rules::Sink {
 public:
  using CurrentConfig = std::function<std::shared_ptr<const config::Config>()>;
  AlertSink(alerting::Engine& engine, notify::Sender& sender, CurrentConfig config)
      : engine_(engine), sender_(sender), config_(std::move(config)) {}
  /// Everybody is told of alerts with external labels, and as alert_relabel_configs leaves them.
  void send(TimestampMs at, std::vector<rules::AlertNotice> alerts) override;

 private:
  alerting::Engine& engine_;
  notify::Sender& sender_;
  const CurrentConfig config_;
};

}  // namespace strata::app
