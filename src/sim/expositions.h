// What each program of the fleet would answer a scrape with: names, labels, types and buckets as
// the real ones have them (catalog/*.yaml cites where they come from). Each appends to `out`;
// nothing is simulated here.
#pragma once
#include <string>

#include "sim/fleet.h"

namespace strata::sim {

/// Of engine `index` of the node, in its dialect. Empty when its process is down.
void append_engine(std::string& out, const Node& node, size_t index);
void append_vllm(std::string& out, const Engine& engine);
/// vLLM 0.7: the V0 engine with the names of its day.
void append_vllm_07(std::string& out, const Engine& engine);
void append_sglang(std::string& out, const Engine& engine);

/// dcgm-exporter 4.8 with its default counters and those that people add.
void append_dcgm(std::string& out, const Node& node);
/// node_exporter 1.12: the families that dashboards and alerts read.
void append_node(std::string& out, const Node& node, double unix_now);
/// `strata agent`: canonical gpu_* and which engine runs where.
void append_agent(std::string& out, const Node& node);
/// Only what no other exporter has: topology, and Xids counted. For a fleet that has dcgm-exporter.
void append_topology(std::string& out, const Node& node);
/// The gateway before all engines. REQUIRES: the nodes are at one time.
void append_gateway(std::string& out, const Fleet& fleet);

/// The name that an engine serves its model under: another one after a deploy.
std::string served_model(const Engine& engine);

}  // namespace strata::sim
