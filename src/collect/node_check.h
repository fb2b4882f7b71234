// What an agent on this machine would see, and what stands in the way of the rest: for `strata
// agent check`.
//
// Reads the machine as the collectors do, so that what it finds is what a scrape would. Takes about
// the GPUs' deadline at most.
#pragma once
#include <string>
#include <vector>

#include "collect/node.h"

namespace strata::collect {

struct Finding {
  enum class Kind : uint8_t { kGood, kNote, kProblem };
  Kind kind = Kind::kGood;
  std::string what;    // "GPU 0: NVIDIA H100 80GB HBM3, GPU-..."
  std::string remedy;  // empty when there is nothing to do
};

std::vector<Finding> check_node(const NodeOptions& options);

/// What to do about a reason that gpu_up gives; empty when there is no advice.
std::string remedy_for(std::string_view gpu_problem);

}  // namespace strata::collect
