// What every engine and exporter calls things, and what Strata calls them.
//
// The catalog is data (catalog/*.yaml): a file for each engine or exporter with the metrics that it
// exposes, their types, units, ranges and versions, and the canonical metrics (canonical.yaml) that
// they become. Nothing outside the catalog knows an engine's spelling: the scrape pipeline asks for
// canonical series (translate.h), the linter and `strata catalog` for what is known of a name.
//
// Values. Made once by parse() and read by any thread. Bounded by the YAML limits and kMaxSources.
#pragma once
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/fs.h"
#include "base/regex.h"
#include "base/result.h"
#include "model/metadata.h"

namespace strata::catalog {

/// What kind of thing exposes the metrics.
enum class Layer : uint8_t { kGpu, kEngine, kApp };
std::string_view to_string(Layer layer);

/// How the values of several raw series that become one canonical series are combined.
enum class Fold : uint8_t {
  kFirst,  // the first in the body counts
  kSum,    // those of one raw family are added
  kMax,
  kTotal,  // those of all families that say so are added: used and free memory to total
};

/// Which series of a raw family a mapping takes.
enum class Part : uint8_t {
  kAll,    // a histogram stays a histogram: _bucket, _sum and _count
  kSum,    // its _sum, as a counter
  kCount,  // its _count, as a counter
};

/// One canonical metric that a raw one becomes.
struct Mapping {
  std::string name;
  Part part = Part::kAll;
  /// Labels that must match as a whole for the mapping to apply; a missing label is "".
  std::vector<std::pair<std::string, Regex>> when;
  double factor = 1;
  /// The value whatever the raw one is: for canonical info metrics.
  std::optional<double> constant;
  /// Labels whose values, as numbers, are factors too: an info metric's block_size.
  std::vector<std::string> product;
  /// Not 0: the value is a set of flags, and the canonical value 1 where one of these is set.
  uint64_t bits = 0;
  std::vector<std::pair<std::string, std::string>> rename;  // label -> label
  std::vector<std::pair<std::string, std::string>> set;     // label -> value
  std::vector<std::string> drop;
  Fold fold = Fold::kFirst;
};

/// One raw metric family, under the name that its # TYPE line has (for a counter the name of its
/// samples, with _total).
struct Metric {
  std::string name;
  MetricType type = MetricType::kUnknown;
  std::string unit;  // one of units()
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  std::string since;  // the version that first had it; "" when it always did or nobody knows
  std::string until;  // the first version without it; "" while it is still there
  /// The name that took over, raw or an expression; of a removed or deprecated metric.
  std::string replaced_by;
  std::vector<std::string> labels;  // its own, beside its source's
  /// Values that a label can have, where they are a closed list.
  std::vector<std::pair<std::string, std::vector<std::string>>> values;
  std::string enable;  // what has to be switched on for it to be there at all
  std::string beware;  // how it is commonly misread
  /// `type` is what it is; its # TYPE line says another (a counter that falls, a gauge that only
  /// grows).
  bool mistyped = false;
  /// Keeps its last value for ever: an alert on it never resolves.
  bool sticky = false;
  /// Largest finite bucket of a histogram; 0: not known. No quantile is beyond it.
  double last_bucket = 0;
  std::string note;
  std::string from;  // file and version upstream, where it differs from the source's
  std::vector<Mapping> to;
  uint32_t line = 0;  // in its file
};

/// An engine or exporter.
struct Source {
  std::string kind;   // "vllm": the value of engine_kind
  std::string title;  // "vLLM"
  Layer layer = Layer::kEngine;
  std::string endpoint;             // where it answers by default: ":8000/metrics"
  std::string from;                 // files and versions that the list was read from
  std::vector<std::string> detect;  // names that give it away; with '*' at the end, a prefix
  /// Kinds that are not translated where this one is found: a router that repeats engines' series.
  std::vector<std::string> excludes;
  std::string note;
  std::vector<std::string> labels;  // on all of its metrics
  std::vector<std::pair<std::string, std::string>> rename;
  std::vector<std::string> drop;
  std::vector<Metric> metrics;
  std::string file;
};

struct CanonicalMetric {
  std::string name;
  MetricType type = MetricType::kUnknown;
  std::string unit;
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  std::vector<std::string> labels;  // beside the target's and those of kJoinLabels
  std::string help;
};

/// A file's name (for messages) and its text.
struct CatalogFile {
  std::string name;
  std::string text;
};

struct Likeness;  // reader.h

/// An entry and whose it is. The pointers live as long as the catalog.
struct Found {
  const Source* source = nullptr;
  const Metric* metric = nullptr;
  /// "", "_bucket", "_sum", "_count": what the series' name has beyond the family's.
  std::string_view suffix;
};

class Catalog {
 public:
  /// Reads and checks the files together, in any order. A source's file given twice: the later one
  /// replaces the earlier (how a user overrides what is built in). Error: kBadData as
  /// "file:line:column: what".
  static Result<Catalog> parse(std::span<const CatalogFile> files);
  /// What is built into the binary. Its validity is a test's business.
  static const Catalog& builtin();

  std::span<const Source> sources() const { return sources_; }
  std::span<const CanonicalMetric> canonical() const { return canonical_; }
  const Source* find_source(std::string_view kind) const;
  const CanonicalMetric* find_canonical(std::string_view name) const;
  /// Every entry that has a series of this name: of several engines perhaps, or of several
  /// versions of one.
  std::vector<Found> find(std::string_view series_name) const;
  /// The raw or canonical family that is `name` but for ':' and '_' and the case of letters; ""
  /// when there is none. One that is still there before one that is gone.
  std::string_view same_but_for_spelling(std::string_view name) const;
  /// Raw and canonical family names that look like `name`, nearest first, at most `most`.
  std::vector<std::string> nearest(std::string_view name, size_t most) const;
  /// Bit i: sources()[i] gives itself away by having a metric of this name.
  uint64_t detect(std::string_view series_name) const;
  /// Bit i: sources()[i] is not to be translated where `detected` are found.
  uint64_t excluded(uint64_t detected) const;

  static constexpr size_t kMaxSources = 64;

 private:
  struct Place {
    uint32_t source = 0;
    uint32_t metric = 0;
  };

  Result<> check() const;
  Result<> add_likeness(const Likeness& like, Source& source) const;
  void index();

  std::vector<Source> sources_;
  std::vector<CanonicalMetric> canonical_;
  std::multimap<std::string, Place, std::less<>> by_name_;
  std::map<std::string, std::string, std::less<>> by_folded_;  // folded() -> name
  std::map<std::string, uint64_t, std::less<>> exact_;
  std::vector<std::pair<std::string, uint64_t>> prefixes_;
  std::vector<uint64_t> excludes_;
};

/// What is built in, and the files on top of it. Errors: as parse(), and the file system's.
Result<std::shared_ptr<const Catalog>> load_catalog(std::span<const std::string> paths, Fs& fs);

/// The files that are built into the binary.
std::span<const CatalogFile> builtin_files();

/// "seconds", "tokens", "ratio", …: what `unit` may be.
std::span<const std::string_view> units();

/// Labels that join the three layers; every canonical series may have them.
inline constexpr std::string_view kJoinLabels[] = {"job",  "instance",  "node", "model_name",
                                                   "uuid", "tenant_id", "gpu"};

/// The name of a series' family when it is one of a histogram or summary of that name:
/// "a_bucket" -> "a"; "" when the name has no such suffix.
std::string_view without_suffix(std::string_view series_name);

}  // namespace strata::catalog
