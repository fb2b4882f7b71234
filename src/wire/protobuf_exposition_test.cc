#include "wire/protobuf_exposition.h"

#include <gtest/gtest.h>

#include <protozero/pbf_writer.hpp>

namespace strata::wire {
namespace {

/// A message written by `fill(writer)`.
template <class Fill>
std::string message(Fill fill) {
  std::string bytes;
  protozero::pbf_writer writer(bytes);
  fill(writer);
  return bytes;
}

std::string label(std::string_view name, std::string_view value) {
  return message([&](auto& w) {
    w.add_string(1, std::string(name));
    w.add_string(2, std::string(value));
  });
}

std::string timestamp(int64_t seconds, int32_t nanos) {
  return message([&](auto& w) {
    w.add_int64(1, seconds);
    w.add_int32(2, nanos);
  });
}

std::string exemplar(std::string_view trace, double value, bool with_time) {
  return message([&](auto& w) {
    w.add_message(1, label("trace_id", trace));
    w.add_double(2, value);
    if (with_time) w.add_message(3, timestamp(1, 500'000'000));
  });
}

std::string family(std::string_view name, int type, const std::vector<std::string>& metrics,
                   std::string_view help = "", std::string_view unit = "") {
  const std::string bytes = message([&](auto& w) {
    w.add_string(1, std::string(name));
    if (!help.empty()) w.add_string(2, std::string(help));
    // Metrics before the type: a reader may not rely on the order.
    for (const std::string& metric : metrics) w.add_message(4, metric);
    w.add_enum(3, type);
    if (!unit.empty()) w.add_string(5, std::string(unit));
  });
  std::string out;
  protozero::add_varint_to_buffer(&out, bytes.size());
  return out + bytes;
}

std::string value_metric(uint32_t tag, double value, const std::vector<std::string>& labels = {}) {
  return message([&](auto& w) {
    w.add_message(tag, message([&](auto& inner) { inner.add_double(1, value); }));
    for (const std::string& one : labels) w.add_message(1, one);
  });
}

struct Read {
  Result<> result;
  ProtobufExposition out;
};
Read read(std::string_view body, const ProtobufOptions& options = {}) {
  Read read;
  read.result = read_protobuf_exposition(body, options, read.out);
  return read;
}
std::string text_of(std::string_view body, const ProtobufOptions& options = {}) {
  const Read r = read(body, options);
  return r.result ? r.out.text : "error: " + r.result.error().message;
}

TEST(ProtobufExposition, PlainValues) {
  EXPECT_EQ(text_of(family("c_total", 0, {value_metric(3, 2, {label("a", "x\"\n\\")})}, "He\nlp") +
                    family("g", 1, {value_metric(2, -0.1), value_metric(2, INFINITY)}, "", "u") +
                    family("u", 3, {value_metric(5, NAN)})),
            "# TYPE c_total counter\n# HELP c_total He\\nlp\n"
            "c_total{a=\"x\\\"\\n\\\\\"} 2\n"
            "# TYPE g gauge\n# UNIT g u\n"
            "g -0.1\ng +Inf\n"
            "# TYPE u unknown\n"
            "u NaN\n"
            "# EOF\n");
}

TEST(ProtobufExposition, NamesOutsideTheClassicOnesAreQuoted) {
  EXPECT_EQ(text_of(family("http.requests", 1, {value_metric(2, 1, {label("é", "v")})})),
            "# TYPE \"http.requests\" gauge\n{\"http.requests\",\"é\"=\"v\"} 1\n# EOF\n");
}

TEST(ProtobufExposition, TimestampsExemplarsAndTheTimeOfCreation) {
  const std::string counter = message([&](auto& w) {
    w.add_message(3, message([&](auto& inner) {
                    inner.add_double(1, 5);
                    inner.add_message(2, exemplar("abc", 0.5, true));
                    inner.add_message(3, timestamp(1'700'000'000, 250'000'000));
                  }));
    w.add_int64(6, 1'726'839'814'223);
  });
  const std::string body = family("c", 0, {counter});
  EXPECT_EQ(text_of(body),
            "# TYPE c counter\nc 5 1726839814.223 # {trace_id=\"abc\"} 0.5 1.500\n# EOF\n");
  EXPECT_TRUE(text_of(body, {.created_series = true})
                  .contains("c_created 1700000000.250 1726839814.223\n"));
}

TEST(ProtobufExposition, Summaries) {
  const std::string summary = message([&](auto& w) {
    w.add_message(4, message([&](auto& inner) {
                    inner.add_uint64(1, 10);
                    inner.add_double(2, 2.5);
                    for (const auto& [q, v] : {std::pair(0.5, 0.1), std::pair(1.0, 0.9)}) {
                      inner.add_message(3, message([&](auto& quantile) {
                                          quantile.add_double(1, q);
                                          quantile.add_double(2, v);
                                        }));
                    }
                  }));
  });
  EXPECT_EQ(text_of(family("s", 2, {summary})),
            "# TYPE s summary\ns_count 10\ns_sum 2.5\ns{quantile=\"0.5\"} 0.1\n"
            "s{quantile=\"1.0\"} 0.9\n# EOF\n");
}

std::string bucket(uint64_t count, double bound, std::string_view trace = "") {
  return message([&](auto& w) {
    w.add_uint64(1, count);
    w.add_double(2, bound);
    if (!trace.empty()) w.add_message(3, exemplar(trace, bound, false));
  });
}

template <class Fill>
std::string histogram_metric(Fill fill) {
  return message([&](auto& w) {
    w.add_message(7, message(fill));
    w.add_message(1, label("l", "v"));
  });
}

TEST(ProtobufExposition, ClassicHistogramsGetTheirLastBucket) {
  const std::string metric = histogram_metric([](auto& w) {
    w.add_uint64(1, 7);
    w.add_double(2, 1.5);
    w.add_message(3, bucket(3, 1, "t"));
    w.add_message(3, bucket(5, 2.5));
  });
  EXPECT_EQ(text_of(family("h", 4, {metric})),
            "# TYPE h histogram\nh_count{l=\"v\"} 7\nh_sum{l=\"v\"} 1.5\n"
            "h_bucket{l=\"v\",le=\"1.0\"} 3 # {trace_id=\"t\"} 1\n"
            "h_bucket{l=\"v\",le=\"2.5\"} 5\n"
            "h_bucket{l=\"v\",le=\"+Inf\"} 7\n# EOF\n");
}

std::string span(int32_t offset, uint32_t length) {
  return message([&](auto& w) {
    w.add_sint32(1, offset);
    w.add_uint32(2, length);
  });
}

/// Buckets of +1, +2, -1 as deltas: 1, 3, 2.
std::string native_metric(bool packed) {
  return histogram_metric([&](auto& w) {
    w.add_uint64(1, 8);
    w.add_double(2, 12.5);
    w.add_sint32(5, 3);
    w.add_double(6, 0.001);
    w.add_uint64(7, 2);
    w.add_message(12, span(-2, 1));
    w.add_message(12, span(4, 2));
    const std::vector<int64_t> deltas = {1, 2, -1};
    if (packed) {
      w.add_packed_sint64(13, deltas.begin(), deltas.end());
    } else {
      for (const int64_t delta : deltas) w.add_sint64(13, delta);
    }
    w.add_message(15, timestamp(100, 0));
    w.add_message(16, exemplar("n", 2, true));
  });
}

TEST(ProtobufExposition, NativeHistogramsComeBesideTheText) {
  for (const bool packed : {false, true}) {
    const Read r = read(family("h", 4, {native_metric(packed)}));
    ASSERT_TRUE(r.result) << r.result.error().message;
    EXPECT_EQ(r.out.text, "# TYPE h histogram\n# EOF\n");
    ASSERT_EQ(r.out.native.size(), 1U);
    const NativeHistogram& native = r.out.native[0];
    EXPECT_EQ(native.labels, (Labels{{"__name__", "h"}, {"l", "v"}}));
    EXPECT_EQ(native.value.schema, 3);
    EXPECT_EQ(native.value.count, 8);
    EXPECT_EQ(native.value.sum, 12.5);
    EXPECT_EQ(native.value.zero_threshold, 0.001);
    EXPECT_EQ(native.value.zero_count, 2);
    EXPECT_EQ(native.value.positive_spans, (std::vector<BucketSpan>{{-2, 1}, {4, 2}}));
    EXPECT_EQ(native.value.positive_buckets, (std::vector<double>{1, 3, 2}));
    EXPECT_EQ(native.created, 100'000);
    ASSERT_EQ(native.exemplars.size(), 1U);
    EXPECT_EQ(native.exemplars[0].labels, (Labels{{"trace_id", "n"}}));
    EXPECT_EQ(native.exemplars[0].timestamp, 1'500);
  }
}

TEST(ProtobufExposition, FloatCountsGoBeforeIntegerOnes) {
  const std::string metric = histogram_metric([](auto& w) {
    w.add_uint64(1, 1);
    w.add_double(4, 2.5);
    w.add_double(8, 0.5);
    w.add_message(9, span(0, 1));
    w.add_double(11, 2.0);
  });
  const Read r = read(family("h", 5, {metric}));
  ASSERT_TRUE(r.result) << r.result.error().message;
  ASSERT_EQ(r.out.native.size(), 1U);
  EXPECT_EQ(r.out.native[0].value.count, 2.5);
  EXPECT_EQ(r.out.native[0].value.zero_count, 0.5);
  EXPECT_EQ(r.out.native[0].value.negative_buckets, std::vector<double>{2.0});
  EXPECT_EQ(r.out.native[0].value.counter_reset_hint, CounterResetHint::kGauge);
}

TEST(ProtobufExposition, TheClassicFormBesideANativeOneIsAChoice) {
  const std::string body = family("h", 4, {native_metric(true)});
  const Read r = read(body, {.classic_beside_native = true});
  EXPECT_EQ(r.out.native.size(), 1U);
  EXPECT_TRUE(r.out.text.contains("h_count{l=\"v\"} 8\n"));
  EXPECT_TRUE(r.out.text.contains("h_bucket{l=\"v\",le=\"+Inf\"} 8\n"));
}

TEST(ProtobufExposition, RefusesWhatIsNone) {
  const std::string good = family("g", 1, {value_metric(2, 1)});
  const std::string spans = histogram_metric([](auto& w) { w.add_message(12, span(0, 2)); });
  const std::pair<std::string, std::string_view> cases[] = {
      {good.substr(0, good.size() - 1), "protobuf: a message is cut short"},
      {"\x02\x08", "protobuf: a message is cut short"},
      {std::string("\x01\xff", 2), "malformed protobuf: "},
      {"hello, this is text\n", "protobuf: a message is cut short"},
      {family("g", 9, {value_metric(2, 1)}), "protobuf: unknown metric type 9"},
      {family("", 1, {value_metric(2, 1)}), "protobuf: a metric family without a name"},
      {family("g", 1, {value_metric(2, 1, {label("a", "\xff")})}),
       "protobuf: the value of label a is not UTF-8"},
      {family("h", 4, {spans}), "h: native histogram: spans for 2 buckets, and 0 of them"}};
  for (const auto& [body, error] : cases) {
    const std::string text = text_of(body);
    EXPECT_TRUE(text.starts_with(fmt::format("error: {}", error))) << text;
  }
  EXPECT_EQ(text_of(""), "# EOF\n");
  EXPECT_EQ(text_of(family("empty", 1, {})), "# EOF\n") << "a family without metrics says nothing";
}

TEST(ProtobufExposition, TheContentTypeNamesIt) {
  EXPECT_TRUE(
      is_protobuf("application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; "
                  "encoding=delimited"));
  EXPECT_TRUE(is_protobuf("Application/vnd.google.protobuf"));
  EXPECT_FALSE(is_protobuf("text/plain"));
}

}  // namespace
}  // namespace strata::wire
