// What the program `fleet` does, one function a word of its command line.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "base/regex.h"
#include "base/result.h"
#include "fleet/fleet.h"

namespace strata::bench {

struct ServeOptions {
  FleetOptions fleet;
  uint16_t port = 0;  // 0: a free one
  double interval_seconds = 1;
  int gzip_level = 6;  // of Go's and Python's exporters
};
/// Serves /t/N/metrics for every target N until it is killed. A fleet's step passes every
/// `interval_seconds` of real time, so that hours of scrapes fit into minutes without a timestamp
/// in the body. Prints "listening on PORT" when it does. Also:
///   /targets          [{"job": …, "instance": …, "lines": N}, …]
///   /gzip/on, /off    whether bodies are compressed for those who accept it (at first: off)
Result<> serve(const ServeOptions& options);

/// The samples of a stretch of time, which every store is given alike.
struct RecordingOptions {
  FleetOptions fleet;
  double hours = 2;
  /// Series to take, matched against `name{labels` as exported; none: all.
  std::optional<Regex> keep;
};

struct WriteOptions {
  RecordingOptions recording;
  std::string directory;  // gets 000.om and 000.prom, 001.om, …
  double hours_a_file = 2;
};
/// Writes the recording as OpenMetrics (for promtool) and as the text format with timestamps in
/// milliseconds (for VictoriaMetrics), and prints {"series": N, "samples": N}.
Result<> write(const WriteOptions& options);

struct StoreOptions {
  RecordingOptions recording;
  std::string path;  // a data directory of `strata serve`
};
/// Scrapes the recording into a store of Strata's, with its upkeep as time passes, reads everything
/// back, compares it bit for bit, and prints what it took as JSON.
Result<> store(const StoreOptions& options);

}  // namespace strata::bench
