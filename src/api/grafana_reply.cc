#include "api/grafana_reply.h"

#include "api/router.h"
#include "base/json.h"
#include "net/basic_auth.h"

namespace strata::api {

Reply grafana_refusal(const Error& error) {
  std::string body;
  JsonWriter json(body);
  json.begin_object().key("message").string(error.message);
  if (error.code == ErrorCode::kConflict) json.key("status").string("version-mismatch");
  json.end_object();
  return net::json_response(error.code == ErrorCode::kConflict ? 412 : http_status(error.code),
                            std::move(body));
}

std::string logged_in(const Call& call) {
  const auto credentials = net::basic_credentials(call.request().headers);
  return credentials ? credentials->user : "";
}

}  // namespace strata::api
