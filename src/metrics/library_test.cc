// What the client library has beside counters, gauges and classic histograms: native histograms,
// exemplars, labels that are enumerations, protobuf, the endpoint, the request tracker, and that it
// can be installed and used by others.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <random>

#include "base/temp_dir.h"
#include "strata/metrics/http_endpoint.h"
#include "strata/metrics/request_tracker.h"

namespace strata::metrics {

enum class Outcome { kOk, kError };
enum class Phase { kPrefill, kDecode, kQueue };
template <>
struct EnumLabel<Outcome> {
  static constexpr Key key = "outcome";
  static constexpr std::array<std::string_view, 2> values = {"ok", "error"};
};
template <>
struct EnumLabel<Phase> {
  static constexpr Key key = "phase";
  static constexpr std::array<std::string_view, 3> values = {"prefill", "decode", "queue"};
};

namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;

/// The definition, in logarithms: a bucket's index by its upper bound.
int slow_index(double value, int schema) {
  const double parts = std::exp2(schema);
  int index = static_cast<int>(std::floor(std::log2(value) * parts)) - 1;
  while (std::exp2(index / parts) < value) ++index;
  return index;
}

TEST(NativeHistogram, IndexesAgreeWithTheDefinition) {
  std::mt19937_64 random(1);
  for (int schema = 0; schema <= 6; ++schema) {
    const detail::NativeShape shape({.schema = schema, .lowest = 0.0079, .highest = 127});
    ASSERT_EQ(shape.schema, schema);
    std::uniform_real_distribution<double> powers(-6.9, 6.9);
    for (int i = 0; i < 2000; ++i) {
      const double value = std::exp2(powers(random));
      ASSERT_EQ(shape.index_of(value), slow_index(value, schema)) << value << " " << schema;
    }
    for (int power = -6; power < 7; ++power) {
      const double bound = std::ldexp(1.0, power);
      ASSERT_EQ(shape.index_of(bound), power << schema);
      ASSERT_EQ(shape.index_of(std::nextafter(bound, 1e9)), (power << schema) + 1);
    }
  }
}

TEST(NativeHistogram, CountsEveryValueThereIs) {
  Registry registry;
  auto& histogram = registry.native_histogram("h_seconds", "H.", {.lowest = 0.001, .highest = 100});
  for (const double value : {0.0, 1e-9, -1e-9, 1.0, 1.0, 1.05, -3.0, 5000.0, std::nan("")}) {
    histogram.observe(value);
  }
  const auto value = histogram.value();
  EXPECT_THAT(value.positive, ElementsAre(Pair(0, 2), Pair(1, 1), Pair(99, 1)));
  EXPECT_THAT(value.negative, ElementsAre(Pair(13, 1)));
  EXPECT_EQ(value.zero_count, 3u);
  EXPECT_EQ(value.count, 9u);
  EXPECT_DOUBLE_EQ(value.sum, 5000.05);
}

TEST(NativeHistogram, IsAClassicOneInTextWithABucketForEachPowerOfTwo) {
  Registry registry;
  auto& histogram = registry.native_histogram("h", "H.", {.lowest = 0.25, .highest = 3});
  for (const double value : {0.1, 0.5, 0.6, 3.5, 9.0, -1.0}) histogram.observe(value);
  EXPECT_THAT(registry.text(), HasSubstr("# TYPE h histogram\n"
                                         "h_bucket{le=\"0.25\"} 2\nh_bucket{le=\"0.5\"} 3\n"
                                         "h_bucket{le=\"1\"} 4\nh_bucket{le=\"2\"} 4\n"
                                         "h_bucket{le=\"4\"} 5\nh_bucket{le=\"+Inf\"} 6\n"
                                         "h_sum 12.7\nh_count 6\n"));
}

TEST(NativeHistogram, ASchemaThatNeedsTooManyBucketsIsMadeCoarser) {
  EXPECT_EQ(detail::NativeShape({.schema = 6, .lowest = 1e-6, .highest = 1e6}).schema, 4);
  EXPECT_EQ(detail::NativeShape({.schema = 6, .lowest = 1e-300, .highest = 1e300}).schema, 0);
  EXPECT_EQ(detail::NativeShape({.schema = -5, .lowest = -1, .highest = -1}).schema, 0);
}

TEST(Exemplar, StandsBehindItsBucketAndItsCounter) {
  Registry registry;
  auto& counter = registry.counter("c_total", "C.");
  auto& histogram = registry.histogram("h", "H.", {1, 2});
  counter.inc(2, {{"trace_id", "a\"b\n"}});
  histogram.observe(1.5, {{"trace_id", "1"}, {"span_id", "2"}});
  histogram.observe(1.75, {{"trace_id", "3"}});
  histogram.observe(9, {{"trace_id", std::string(200, 'x')}});  // too long: counts, no exemplar
  const std::string text = registry.text(Format::kOpenMetrics);
  EXPECT_THAT(text, HasSubstr("c_total 2 # {trace_id=\"a\\\"b\\n\"} 2 1"));
  EXPECT_THAT(text, HasSubstr("h_bucket{le=\"2.0\"} 2 # {trace_id=\"3\"} 1.75 1"));
  EXPECT_THAT(text, HasSubstr("h_bucket{le=\"+Inf\"} 3\n"));
  EXPECT_THAT(registry.text(), Not(HasSubstr("#  {")));
  EXPECT_THAT(registry.text(), HasSubstr("c_total 2\n"));
}

TEST(Exemplar, ManyThreadsLeaveAWholeOne) {
  Registry registry;
  auto& counter = registry.counter("c_total", "C.");
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        const std::string id(40, static_cast<char>('a' + t));
        for (int i = 0; i < 2000; ++i) counter.inc(1, {{"trace_id", id}});
      });
    }
    for (int i = 0; i < 50; ++i) {
      const std::string text = registry.text(Format::kOpenMetrics);
      const size_t at = text.find("trace_id=\"");
      if (at == text.npos) continue;
      const std::string id = text.substr(at + 10, 40);
      EXPECT_EQ(id, std::string(40, id[0]));
    }
  }
  EXPECT_EQ(counter.value(), 8000u);
}

