// `strata sim`: a fleet that is not there, to try Strata on. Returns the process' exit code and
// prints what a person should read.
#pragma once
#include <string>

#include "sim/fleet.h"

namespace strata::app {

struct SimCommand {
  sim::FleetOptions fleet;
  std::string listen = "127.0.0.1:9500";
  std::string scenario_file;
  double speed = 1;
  bool list = false;
  bool print_config = false;
};

/// Until SIGINT or SIGTERM; with list or print_config it prints that and returns.
int simulate(const SimCommand& command);

/// The table of faults, for docs/sim.md.
int sim_doc();

}  // namespace strata::app
