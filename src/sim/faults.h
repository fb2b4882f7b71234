// The faults that can be scripted: what each is called, which cause of the knowledge base it is the
// ground truth for, and what it changes. One table; `strata sim --list` and docs/sim.md print it.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "sim/node.h"

namespace strata::sim {

/// Where a fault strikes. -1: every one.
struct Place {
  int node = 0;
  int engine = 0;
  int gpu = 0;
};

/// A fault at one moment.
struct Moment {
  Place place;
  double severity = 1;  // 0 to 1
  double age = 0;       // seconds since its onset
  double left = 0;      // until its end
};

struct FaultKind {
  std::string_view name;
  int cause = 0;  // the row of the knowledge base; 0: none of them
  std::string_view what;
  std::string_view evidence;  // what shows it
  void (*apply)(const Moment&, NodeConditions&) = nullptr;
  /// What it did stays after its end: a deploy.
  bool lasts = false;
};

std::span<const FaultKind> fault_kinds();
const FaultKind* find_fault_kind(std::string_view name);

}  // namespace strata::sim
