#include "remote/remote_reader.h"

#include <algorithm>
#include <future>

#include "config/url.h"
#include "interop/histogram_chunk.h"
#include "interop/xor_chunk.h"
#include "wire/snappy_block.h"

namespace strata::remote {
namespace {

using wire::RemoteReadSeries;

Result<> append_chunk(const wire::RemoteChunk& chunk, SampleColumns& out) {
  using interop::ChunkEncoding;
  const auto encoding = static_cast<ChunkEncoding>(chunk.encoding);
  switch (encoding) {
    case ChunkEncoding::kXor:
      TRY(interop::read_xor_chunk(chunk.data, out));
      if (!out.h.empty()) out.h.resize(out.t.size());
      return {};
    case ChunkEncoding::kHistogram:
    case ChunkEncoding::kFloatHistogram:
      out.h.resize(out.t.size());
      return interop::read_histogram_chunk(encoding, chunk.data, out);
  }
  return bad_data(fmt::format("chunks of encoding {} cannot be read", chunk.encoding));
}

// Chunks overlap where what they were made of did: of one time, the first sample counts.
void sort_by_time(SampleColumns& samples) {
  if (std::ranges::is_sorted(samples.t, std::less_equal<>())) return;
  std::vector<size_t> order(samples.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::stable_sort(order, {}, [&](size_t i) { return samples.t[i]; });
  SampleColumns sorted;
  for (const size_t i : order) {
    if (!sorted.t.empty() && sorted.t.back() == samples.t[i]) continue;
    sorted.t.push_back(samples.t[i]);
    sorted.v.push_back(samples.v[i]);
    if (!samples.h.empty()) sorted.h.push_back(samples.h[i]);
  }
  samples = std::move(sorted);
}

// Frames, each with chunks of a series or more; a series may go on in the next frame.
Result<std::vector<RemoteReadSeries>> read_frames(std::string_view stream) {
  std::vector<RemoteReadSeries> out;
  while (!stream.empty()) {
    const auto frame = TRY(wire::take_read_frame(stream));
    for (auto& series : TRY(wire::read_chunked_read_response(frame))) {
      if (out.empty() || out.back().labels != series.labels) {
        out.push_back({std::move(series.labels), {}});
      }
      for (const auto& chunk : series.chunks) TRY(append_chunk(chunk, out.back().samples));
    }
  }
  for (auto& series : out) sort_by_time(series.samples);
  return out;
}

}  // namespace

Result<std::vector<RemoteReadSeries>> read_answer(std::string_view content_type,
                                                  std::string_view body) {
  if (content_type.starts_with("application/x-streamed-protobuf")) return read_frames(body);
  std::string message;
  TRY(wire::snappy_decompress(body, RemoteReader::kMaxAnswer, message));
  return wire::read_remote_read_response(message);
}

RemoteReader::RemoteReader(RemoteReaderDeps deps, config::RemoteReadConfig config,
                           Labels external_labels)
    : deps_(std::move(deps)),
      config_(std::move(config)),
      external_labels_(config_.filter_external_labels ? std::move(external_labels) : Labels()),
      client_(deps_.fetch, config_.http, deps_.fs, deps_.clock),
      shown_url_(config::redact_url(config_.url)),
      queries_(deps_.registry.counter<"remote_name", "url", "code">(
          "prometheus_remote_storage_read_queries_total",
          "Requests of remote read, by the status of their answer; 0: there was none.")),
      duration_(deps_.registry
                    .histogram<"remote_name", "url">(
                        "prometheus_remote_storage_read_request_duration_seconds",
                        "From a request of remote read to its answer.")
                    .with(config_.name, shown_url_)) {}

std::optional<TimeRange> RemoteReader::wanted(std::span<const Matcher> matchers, TimeRange range,
                                              TimestampMs local_since) const {
  const bool asked_for = std::ranges::all_of(config_.required_matchers, [&](const auto& required) {
    return std::ranges::any_of(matchers, [&](const Matcher& matcher) {
      return matcher.op() == Matcher::Op::kEqual && matcher.name() == required.first &&
             matcher.value() == required.second;
    });
  });
  if (!asked_for) return std::nullopt;
  if (config_.read_recent) return range;
  if (range.min >= local_since) return std::nullopt;
  return TimeRange{range.min, std::min(range.max, local_since)};
}

Result<net::ClientResponse> RemoteReader::ask(const wire::RemoteQuery& query,
                                              const std::stop_token& stop) const {
  net::ClientRequest request{.method = "POST", .url = config_.url};
  client_.prepare(request);
  request.timeout = config_.remote_timeout;
  request.max_body_bytes = kMaxAnswer;
  request.accept_gzip = false;
  request.stop = stop;
  wire::snappy_compress(wire::write_remote_read_request(query), request.body);
  for (const auto& [name, value] : config_.headers) request.headers.set(name, value);
  request.headers.set("Content-Type", "application/x-protobuf");
  request.headers.set("Content-Encoding", "snappy");
  request.headers.set("Accept-Encoding", "snappy");
  request.headers.set("X-Prometheus-Remote-Read-Version", "0.1.0");
  auto answer = std::make_shared<std::promise<Result<net::ClientResponse>>>();
  auto arrived = answer->get_future();
  const auto began = deps_.clock.steady();
  client_.fetch(std::move(request), [answer](Result<net::ClientResponse> response) {
    answer->set_value(std::move(response));
  });
  auto response = arrived.get();
  duration_.observe(std::chrono::duration<double>(deps_.clock.steady() - began).count());
  queries_.with(config_.name, shown_url_, std::to_string(response ? response->status : 0)).inc();
  return response;
}

Result<std::vector<RemoteReadSeries>> RemoteReader::read(std::span<const Matcher> matchers,
                                                         TimeRange range,
                                                         const std::stop_token& stop) const {
  wire::RemoteQuery query{.range = range, .matchers = {matchers.begin(), matchers.end()}};
  std::vector<std::string_view> added;
  for (const auto& [name, value] : external_labels_) {
    if (std::ranges::find(matchers, name, &Matcher::name) != matchers.end()) continue;
    query.matchers.push_back(Matcher::equal(std::string(name), std::string(value)));
    added.push_back(name);
  }
  const auto read = [&]() -> Result<std::vector<RemoteReadSeries>> {
    const auto response = TRY(ask(query, stop));
    if (response.status / 100 != 2) {
      constexpr size_t kShown = 300;
      return fail(ErrorCode::kUnavailable,
                  fmt::format("status {}: {}", response.status, response.body.substr(0, kShown)));
    }
    auto series = read_answer(response.headers.value("Content-Type"), response.body);
    if (!series) return fail(ErrorCode::kUnavailable, series.error().message);
    return series;
  }();
  if (!read) return std::unexpected(read.error().within("remote read " + shown_url_));
  auto series = std::move(*read);
  if (added.empty()) return series;
  for (auto& one : series) {
    LabelsBuilder labels(one.labels);
    for (const auto name : added) labels.remove(name);
    one.labels = labels.build();
  }
  return series;
}

}  // namespace strata::remote
