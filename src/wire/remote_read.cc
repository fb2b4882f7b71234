#include "wire/remote_read.h"

#include <protozero/pbf_reader.hpp>
#include <protozero/pbf_writer.hpp>

#include "wire/proto_histogram.h"

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

void read_accepted(pbf_reader& message, bool& any, bool& samples) {
  const auto add = [&](int32_t type) {
    any = true;
    samples |= type == 0;
  };
  if (message.wire_type() == pbf_wire_type::varint) return add(message.get_enum());
  for (const int32_t type : message.get_packed_enum()) add(type);
}

}  // namespace

Result<RemoteReadRequest> read_remote_read_request(std::string_view text) {
  RemoteReadRequest request;
  bool any_accepted = false;
  bool accepts_samples = false;
  try {
    pbf_reader message(text.data(), text.size());
    while (message.next()) {
      switch (message.tag_and_type()) {
        case bytes(1): request.queries.push_back(TRY(read_query(message.get_message()))); break;
        case bytes(2):
        case varint(2): read_accepted(message, any_accepted, accepts_samples); break;
        default: message.skip();
      }
    }
  } catch (const protozero::exception& e) {
    return bad_data(std::string("malformed protobuf: ") + e.what());
  }
  request.accepts_samples = !any_accepted || accepts_samples;
  return request;
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
