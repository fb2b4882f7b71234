// /api/v1/write: what other servers and agents send here (remote/receiver.h). /api/v1/read: what
// they read from here, as samples (storage/remote/read_handler.go of Prometheus).
#include "api/api.h"
#include "api/external_labels.h"
#include "api/handlers.h"
#include "remote/receiver.h"
#include "wire/remote_read.h"
#include "wire/snappy_block.h"

namespace strata::api {
namespace {

constexpr size_t kMaxReadRequest = size_t{4} << 20;   // decompressed
constexpr size_t kMaxReadAnswer = size_t{256} << 20;  // before compression
constexpr size_t kMaxReadQueries = 100;

// Who asks takes our external labels for labels of our series: what asks for ours is true of each.
std::vector<Matcher> without_external(const std::vector<Matcher>& matchers,
                                      const Labels& external) {
  std::vector<Matcher> left;
  for (const auto& matcher : matchers) {
    const bool ours = matcher.op() == Matcher::Op::kEqual && external.has(matcher.name()) &&
                      external.get(matcher.name()) == matcher.value();
    if (!ours) left.push_back(matcher);
  }
  return left;
}

Result<> answer_query(const Services& services, const Call& call, const wire::RemoteQuery& query,
                      wire::RemoteReadWriter& out) {
  const Labels external = services.external_labels();
  const auto set =
      TRY(services.source.select(without_external(query.matchers, external), query.range, 0));
  std::vector<std::pair<Labels, size_t>> series;
  for (size_t i = 0; i < set->size(); ++i) {
    series.emplace_back(with_external(set->labels(i), external), i);
  }
  std::ranges::sort(series);
  SampleColumns samples;
  out.begin_result();
  for (const auto& [labels, i] : series) {
    if (call.stop().stop_requested()) return fail(ErrorCode::kCanceled, "the client left");
    TRY(set->read(i, query.range, samples));
    if (samples.size() > 0) out.add(labels, samples);
    if (out.bytes() > kMaxReadAnswer) {
      return bad_data(fmt::format("remote read: an answer of more than {} MB; ask for less",
                                  kMaxReadAnswer >> 20));
    }
  }
  out.end_result();
  return {};
}

}  // namespace

Result<Reply> remote_read(const Services& services, Call& call) {
  std::string message;
  TRY(wire::snappy_decompress(call.request().body, kMaxReadRequest, message));
  const auto request = TRY(wire::read_remote_read_request(message));
  if (!request.accepts_samples) {
    return bad_data("remote read: only SAMPLES are answered, which this request does not accept");
  }
  if (request.queries.size() > kMaxReadQueries) {
    return bad_data(fmt::format("remote read: at most {} queries", kMaxReadQueries));
  }
  wire::RemoteReadWriter answer;
  for (const auto& query : request.queries) TRY(answer_query(services, call, query, answer));
  net::HttpResponse response;
  response.headers.set("Content-Type", "application/x-protobuf");
  response.headers.set("Content-Encoding", "snappy");
  wire::snappy_compress(answer.message(), response.body);
  return response;
}

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
