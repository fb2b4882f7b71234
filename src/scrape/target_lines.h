// What TargetIngest remembers of a body's lines. Included by the files that implement it.
#pragma once
#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "scrape/target_ingest.h"

namespace strata::scrape {

struct TextHash {
  using is_avalanching = void;
  size_t operator()(std::string_view text) const { return hash64(text); }
};

/// Adds the target's labels to a sample's. On a clash the target's win and the sample's is kept as
/// exported_<name>; with honor_labels the sample's win (Prometheus' mutateSampleLabels).
void add_target_labels(LabelsBuilder& labels, const Labels& target, bool honor_labels);

// What becomes of a line's samples.
enum class TargetIngest::Fate : uint8_t {
  kStored,
  kDropped,    // by metric relabelling
  kGuarded,    // dropped by the guard
  kFolded,     // by the guard: added up with those of the same series
  kConverted,  // a part of a classic histogram that is stored as a native one only
};

// The lines of the target's bodies: each text once, and in which order the last body had them.
struct TargetIngest::Lines {
  struct Line {
    std::string_view text;  // in `texts`
    tsdb::SeriesId id{};
    Fate fate = Fate::kStored;
    uint32_t place = 0;  // in `order`, of the last body that had it
  };

  std::deque<std::string> texts;
  std::vector<Line> lines;
  boost::unordered_flat_map<std::string_view, uint32_t, TextHash> by_text;

  std::vector<uint32_t> order;       // of the last body
  std::vector<uint32_t> next_order;  // of the body that is being read
  size_t expected = 0;               // place in `order` that the next sample should match
  bool as_last_time = true;          // so far every line was the expected one

  // Of lines that had exemplars: their series, as stored.
  boost::unordered_flat_map<uint32_t, Labels> with_exemplars;

  size_t guarded = 0;  // samples of this body
  size_t folded = 0;
  boost::unordered_flat_map<tsdb::SeriesId, size_t> folds;  // their columns of this row

  size_t stored() const {
    return static_cast<size_t>(std::ranges::count(lines, Fate::kStored, &Line::fate));
  }
  std::string_view hint() const {
    return expected < order.size() ? lines[order[expected]].text : std::string_view();
  }
};

}  // namespace strata::scrape