TEST(EnumFamily, HasAllItsSeriesFromTheStart) {
  Registry registry;
  auto& requests = registry.enum_counter<Outcome, Phase>("r_total", "R.");
  requests.with(Outcome::kError, Phase::kDecode).inc(3);
  requests.with(static_cast<Outcome>(9), Phase::kQueue).inc();  // outside: the last one
  EXPECT_THAT(registry.text(), HasSubstr("r_total{outcome=\"ok\",phase=\"prefill\"} 0\n"
                                         "r_total{outcome=\"ok\",phase=\"decode\"} 0\n"
                                         "r_total{outcome=\"ok\",phase=\"queue\"} 0\n"
                                         "r_total{outcome=\"error\",phase=\"prefill\"} 0\n"
                                         "r_total{outcome=\"error\",phase=\"decode\"} 3\n"
                                         "r_total{outcome=\"error\",phase=\"queue\"} 1\n"));
  auto& again = registry.enum_counter<Outcome, Phase>("r_total", "R.");
  EXPECT_EQ(&again, &requests);
  registry.enum_gauge<Phase>("g", "G.").with(Phase::kQueue).set(2);
  registry.enum_histogram<Phase>("h", "H.").with(Phase::kQueue).observe(2);
  EXPECT_THAT(registry.text(), HasSubstr("g{phase=\"queue\"} 2\n"));
}

TEST(Negotiate, PrefersWhatTheScrapePrefers) {
  const std::string_view proto =
      "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";
  EXPECT_EQ(negotiate(std::string(proto) + ";q=0.6,text/plain;q=0.3"), Format::kProtobuf);
  EXPECT_EQ(negotiate(std::string(proto) + ";q=0.6,text/plain;q=0.3", false), Format::kText);
  EXPECT_EQ(negotiate(std::string(proto) + ";q=0.2,text/plain;q=0.3"), Format::kText);
  EXPECT_EQ(negotiate("application/vnd.google.protobuf"), Format::kText);
}

