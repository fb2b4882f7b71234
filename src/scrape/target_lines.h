// What TargetIngest remembers of a body's lines. Included by the files that implement it.
#pragma once
#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "scrape/target_ingest.h"
#include "scrape/text_pages.h"
#include "tsdb/id_table.h"

namespace strata::scrape {

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
    const char* at = nullptr;  // in `texts`
    uint32_t length = 0;
    tsdb::SeriesId id{};
    uint32_t place = 0;  // in `order`, of the last body that had it
    Fate fate = Fate::kStored;

    std::string_view text() const { return {at, length}; }
  };
  struct TextHash {
    const std::vector<Line>* lines;
    uint64_t operator()(uint32_t line) const { return hash64((*lines)[line].text()); }
  };
  Lines() = default;
  Lines(const Lines&) = delete;  // by_text refers to lines
  Lines& operator=(const Lines&) = delete;

  TextPages texts;
  std::vector<Line> lines;
  tsdb::IdTable<TextHash> by_text{TextHash{&lines}};

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
    return expected < order.size() ? lines[order[expected]].text() : std::string_view();
  }
  /// Its number; kNone: there is no such line.
  static constexpr uint32_t kNone = UINT32_MAX;
  uint32_t find(std::string_view text) const {
    return by_text.find(hash64(text), [&](uint32_t i) { return lines[i].text() == text; });
  }
  /// REQUIRES: there is no such line.
  uint32_t add(std::string_view text, tsdb::SeriesId id, Fate fate) {
    const auto number = static_cast<uint32_t>(lines.size());
    const std::string_view kept = texts.add(text);
    lines.push_back({kept.data(), static_cast<uint32_t>(kept.size()), id, 0, fate});
    by_text.insert(hash64(kept), number);
    return number;
  }
};

}  // namespace strata::scrape
