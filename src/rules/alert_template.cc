#include "rules/alert_template.h"

namespace strata::rules {
namespace {

// Prometheus puts these before the text; columns in error messages count them.
constexpr std::string_view kDefinitions =
    "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}"
    "{{$externalURL := .ExternalURL}}{{$value := .Value}}";

// The dot of an alert's templates.
class Data final : public templates::Object {
 public:
  explicit Data(const AlertData& data) : data_(data) {}
  Result<templates::Value> member(std::string_view name,
                                  std::span<const templates::Value>) const override {
    if (name == "Labels") return data_.labels;
    if (name == "ExternalLabels") return data_.external_labels;
    if (name == "ExternalURL") return templates::Value(data_.external_url);
    if (name == "Value") return templates::Value(data_.value);
    return fail(ErrorCode::kNotFound, "");
  }
  std::string text() const override { return "{alert}"; }
  std::string_view type_name() const override {
    return "struct { Labels map[string]string; ExternalLabels map[string]string; ExternalURL "
           "string; Value interface {} }";
  }

 private:
  const AlertData& data_;
};

}  // namespace

Result<AlertTemplate> AlertTemplate::parse(std::string_view alert, std::string_view text) {
  AlertTemplate made;
  made.text_ = std::string(text);
  if (!text.contains("{{")) return made;
  made.name_ = fmt::format("__alert_{}", alert);
  auto set = std::make_shared<templates::TemplateSet>(templates::rule_functions());
  TRY(set->parse(made.name_, std::string(kDefinitions).append(text)));
  made.set_ = std::move(set);
  return made;
}

std::string AlertTemplate::expand(const AlertData& data, const templates::Functions& functions,
                                  bool& failed) const {
  if (is_constant()) return text_;
  const auto dot = std::make_shared<const Data>(data);
  auto text = set_->execute(name_, templates::Value(templates::Value::ObjectPtr(dot)), functions);
  if (text) return std::move(*text);
  failed = true;
  return fmt::format("<error expanding template: error executing template {}: {}>", name_,
                     text.error().message);
}

}  // namespace strata::rules
