// The messages of Prometheus' remote read (prompb/remote.proto), both ways, without their
// compression: the request; the answer as samples; and as frames of chunks, whose bytes are
// interop's.
// Used by one thread at a time. Bounds: the message's size is the caller's to bound, the answer's
// too.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/labels.h"
#include "model/matcher.h"
#include "model/sample.h"
#include "model/series_source.h"

namespace strata::wire {

struct RemoteQuery {
  TimeRange range;  // closed
  std::vector<Matcher> matchers;
};

struct RemoteReadRequest {
  std::vector<RemoteQuery> queries;
  bool accepts_samples = true;
  bool accepts_chunks = false;  // streamed; named before samples
};

/// Error: kBadData, also for an expression that is no regex.
Result<RemoteReadRequest> read_remote_read_request(std::string_view message);

/// A request that takes streamed chunks, and samples of those who have none.
std::string write_remote_read_request(const RemoteQuery& query);

struct RemoteReadSeries {
  Labels labels;
  SampleColumns samples;
};
/// A ReadResponse: the series of all its results. Error: kBadData.
Result<std::vector<RemoteReadSeries>> read_remote_read_response(std::string_view message);

/// The Content-Type of an answer as frames.
inline constexpr std::string_view kChunkedReadContentType =
    "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse";

/// A chunk of a series as Prometheus keeps them; `data` is a view.
struct RemoteChunk {
  int32_t encoding = 0;  // 1 XOR, 2 and 3 histograms of integers and floats
  TimeRange range{0, 0};
  std::string_view data;
};
struct RemoteChunks {
  Labels labels;
  std::vector<RemoteChunk> chunks;
};
/// A ChunkedReadResponse; the chunks point into `message`. Error: kBadData.
Result<std::vector<RemoteChunks>> read_chunked_read_response(std::string_view message);
/// One with one series, of the query with that number in the request.
std::string write_chunked_read_response(const RemoteChunks& series, size_t query);

/// A frame: the length as a varint, the CRC32C of the bytes (big-endian), and they.
void append_read_frame(std::string& out, std::string_view bytes);
/// Takes the first frame's bytes off `stream`. Error: kBadData when it is cut or damaged.
Result<std::string_view> take_read_frame(std::string_view& stream);

/// Writes a ReadResponse: a result for each query, in their order.
class RemoteReadWriter {
 public:
  void begin_result() { result_.clear(); }
  void add(const Labels& labels, const SampleColumns& samples);
  void end_result();

  size_t bytes() const { return response_.size() + result_.size(); }
  const std::string& message() const { return response_; }

 private:
  std::string response_;
  std::string result_;
};

}  // namespace strata::wire
