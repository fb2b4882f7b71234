// When counters of a body began to count, as its <name>_created lines say: for
// created-timestamp-zero-ingestion, which stores a zero there, so that the first value counts as an
// increase.
//
// It remembers which line belongs to which _created line. Owned by a TargetIngest, used by one
// thread. Bound: 16 bytes a line; TargetIngest starts it anew when lines come and go.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "model/labels.h"
#include "model/metadata.h"

namespace strata::scrape {

class CreatedTimes {
 public:
  enum class Role : uint8_t {
    kNone,    // a gauge, or of no family
    kMember,  // counts since its family's _created
    kMark,    // is that line, and no sample of its own
  };
  /// For a line that the bodies did not have before; `labels` as the body has them.
  Role attach(uint32_t line, std::string_view family, MetricType type, const LabelsBuilder& labels);
  /// The value of a kMark line: seconds.
  void note(uint32_t line, double value);

  struct Beginning {
    uint32_t line = 0;
    TimestampMs t = 0;
  };
  /// The members among `lines` whose beginning is another than in the body before.
  std::vector<Beginning> changed(std::span<const uint32_t> lines);

 private:
  static constexpr uint32_t kNone = UINT32_MAX;
  struct Line {
    uint32_t group = kNone;
    bool is_mark = false;
    TimestampMs last = 0;
  };
  std::vector<Line> lines_;
  std::vector<TimestampMs> groups_;  // their beginning; 0: not known
  std::unordered_map<Labels, uint32_t, LabelsHash> by_labels_;
};

}  // namespace strata::scrape
