// Requests a second over loopback, server and client each on a loop of its own.
#include <benchmark/benchmark.h>

#include <future>

#include "net/http_client.h"
#include "net/http_server.h"

namespace strata::net {
namespace {

/// range(0): bytes of the body; range(1): requests in flight.
void fetch_over_keep_alive(benchmark::State& state) {
  Loop server_loop;
  Loop client_loop;
  const std::string body(static_cast<size_t>(state.range(0)), 'x');
  const auto server =
      HttpServer::start(server_loop, {}, [&](const std::shared_ptr<Exchange>& exchange) {
        exchange->respond(text_response(200, body));
      });
  server_loop.start();
  client_loop.start();
  HttpClient client(client_loop);
  const std::string url = "http://" + (*server)->address() + "/metrics";
  constexpr int kBatch = 2000;
  for (auto _ : state) {
    std::promise<void> all;
    int sent = 0;
    int done = 0;
    std::function<void(std::string)> next = [&](std::string buffer) {
      ++sent;
      client.fetch({.url = url, .accept_gzip = false, .body_buffer = std::move(buffer)},
                   [&](Result<ClientResponse> response) {
                     if (!response) state.SkipWithError(response.error().message.c_str());
                     if (++done == kBatch) return all.set_value();
                     if (sent < kBatch) next(response ? std::move(response->body) : "");
                   });
    };
    client_loop.post([&] {
      for (int64_t i = 0; i < state.range(1); ++i) next({});
    });
    all.get_future().get();
  }
  state.SetItemsProcessed(state.iterations() * kBatch);
}
BENCHMARK(fetch_over_keep_alive)
    ->ArgNames({"body", "in_flight"})
    ->Args({20, 1})
    ->Args({20, 32})
    ->Args({60'000, 1})
    ->Args({60'000, 32})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace strata::net
