#include "app/sim_command.h"

#include <signal.h>

#include <cstdio>

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "sim/service.h"

namespace strata::app {
namespace {

int list_faults() {
  for (const sim::FaultKind& kind : sim::fault_kinds()) {
    fmt::print("{:<22} {}\n{:<22}   shows as: {}\n", kind.name, kind.what, "", kind.evidence);
  }
  return 0;
}

Result<sim::Scenario> read_scenario(const std::string& file) {
  if (file.empty()) return sim::Scenario();
  const auto text = TRY(real_fs().read_file(file));
  auto scenario = TRY(sim::Scenario::parse(text, file));
  scenario.delay(sim::Service::kWarmUp);
  return scenario;
}

Result<std::unique_ptr<sim::Service>> start(net::Loop& loop, const SimCommand& command) {
  if (!(command.speed > 0 && command.speed <= 10'000)) {
    return bad_data("--speed is above 0 and at most 10000");
  }
  auto scenario = TRY(read_scenario(command.scenario_file));
  sim::FleetOptions options = command.fleet;
  options.start_unix = static_cast<double>(real_clock().now_ms()) / 1000 - sim::Service::kWarmUp;
  auto fleet = TRY(sim::Fleet::create(std::move(options), std::move(scenario)));
  return sim::Service::start(loop, {.listen = command.listen, .speed = command.speed},
                             std::move(fleet), real_clock());
}

}  // namespace

int simulate(const SimCommand& command) {
  if (command.list) return list_faults();
  if (command.print_config) {
    fmt::print("{}", sim::prometheus_config(command.listen));
    return 0;
  }
  configure_logging(LogLevel::kInfo, LogFormat::kLogfmt);
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);

  net::Loop loop;
  {
    const auto service = start(loop, command);
    if (!service) {
      fmt::print(stderr, "strata sim: {}\n", service.error().message);
      return 1;
    }
    loop.start();
    log_info("the simulated fleet is ready",
             {{"address", (*service)->address()}, {"nodes", std::to_string(command.fleet.nodes)}});
    int signal = 0;
    sigwait(&signals, &signal);
  }
  loop.stop();
  return 0;
}

int sim_doc() {
  fmt::print("| fault | cause | what happens | what shows it |\n|---|---|---|---|\n");
  for (const sim::FaultKind& kind : sim::fault_kinds()) {
    fmt::print("| `{}` | {} | {} | {} |\n", kind.name,
               kind.cause == 0 ? "" : std::to_string(kind.cause), kind.what, kind.evidence);
  }
  return 0;
}

}  // namespace strata::app
