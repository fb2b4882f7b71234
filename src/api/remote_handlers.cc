// /api/v1/write: what other servers and agents send here (remote/receiver.h).
#include "api/api.h"
#include "api/handlers.h"
#include "remote/receiver.h"

namespace strata::api {

Result<Reply> remote_write(const Services& services, Call& call) {
  if (services.receiver == nullptr) {
    return fail(ErrorCode::kNotFound,
                "this server takes no remote write: it was started without "
                "--web.enable-remote-write-receiver");
  }
  const auto& request = call.request();
  const auto answer =
      services.receiver->write({.content_type = request.headers.value("Content-Type"),
                                .content_encoding = request.headers.value("Content-Encoding"),
                                .body = request.body});
  net::HttpResponse response;
  if (answer.status == 204) {
    response.status = 204;
  } else {
    response = net::text_response(answer.status, answer.message + "\n");
  }
  if (answer.version == wire::RemoteWriteVersion::k2) {
    const auto written = [&](std::string_view what, size_t count) {
      response.headers.set(fmt::format("X-Prometheus-Remote-Write-{}-Written", what),
                           std::to_string(count));
    };
    written("Samples", answer.samples);
    written("Histograms", answer.histograms);
    written("Exemplars", answer.exemplars);
  }
  return response;
}

}  // namespace strata::api
