// A label or annotation of an alerting rule: text in which {{…}} stands for what the alert knows.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/labels.h"
#include "templates/functions.h"

namespace strata::rules {

/// What the texts of one alert are made from.
struct AlertData {
  templates::Value labels;           // the series' labels
  templates::Value external_labels;  // global external_labels
  std::string external_url;
  double value = 0;
};

/// Immutable; any number of threads may expand it.
class AlertTemplate {
 public:
  /// Error: kBadData in Go's words; `alert` is the rule's name.
  static Result<AlertTemplate> parse(std::string_view alert, std::string_view text);

  /// Whether there is nothing to expand: the text itself.
  bool is_constant() const { return set_ == nullptr; }
  const std::string& text() const { return text_; }

  /// `functions` is query_functions() of this evaluation. What fails becomes the text
  /// "<error expanding template: …>", as in Prometheus: an alert is never lost to its annotation;
  /// `failed` is then set.
  std::string expand(const AlertData& data, const templates::Functions& functions,
                     bool& failed) const;

 private:
  AlertTemplate() = default;
  std::string name_;  // "__alert_NAME"
  std::string text_;
  std::shared_ptr<const templates::TemplateSet> set_;
};

}  // namespace strata::rules