// --- the endpoint --------------------------------------------------------------------------------

std::string ask(uint16_t port, std::string_view request) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(::send(fd, request.data(), request.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(request.size()));
  ::shutdown(fd, SHUT_WR);
  std::string answer;
  char piece[4096];
  for (ssize_t got = 0; (got = ::recv(fd, piece, sizeof piece, 0)) > 0;) {
    answer.append(piece, static_cast<size_t>(got));
  }
  ::close(fd);
  return answer;
}

TEST(HttpEndpoint, ServesMetricsInTheFormatThatIsAskedFor) {
  Registry registry;
  registry.counter("c_total", "C.").inc(7);
  auto endpoint = HttpEndpoint::start({.registry = &registry});
  ASSERT_TRUE(endpoint) << endpoint.error;
  const uint16_t port = endpoint.endpoint->port();
  EXPECT_THAT(ask(port, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"), HasSubstr("\r\n\r\n# HELP"));
  const std::string open =
      ask(port, "GET /metrics?x=1 HTTP/1.1\r\nACCEPT: application/openmetrics-text;q=1\r\n\r\n");
  EXPECT_THAT(open, HasSubstr("Content-Type: application/openmetrics-text"));
  EXPECT_TRUE(open.ends_with("# EOF\n"));
  EXPECT_TRUE(ask(port, "HEAD /metrics HTTP/1.1\r\n\r\n").ends_with("\r\n\r\n"));
  EXPECT_THAT(ask(port, "GET / HTTP/1.1\r\n\r\n"), HasSubstr("404"));
  EXPECT_THAT(ask(port, "POST /metrics HTTP/1.1\r\n\r\n"), HasSubstr("405"));
  EXPECT_THAT(ask(port, "GET /metrics HTTP/1.1\r\nX: " + std::string(20'000, 'x')),
              HasSubstr("431"));
  EXPECT_EQ(ask(port, "GET"), "");
}

TEST(HttpEndpoint, SaysWhyItCannotListen) {
  Registry registry;
  auto first = HttpEndpoint::start({.registry = &registry});
  ASSERT_TRUE(first);
  const auto second = HttpEndpoint::start({.port = first.endpoint->port(), .registry = &registry});
  EXPECT_THAT(second.error, HasSubstr("bind"));
  EXPECT_FALSE(HttpEndpoint::start({.address = "nowhere", .registry = &registry}));
}

// --- the tracker ---------------------------------------------------------------------------------

std::chrono::steady_clock::time_point now;
void pass(std::chrono::milliseconds time) { now += time; }

class RequestTrackerTest : public testing::Test {
 protected:
  RequestTracker begin(std::string_view model = "m") {
    return RequestTracker(metrics_, model, "/v1/chat/completions", "t", [] { return now; });
  }
  std::string text() { return registry_.text(); }
  Registry registry_;
  RequestMetrics metrics_{registry_, {.models = {"m"}, .max_tenants = 1}};
};

TEST_F(RequestTrackerTest, MeasuresAStream) {
  {
    RequestTracker first = begin();
    EXPECT_THAT(text(), HasSubstr("app_concurrent_requests{model_name=\"m\"} 1\n"));
    pass(std::chrono::milliseconds(200));
    first.token();
    RequestTracker request = std::move(first);  // as when it goes into a coroutine
    for (int i = 0; i < 9; ++i) {
      pass(std::chrono::milliseconds(10));
      request.token();
    }
    request.usage({.input = 30, .output = 10, .cached = 20});
    pass(std::chrono::milliseconds(10));
    request.ok();
  }
  const std::string labels = "{model_name=\"m\",endpoint=\"/v1/chat/completions\",tenant_id=\"t\"}";
  EXPECT_THAT(text(), HasSubstr("app_time_to_first_token_seconds_sum" + labels + " 0.2\n"));
  EXPECT_THAT(text(), HasSubstr("app_time_per_output_token_seconds_sum" + labels + " 0.01\n"));
  EXPECT_THAT(text(), HasSubstr("app_request_duration_seconds_sum" + labels + " 0.3\n"));
  EXPECT_THAT(text(), HasSubstr("app_output_tokens_total{model_name=\"m\",tenant_id=\"t\"} 10\n"));
  EXPECT_THAT(text(), HasSubstr("app_input_tokens_total{model_name=\"m\",tenant_id=\"t\"} 30\n"));
  EXPECT_THAT(text(),
              HasSubstr("app_cached_input_tokens_total{model_name=\"m\",tenant_id=\"t\"} 20\n"));
  EXPECT_THAT(text(), HasSubstr("app_concurrent_requests{model_name=\"m\"} 0\n"));
  EXPECT_THAT(text(), HasSubstr("outcome=\"ok\"} 1\n"));
}

TEST_F(RequestTrackerTest, ObservesWhateverHappens) {
  {
    RequestTracker cancelled = begin();
    cancelled.token(5);
  }
  try {
    RequestTracker failed = begin();
    throw std::runtime_error("x");
  } catch (const std::runtime_error&) {
  }
  begin().status(429);
  begin().status(504);
  begin().status(404);
  for (const char* outcome :
       {"client_cancel", "upstream_error", "rate_limited", "upstream_timeout", "invalid"}) {
    EXPECT_THAT(text(), HasSubstr(std::string("outcome=\"") + outcome + "\"} 1\n"));
  }
  EXPECT_THAT(text(), HasSubstr("error_type=\"client_cancel\",http_status=\"499\"} 1\n"));
  EXPECT_THAT(text(), HasSubstr("app_output_tokens_total{model_name=\"m\",tenant_id=\"t\"} 5\n"));
  EXPECT_THAT(text(), HasSubstr("app_request_duration_seconds_count{model_name=\"m\","
                                "endpoint=\"/v1/chat/completions\",tenant_id=\"t\"} 5\n"));
  EXPECT_THAT(text(), HasSubstr("app_concurrent_requests{model_name=\"m\"} 0\n"));
}

TEST_F(RequestTrackerTest, WhatClientsWriteMintsNoLabels) {
  begin("typo").ok();
  RequestTracker(metrics_, "m", "/v1/embeddings", "second").ok();
  EXPECT_THAT(text(), Not(HasSubstr("\"typo\"")));
  EXPECT_THAT(text(), Not(HasSubstr("\"second\"")));
  EXPECT_THAT(text(), HasSubstr("model_name=\"other\",tenant_id=\"t\""));
}

// --- others use it -------------------------------------------------------------------------------

bool runs(const std::string& command) {
  return std::system((command + " >/dev/null 2>&1").c_str()) == 0;  // NOLINT(cert-env33-c)
}

// Installs the package, then builds the examples against it with find_package, with g++.
TEST(Package, IsFoundByCMakeAndBuildsWithGcc) {
  if (!runs("g++ --version") || !runs("cmake --version")) GTEST_SKIP() << "no g++ or cmake here";
  TempDir dir;
  const std::string prefix = dir.file("prefix");
  const auto quoted = [&](const std::string& name) { return "'" + dir.file(name) + "'"; };
  EXPECT_TRUE(runs("cmake -S include -B " + quoted("package") +
                   " -DCMAKE_CXX_COMPILER=g++ -DCMAKE_INSTALL_PREFIX='" + prefix + "'"));
  EXPECT_TRUE(runs("cmake --install " + quoted("package")));
  EXPECT_TRUE(runs("cmake -S examples/metrics -B " + quoted("consumer") +
                   " -DCMAKE_CXX_COMPILER=g++ -DCMAKE_PREFIX_PATH='" + prefix + "'"));
  EXPECT_TRUE(runs("cmake --build " + quoted("consumer")));
  EXPECT_TRUE(runs(quoted("consumer/tracker")));
}

}  // namespace
}  // namespace strata::metrics
