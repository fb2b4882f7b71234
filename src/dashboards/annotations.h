// What happened when, as somebody or something noted it: deployments, changes, tests. Marks on
// every chart, or on those of one dashboard. In the shape of Grafana's annotations API, so that the
// scripts that tell a Grafana of a deployment tell Strata.
//
// In SQLite. Owned by app/; thread-safe. Bounds: kMaxKept of them, beyond which the oldest are
// deleted; kMaxTextBytes of text and tags each.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/fs.h"
#include "base/result.h"
#include "model/sample.h"

namespace strata::state {
class Database;
}

namespace strata::dashboards {

struct Annotation {
  int64_t id = 0;
  TimestampMs time = 0;
  TimestampMs time_end = 0;        // equal to `time` for a moment
  std::string dashboard_uid = {};  // empty: of all dashboards
  int64_t panel_id = 0;            // 0: of the whole dashboard
  std::string by = {};
  std::string text = {};
  std::vector<std::string> tags = {};
};

/// A request to make or to change one, as Grafana's POST, PUT and PATCH have it: what is not given
/// is not there.
struct AnnotationEdit {
  std::optional<TimestampMs> time = {};
  std::optional<TimestampMs> time_end = {};
  std::optional<std::string> dashboard_uid = {};
  std::optional<int64_t> panel_id = {};
  std::optional<std::string> text = {};
  std::optional<std::vector<std::string>> tags = {};
};
/// Error: kBadData.
Result<AnnotationEdit> read_annotation(std::string_view body);

struct AnnotationQuery {
  TimestampMs from = 0;
  TimestampMs to = 0;
  std::string dashboard_uid = {};  // with those of all dashboards; "": all there are
  std::vector<std::string> tags = {};
  bool any_tag = false;  // instead of all of them
  size_t limit = 100;
};

class Annotations {
 public:
  static constexpr int64_t kMaxKept = 100'000;
  static constexpr size_t kMaxTextBytes = size_t{16} << 10;
  static constexpr size_t kMaxAnswer = 10'000;

  /// Errors: the database's.
  static Result<std::unique_ptr<Annotations>> open(const std::string& directory, Fs& fs,
                                                   const Clock& clock);
  ~Annotations();

  /// Its id. Without a time it is now. Errors: kBadData, kIo.
  Result<int64_t> add(const AnnotationEdit& edit, std::string_view by);
  /// Changes what `edit` has. Errors: kNotFound, kBadData, kIo.
  Result<> change(int64_t id, const AnnotationEdit& edit);
  /// Errors: kNotFound, kIo.
  Result<> remove(int64_t id);
  Result<Annotation> get(int64_t id) const;
  /// Those that touch the range, newest first.
  Result<std::vector<Annotation>> find(const AnnotationQuery& query) const;

  /// For backups.
  const state::Database& database() const { return *db_; }

 private:
  explicit Annotations(const Clock& clock);

  const Clock& clock_;
  std::unique_ptr<state::Database> db_;
};

}  // namespace strata::dashboards
