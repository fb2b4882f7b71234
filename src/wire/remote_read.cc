#include "wire/remote_read.h"

#include <protozero/pbf_reader.hpp>
#include <protozero/pbf_writer.hpp>

#include "base/hash.h"
#include "wire/proto_histogram.h"
#include "wire/remote_write.h"

namespace strata::wire {
namespace {

using protozero::pbf_reader;
using protozero::pbf_wire_type;
using protozero::pbf_writer;

constexpr uint32_t bytes(uint32_t tag) {
  return protozero::tag_and_type(tag, pbf_wire_type::length_delimited);
}
constexpr uint32_t varint(uint32_t tag) {
  return protozero::tag_and_type(tag, pbf_wire_type::varint);
}

Result<Matcher::Op> op_of(int32_t number) {
  switch (number) {
    case 0: return Matcher::Op::kEqual;
    case 1: return Matcher::Op::kNotEqual;
    case 2: return Matcher::Op::kRegex;
    case 3: return Matcher::Op::kNotRegex;
    default: return bad_data(fmt::format("remote read: unknown kind of matcher {}", number));
  }
}

Result<Matcher> read_matcher(pbf_reader message) {
  int32_t op = 0;
  std::string name;
  std::string value;
  while (message.next()) {
    switch (message.tag_and_type()) {
      case varint(1): op = message.get_enum(); break;
      case bytes(2): name = message.get_string(); break;
      case bytes(3): value = message.get_string(); break;
      default: message.skip();
    }
  }
  return Matcher::make(TRY(op_of(op)), std::move(name), std::move(value));
}

Result<RemoteQuery> read_query(pbf_reader message) {
  RemoteQuery query{.range = {0, 0}, .matchers = {}};
  while (message.next()) {
    switch (message.tag_and_type()) {
      case varint(1): query.range.min = message.get_int64(); break;
      case varint(2): query.range.max = message.get_int64(); break;
      case bytes(3): query.matchers.push_back(TRY(read_matcher(message.get_message()))); break;
      default: message.skip();
    }
  }
  return query;
}

// The first of two that are known counts more.
void read_accepted(pbf_reader& message, RemoteReadRequest& request, bool& any) {
  const auto add = [&](int32_t type) {
    request.accepts_chunks |= type == 1 && !request.accepts_samples;
    request.accepts_samples |= type == 0;
    any = true;
  };
  if (message.wire_type() == pbf_wire_type::varint) return add(message.get_enum());
  for (const int32_t type : message.get_packed_enum()) add(type);
}

}  // namespace

Result<RemoteReadRequest> read_remote_read_request(std::string_view text) {
  RemoteReadRequest request;
  bool any_accepted = false;
  request.accepts_samples = false;
  try {
    pbf_reader message(text.data(), text.size());
    while (message.next()) {
      switch (message.tag_and_type()) {
        case bytes(1): request.queries.push_back(TRY(read_query(message.get_message()))); break;
        case bytes(2):
        case varint(2): read_accepted(message, request, any_accepted); break;
        default: message.skip();
      }
    }
  } catch (const protozero::exception& e) {
    return bad_data(std::string("malformed protobuf: ") + e.what());
  }
  request.accepts_samples |= !any_accepted;
  return request;
}

namespace {

int32_t number_of(Matcher::Op op) {
  switch (op) {
    case Matcher::Op::kEqual: return 0;
    case Matcher::Op::kNotEqual: return 1;
    case Matcher::Op::kRegex: return 2;
    case Matcher::Op::kNotRegex: return 3;
  }
  return 0;
}

// Samples and histograms of a series, each in order, as one list.
SampleColumns merged(RemoteSeries& series) {
  SampleColumns out;
  auto h = series.histograms.begin();
  const auto take_histogram = [&] {
    out.h.resize(out.t.size());
    const bool stale = is_stale_nan(h->value.sum);
    out.t.push_back(h->t);
    out.v.push_back(stale ? stale_nan() : 0);
    out.h.push_back(stale ? nullptr : std::make_shared<const FloatHistogram>(std::move(h->value)));
    ++h;
  };
  for (const Sample& sample : series.samples) {
    while (h != series.histograms.end() && h->t < sample.t) take_histogram();
    out.t.push_back(sample.t);
    out.v.push_back(sample.v);
  }
  while (h != series.histograms.end()) take_histogram();
  if (!out.h.empty()) out.h.resize(out.t.size());
  return out;
}

Labels built(std::span<const Label> labels) {
  LabelsBuilder builder;
  for (const auto& [name, value] : labels) builder.set(name, value);
  return builder.build();
}

std::string_view view(protozero::data_view data) { return {data.data(), data.size()}; }

std::pair<std::string_view, std::string_view> read_pair(pbf_reader message) {
  std::pair<std::string_view, std::string_view> out;
  while (message.next()) {
    switch (message.tag_and_type()) {
      case bytes(1): out.first = view(message.get_view()); break;
      case bytes(2): out.second = view(message.get_view()); break;
      default: message.skip();
    }
  }
  return out;
}

RemoteChunk read_chunk(pbf_reader message) {
  RemoteChunk chunk;
  while (message.next()) {
    switch (message.tag_and_type()) {
      case varint(1): chunk.range.min = message.get_int64(); break;
      case varint(2): chunk.range.max = message.get_int64(); break;
      case varint(3): chunk.encoding = message.get_enum(); break;
      case bytes(4): chunk.data = view(message.get_view()); break;
      default: message.skip();
    }
  }
  return chunk;
}

RemoteChunks read_chunks(pbf_reader message) {
  RemoteChunks out;
  LabelsBuilder labels;
  while (message.next()) {
    switch (message.tag_and_type()) {
      case bytes(1): {
        const auto [name, value] = read_pair(message.get_message());
        labels.set(name, value);
        break;
      }
      case bytes(2): out.chunks.push_back(read_chunk(message.get_message())); break;
      default: message.skip();
    }
  }
  out.labels = labels.build();
  return out;
}

}  // namespace

std::string write_remote_read_request(const RemoteQuery& query) {
  std::string out;
  pbf_writer request(out);
  {
    pbf_writer q(request, 1);
    q.add_int64(1, query.range.min);
    q.add_int64(2, query.range.max);
    for (const Matcher& matcher : query.matchers) {
      pbf_writer m(q, 3);
      m.add_enum(1, number_of(matcher.op()));
      m.add_string(2, matcher.name());
      m.add_string(3, matcher.value());
    }
  }
  constexpr int32_t kChunksThenSamples[] = {1, 0};
  request.add_packed_enum(2, std::begin(kChunksThenSamples), std::end(kChunksThenSamples));
  return out;
}

Result<std::vector<RemoteReadSeries>> read_remote_read_response(std::string_view text) {
  std::vector<RemoteReadSeries> out;
  try {
    pbf_reader message(text.data(), text.size());
    while (message.next()) {
      if (message.tag_and_type() != bytes(1)) {
        message.skip();
        continue;
      }
      // A result is spelt as a request of remote write 1.0 is.
      const std::string_view result = view(message.get_view());
      const auto reader = TRY(RemoteWriteReader::open(result, RemoteWriteVersion::k1));
      RemoteSeries series;
      for (size_t i = 0; i < reader.size(); ++i) {
        TRY(reader.read(i, series));
        out.push_back({built(series.labels), merged(series)});
      }
    }
  } catch (const protozero::exception& e) {
    return bad_data(std::string("malformed protobuf: ") + e.what());
  }
  return out;
}

Result<std::vector<RemoteChunks>> read_chunked_read_response(std::string_view text) {
  std::vector<RemoteChunks> out;
  try {
    pbf_reader message(text.data(), text.size());
    while (message.next()) {
      if (message.tag_and_type() == bytes(1)) {
        out.push_back(read_chunks(message.get_message()));
      } else {
        message.skip();
      }
    }
  } catch (const protozero::exception& e) {
    return bad_data(std::string("malformed protobuf: ") + e.what());
  }
  return out;
}

std::string write_chunked_read_response(const RemoteChunks& series, size_t query) {
  std::string out;
  pbf_writer response(out);
  {
    pbf_writer one(response, 1);
    for (const auto& [name, value] : series.labels) {
      pbf_writer label(one, 1);
      label.add_string(1, name.data(), name.size());
      label.add_string(2, value.data(), value.size());
    }
    for (const RemoteChunk& chunk : series.chunks) {
      pbf_writer c(one, 2);
      c.add_int64(1, chunk.range.min);
      c.add_int64(2, chunk.range.max);
      c.add_enum(3, chunk.encoding);
      c.add_bytes(4, chunk.data.data(), chunk.data.size());
    }
  }
  response.add_int64(2, static_cast<int64_t>(query));
  return out;
}

void append_read_frame(std::string& out, std::string_view payload) {
  for (uint64_t left = payload.size(); true; left >>= 7) {
    if (left < 0x80) {
      out += static_cast<char>(left);
      break;
    }
    out += static_cast<char>(left | 0x80);
  }
  const uint32_t crc = crc32c(payload);
  for (const int shift : {24, 16, 8, 0}) out += static_cast<char>(crc >> shift);
  out += payload;
}

Result<std::string_view> take_read_frame(std::string_view& stream) {
  constexpr size_t kCrcBytes = 4;
  uint64_t size = 0;
  size_t at = 0;
  for (unsigned shift = 0; true; shift += 7, ++at) {
    if (at == stream.size() || shift > 56) return bad_data("a frame's length is cut");
    const auto byte = static_cast<uint8_t>(stream[at]);
    size |= uint64_t{byte & 0x7fu} << shift;
    if (byte < 0x80) break;
  }
  const std::string_view rest = stream.substr(at + 1);
  if (rest.size() < kCrcBytes || rest.size() - kCrcBytes < size) return bad_data("a frame is cut");
  uint32_t crc = 0;
  for (size_t i = 0; i < kCrcBytes; ++i) crc = crc << 8 | static_cast<uint8_t>(rest[i]);
  const auto payload = rest.substr(kCrcBytes, size);
  if (crc32c(payload) != crc) return bad_data("a frame's checksum is wrong");
  stream = rest.substr(kCrcBytes + size);
  return payload;
}

void RemoteReadWriter::add(const Labels& labels, const SampleColumns& samples) {
  {
    pbf_writer result(result_);
    pbf_writer series(result, 1);
    for (const auto& [name, value] : labels) {
      pbf_writer label(series, 1);
      label.add_string(1, name.data(), name.size());
      label.add_string(2, value.data(), value.size());
    }
    for (size_t i = 0; i < samples.size(); ++i) {
      if (!samples.h.empty() && samples.h[i]) {
        append_histogram_field(result_, 4, *samples.h[i], samples.t[i]);
        continue;
      }
      pbf_writer sample(series, 2);
      sample.add_double(1, samples.v[i]);
      sample.add_int64(2, samples.t[i]);
    }
  }
}

void RemoteReadWriter::end_result() {
  pbf_writer response(response_);
  response.add_message(1, result_);
  result_.clear();
}

}  // namespace strata::wire
