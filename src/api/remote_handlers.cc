// /api/v1/write: what other servers and agents send here (remote/receiver.h). /api/v1/read: what
// they read from here, as samples or as streamed chunks (storage/remote/read_handler.go of
// Prometheus).
#include "api/api.h"
#include "api/external_labels.h"
#include "api/handlers.h"
#include "base/log.h"
#include "interop/chunks.h"
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

// What a query selects, by the labels that who asks sees.
struct Selection {
  std::unique_ptr<SeriesSet> set;
  std::vector<std::pair<Labels, size_t>> series;
};

Result<Selection> select(const Services& services, const wire::RemoteQuery& query) {
  const Labels external = services.external_labels();
  Selection out;
  out.set = TRY(services.source.select(without_external(query.matchers, external), query.range, 0));
  for (size_t i = 0; i < out.set->size(); ++i) {
    out.series.emplace_back(with_external(out.set->labels(i), external), i);
  }
  std::ranges::sort(out.series);
  return out;
}

Result<> answer_query(const Services& services, const Call& call, const wire::RemoteQuery& query,
                      wire::RemoteReadWriter& out) {
  const auto selection = TRY(select(services, query));
  SampleColumns samples;
  out.begin_result();
  for (const auto& [labels, i] : selection.series) {
    if (call.stop().stop_requested()) return fail(ErrorCode::kCanceled, "the client left");
    TRY(selection.set->read(i, query.range, samples));
    if (samples.size() > 0) out.add(labels, samples);
    if (out.bytes() > kMaxReadAnswer) {
      return bad_data(fmt::format("remote read: an answer of more than {} MB; ask for less",
                                  kMaxReadAnswer >> 20));
    }
  }
  out.end_result();
  return {};
}

// Frames of chunks, made as they are sent: one series at a time is in memory.
class ChunkPieces final : public Pieces {
 public:
  ChunkPieces(std::vector<wire::RemoteQuery> queries, std::vector<Selection> selections)
      : queries_(std::move(queries)), selections_(std::move(selections)) {}

  bool next(std::string& out) override {
    constexpr size_t kEnough = size_t{64} << 10;
    for (const size_t begin = out.size(); out.size() - begin < kEnough; ++series_) {
      while (query_ < queries_.size() && series_ == selections_[query_].series.size()) {
        selections_[query_++] = {};
        series_ = 0;
      }
      if (query_ == queries_.size()) return false;
      if (!append_series(out)) return cut(out);
    }
    return true;
  }

 private:
  // A frame has what fits into it: Prometheus' bound is 1 MB, and readers have theirs.
  static constexpr size_t kFrameBytes = size_t{1} << 20;

  bool append_series(std::string& out) {
    const auto& [labels, i] = selections_[query_].series[series_];
    const auto read = selections_[query_].set->read(i, queries_[query_].range, samples_);
    if (!read) {
      log_error("remote read was cut: a series cannot be read",
                {{"series", labels.to_string()}, {"error", read.error().message}});
      return false;
    }
    const auto chunks = interop::encode_chunks(samples_);
    wire::RemoteChunks frame{.labels = labels, .chunks = {}};
    size_t bytes = 0;
    for (size_t c = 0; c < chunks.size(); ++c) {
      const auto& chunk = chunks[c];
      frame.chunks.push_back({static_cast<int32_t>(chunk.encoding), chunk.range, chunk.data});
      bytes += chunk.data.size();
      if (bytes < kFrameBytes && c + 1 < chunks.size()) continue;
      wire::append_read_frame(out, wire::write_chunked_read_response(frame, query_));
      frame.chunks.clear();
      bytes = 0;
    }
    return true;
  }
  // The status has been sent: half a frame makes the reader see that the answer is not whole.
  bool cut(std::string& out) {
    out += '\x7f';
    query_ = queries_.size();
    return false;
  }

  const std::vector<wire::RemoteQuery> queries_;
  std::vector<Selection> selections_;
  size_t query_ = 0;
  size_t series_ = 0;
  SampleColumns samples_;
};

Result<Reply> stream_chunks(const Services& services, std::vector<wire::RemoteQuery> queries) {
  std::vector<Selection> selections;
  for (const auto& query : queries) selections.push_back(TRY(select(services, query)));
  net::HttpResponse response;
  response.headers.set("Content-Type", wire::kChunkedReadContentType);
  return Reply(std::move(response),
               std::make_unique<ChunkPieces>(std::move(queries), std::move(selections)));
}

}  // namespace

Result<Reply> remote_read(const Services& services, Call& call) {
  std::string message;
  TRY(wire::snappy_decompress(call.request().body, kMaxReadRequest, message));
  auto request = TRY(wire::read_remote_read_request(message));
  if (!request.accepts_samples && !request.accepts_chunks) {
    return bad_data(
        "remote read: SAMPLES and STREAMED_XOR_CHUNKS are answered, and this request accepts "
        "neither");
  }
  if (request.queries.size() > kMaxReadQueries) {
    return bad_data(fmt::format("remote read: at most {} queries", kMaxReadQueries));
  }
  if (request.accepts_chunks) return stream_chunks(services, std::move(request.queries));
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
