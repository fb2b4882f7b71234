// What the command line can do with a store's directory while no server runs on it: bring data in,
// take it out, look at it, check it; and ask a running server about its series. Each returns the process' exit code.
#pragma once
#include <string>
#include <vector>

namespace strata::app {

inline constexpr const char* kDefaultStore = "data";

/// `dir`: a block of Prometheus or a data directory with blocks.
int import_prometheus(const std::string& dir, const std::string& store);
int import_text(const std::vector<std::string>& files, const std::string& store);

struct ExportCommand {
  std::string store = kDefaultStore;
  std::string out;
  std::string min_time;  // Unix seconds or RFC 3339; empty: the first sample
  std::string max_time;  // empty: the last sample
  std::string match;     // a series selector; empty: all series
};
int export_prometheus(const ExportCommand& command);

/// These read a store's blocks, also while a server runs on them.
int tsdb_list(const std::string& store);
int tsdb_analyze(const std::string& store, size_t limit);
/// Asks the server at `url` what its series are made of and which labels grow.
int tsdb_cardinality(std::string url, size_t limit);
/// Checks every checksum and decodes every tile; 1 when something is damaged.
int tsdb_verify(const std::string& store);
/// While no server runs on the store: says what is damaged, saves what can be saved, keeps what was
/// damaged beside as NAME.damaged. 0 when all is well or could be saved whole, else 1.
int tsdb_repair(const std::string& store);
/// Writes and reads for some seconds in a directory of its own below `dir`, and says how fast the
/// store is on that disk.
int tsdb_bench(const std::string& dir);

}  // namespace strata::app
