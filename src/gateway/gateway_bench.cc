// What reading in passing costs: a prompt of 10 MB, a stream's events, a head.
#include <benchmark/benchmark.h>

#include <string>

#include "gateway/http_head.h"
#include "gateway/meter.h"
#include "gateway/sse_relay.h"
#include "gateway/usage_request.h"

namespace strata::gateway {
namespace {

constexpr size_t kBody = size_t{10} << 20;
constexpr size_t kRead = size_t{256} << 10;

/// A prompt with one long string: an image, or a document.
std::string image_prompt() {
  return R"({"model":"m","messages":[{"role":"user","content":")" + std::string(kBody, 'A') +
         R"("}],"stream":true})";
}

/// A conversation in many short messages with escapes.
std::string chat_prompt() {
  std::string body = R"({"model":"m","messages":[)";
  while (body.size() < kBody) {
    body +=
        R"({"role":"user","content":"What does \"this\" say?\nA line of some length, and more."},)";
  }
  body.back() = ']';
  return body + R"(,"stream":true})";
}

/// Token ids.
std::string token_prompt() {
  std::string body = R"({"model":"m","prompt":[)";
  while (body.size() < kBody) body += "12345, 678, ";
  body += "1]";
  return body + R"(,"stream":true})";
}

void scan(benchmark::State& state, const std::string& body) {
  for (auto _ : state) {
    BodyScanner scanner(kPrompt);
    for (size_t at = 0; at < body.size(); at += kRead) {
      scanner.feed(std::string_view(body).substr(at, kRead));
    }
    benchmark::DoNotOptimize(scanner[kStream].value.data());
    if (!scanner.whole()) state.SkipWithError("not whole");
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * body.size()));
}
BENCHMARK_CAPTURE(scan, image, image_prompt());
BENCHMARK_CAPTURE(scan, chat, chat_prompt());
BENCHMARK_CAPTURE(scan, token_ids, token_prompt());

void relay(benchmark::State& state, SseRelay::Options options) {
  const std::string event =
      R"(data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"m",)"
      R"("choices":[{"index":0,"delta":{"content":"word "},"logprobs":null,"finish_reason":null}],)"
      R"("usage":{"prompt_tokens":8,"total_tokens":9,"completion_tokens":1}})"
      "\n\n";
  SseRelay stream(options);
  for (auto _ : state) benchmark::DoNotOptimize(stream.feed(event).data());
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
}
BENCHMARK_CAPTURE(relay, as_it_is, SseRelay::Options{});
BENCHMARK_CAPTURE(relay, stripped,
                  SseRelay::Options{
                      .strip_frame = true, .strip_members = true, .strip_null_usage = true});

void head(benchmark::State& state) {
  const std::string text =
      "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nAccept-Encoding: gzip\r\n"
      "Connection: keep-alive\r\nAccept: application/json\r\nContent-Type: application/json\r\n"
      "User-Agent: OpenAI/Python 2.8.0\r\nAuthorization: Bearer sk-0123456789abcdef\r\n"
      "X-Stainless-Lang: python\r\nX-Stainless-OS: Linux\r\nContent-Length: 1024\r\n\r\n";
  RequestHead parsed;
  for (auto _ : state) {
    const bool fault = parse_request_head(text, parsed).has_value();
    benchmark::DoNotOptimize(fault);
  }
}
BENCHMARK(head);

RequestRecord small_request() {
  RequestRecord row;
  row.model = "m";
  row.tenant = "t";
  row.endpoint = "/v1/chat/completions";
  row.upstream = "u";
  row.outcome = Outcome::kOk;
  row.status = 200;
  row.usage_source = UsageSource::kFinal;
  row.usage = {.input = 200, .output = 200, .has_input = true, .has_output = true};
  row.duration = row.ttfb = std::chrono::milliseconds(1);
  return row;
}

/// What metering adds to a request of 1 KB: tenant, series, the body's scan and the answer's.
void meter(benchmark::State& state) {
  static metrics::Registry registry;
  Meter meter(50, registry);
  const std::string body =
      R"({"model":"m","messages":[{"role":"user","content":")" + std::string(900, 'x') + R"("}]})";
  const RequestRecord row = small_request();
  TimestampMs now = 0;
  for (auto _ : state) {
    BodyScanner scanner(kPrompt);
    scanner.feed(body);
    const std::string tenant = meter.tenant_label(row.tenant, ++now);
    meter.record(row, meter.model_label(row.model, true), tenant);
    benchmark::DoNotOptimize(scanner[kModel].value.data());
  }
}
BENCHMARK(meter);

}  // namespace
}  // namespace strata::gateway
