#include <fmt/format.h>
#include <signal.h>

#include <cstdio>

#include "app/file_limit.h"
#include "app/gateway_commands.h"
#include "gateway/mock_engine.h"
#include "model/duration.h"

namespace strata::app {
namespace {

int wrong(const std::string& message) {
  fmt::print(stderr, "strata mock-engine: {}\n", message);
  return 2;
}

}  // namespace

int mock_engine(const MockEngineCommand& command) {
  const auto ttft = parse_duration(command.ttft);
  const auto itl = parse_duration(command.itl);
  if (!ttft || !itl) return wrong("--ttft and --itl are durations such as 150ms");
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);

  raise_file_limit();

  net::Loop loop("engine");
  auto engine = gateway::MockEngine::start(loop, {.listen = command.listen,
                                                  .models = command.models,
                                                  .ttft = *ttft,
                                                  .itl = *itl,
                                                  .tokens = command.tokens});
  if (!engine) {
    fmt::print(stderr, "strata mock-engine: {}\n", engine.error().message);
    return 1;
  }
  loop.start();
  fmt::print("mock engine \"{}\" answers at http://{}/v1\n", command.models.front(),
             (*engine)->address());
  std::fflush(stdout);
  int signal = 0;
  sigwait(&signals, &signal);
  engine->reset();
  loop.stop();
  return 0;
}

}  // namespace strata::app
