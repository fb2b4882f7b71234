// What is different from normal at one moment, for each part of a node. Faults (faults.h) write
// these; the physics (engine.h, gpu.h, host.h) and the expositions read them and know of no fault.
// The defaults are a healthy fleet. Values.
#pragma once
#include <cstdint>
#include <string>

namespace strata::sim {

struct EngineConditions {
  // What is asked of it.
  double arrivals = 1;     // factor of the request rate
  double prompt = 1;       // factor of prompts' lengths
  double output = 1;       // factor of outputs' lengths
  double giant_share = 0;  // share of prompts that are giant_tokens long
  double giant_tokens = 0;
  double hit = 1;            // factor of the prefix cache's hit probability
  double noisy_share = 0;    // share of requests that are tenant 0's, beyond its usual part
  double abort_share = 0;    // clients that leave in the middle
  double refused_share = 0;  // requests that HTTP refuses with 4xx
  double length_share = 0;   // more outputs that end at max_tokens
  double error_share = 0;    // requests that the engine ends with an error of its own
  // How it works.
  bool down = false;         // no process
  bool hung = false;         // a process that schedules nothing
  bool loading = false;      // a process that has no weights yet
  bool asleep = false;       // weights offloaded
  double max_seqs = 1;       // factor of max_num_seqs
  double kv = 1;             // factor of the KV cache's capacity
  double stall = 0;          // seconds that each step waits for the host
  double communication = 0;  // seconds that each step waits for its peers
  double frontend = 0;       // seconds in the API server before the engine sees a request
  double proxy = 0;          // seconds between client and API server
  double acceptance = 1;     // factor of speculative decoding's acceptance
  double kv_transfer = 0;  // seconds that a prompt's KV takes from its prefill engine, beyond usual
  double deferred = 0;     // requests held back for adapters or grammars
  double clock = 1;        // of its slowest GPU; the node sets it
  // How it appears.
  uint32_t version = 0;   // of what is deployed; a change restarts the process
  uint32_t restarts = 0;  // a change restarts the process, its counters too
  uint32_t churn = 0;     // labels that come and go
};

struct GpuConditions {
  double cooling = 1;          // factor of the thermal resistance
  double inlet = 0;            // kelvins above normal
  double power_cap = 0;        // watts; 0: the board's limit
  bool brake = false;          // the power brake, from outside
  double clock_limit = 1;      // a GPU that is slow and says nothing
  double correctable = 0;      // ECC errors a second
  double remapped = 0;         // rows remapped a second
  bool remap_pending = false;  // rows wait for a reset to be replaced
  bool remap_failed = false;
  double leaked = 0;         // share of the memory that something takes beside the engine
  double nvlink_errors = 0;  // a second
  double nvlink = 1;         // factor of NVLink bandwidth
  int pcie_width = 16;
  double pcie_replays = 0;    // a second
  uint32_t xid = 0;           // the last code seen; kept after the fault has ended
  bool lost = false;          // off the bus
  bool no_profiling = false;  // DCGM_FI_PROF_* read 0
};

struct HostConditions {
  double busy = 0;    // more CPU use, as a share of all cores
  double steal = 0;   // share of all cores
  double memory = 0;  // share of the memory that something takes
  bool oom = false;
  double disk_fill = 0;      // share of the disk's free space that is gone
  double inodes_gone = 0;    // share of the free inodes
  bool read_only = false;    // the root file system
  double io_stall = 0;       // share of the time in which all work waits for disks
  double disk_read = 0;      // bytes a second
  double download = 0;       // bytes a second
  double packet_loss = 0;    // share of packets dropped
  double fabric_errors = 0;  // InfiniBand symbol errors a second
  double clock_skew = 0;     // seconds
};

/// How a target of a node answers.
struct TargetConditions {
  bool engine_hangs = false;  // takes a scrape and says nothing
  bool gpu_hangs = false;
  bool gpu_down = false;
  bool gpu_gone = false;   // discovery does not list it any more
  double gpu_seconds = 0;  // that an answer takes
  double gpu_late = 0;     // seconds that its samples are old, which they say of themselves
  bool gpu_twice = false;  // every sample stands in its body twice
  bool node_down = false;
};

}  // namespace strata::sim
