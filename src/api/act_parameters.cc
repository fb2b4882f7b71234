#include "api/act_parameters.h"

#include "discover/json_reader.h"
#include "net/basic_auth.h"
#include "oncall/incident.h"

namespace strata::api {
namespace {

constexpr size_t kMaxActor = 200;

}  // namespace

Result<ActParameters> ActParameters::read(const Call& call) {
  ActParameters out(call);
  if (!call.request().body.starts_with('{')) return out;
  discover::JsonReader reader(call.request().body);
  reader.object([&](std::string_view name) {
    const auto value = reader.skip();
    std::string& text = out.members_[std::string(name)];
    text = value;
    if (!value.starts_with('"')) return;
    text.clear();
    discover::JsonReader(value).string(text);
  });
  TRY(reader.finish());
  return out;
}

std::string ActParameters::get(std::string_view name) const {
  const auto at = members_.find(name);
  return at != members_.end() ? at->second : std::string(call_.parameter(name));
}

Result<std::optional<TimestampMs>> ActParameters::time(std::string_view name) const {
  const std::string text = get(name);
  if (text.empty()) return std::optional<TimestampMs>();
  auto t = parse_time(text);
  if (!t) return bad_data(fmt::format("{}: {}", name, t.error().message));
  return std::optional(*t);
}

Result<std::string> ActParameters::actor() const {
  std::string name;
  if (const auto user = net::basic_credentials(call_.request().headers)) name = user->user;
  if (name.empty()) name = call_.request().headers.value("X-Strata-Actor");
  if (name.empty()) name = get("actor");
  if (name.empty()) {
    return bad_data("actor is missing: log in, or say who acts with X-Strata-Actor or actor");
  }
  if (name.size() > kMaxActor) return bad_data("actor: too long");
  if (name == oncall::kSelf) return bad_data("actor: \"strata\" is what happens by itself");
  return name;
}

}  // namespace strata::api
