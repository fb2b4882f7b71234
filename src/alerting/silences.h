// Silences: who wanted no notification of which alerts, from when to when, and why.
//
// In SQLite before a call returns, so a kill -9 forgets none; in memory for matching. Thread-safe.
// Bounds: kMaxSilences, kMaxTextBytes; expired ones are kept for the retention and then deleted.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "alerting/alert.h"
#include "alerting/matchers.h"
#include "base/mutex.h"
#include "model/duration.h"
#include "state/database.h"

namespace strata::alerting {

struct Silence {
  enum class State : uint8_t { kPending, kActive, kExpired };

  std::string id;                      // a UUID; empty for one that is to be made
  std::vector<Matchers> matcher_sets;  // any of them, all matchers of it
  TimestampMs starts_at = 0;
  TimestampMs ends_at = 0;
  TimestampMs updated_at = 0;
  std::string created_by;
  std::string comment;
  StringPairs annotations;

  State state_at(TimestampMs t) const {
    return t < starts_at ? State::kPending : t < ends_at ? State::kActive : State::kExpired;
  }
  bool matches(const Labels& labels) const;
};
std::string_view to_string(Silence::State state);

class Silences {
 public:
  static constexpr size_t kMaxSilences = 10'000;
  static constexpr size_t kMaxTextBytes = 64 << 10;  // of comment, author and matchers together
  static constexpr Millis kRetention = std::chrono::hours(120);

  /// Reads what `db` has; it outlives this.
  static Result<std::unique_ptr<Silences>> open(state::Database& db);

  /// Makes the silence, or changes the one with its id; gives back the id. What would rewrite
  /// history (other matchers, a start that has passed) ends the old one and makes a new one.
  /// Errors: kBadData, kNotFound for an id that is none, kLimit, kIo.
  Result<std::string> set(Silence silence, TimestampMs now);
  /// Ends it now; one that has ended stays as it is. Errors: kNotFound, kIo.
  Result<> expire(const std::string& id, TimestampMs now);

  /// Ids of the active silences that match, sorted.
  std::vector<std::string> silencing(const Labels& labels, TimestampMs now) const;
  std::vector<Silence> all() const;
  std::optional<Silence> find(const std::string& id) const;
  /// Deletes those that ended before now - kRetention.
  Result<size_t> collect_garbage(TimestampMs now);

 private:
  explicit Silences(state::Database& db) : db_(db) {}
  Result<> load();
  Result<> store(const Silence& silence) REQUIRES(mutex_);

  state::Database& db_;
  mutable Mutex mutex_;
  std::map<std::string, Silence> by_id_ GUARDED_BY(mutex_);

  /// Which silences can match an alert at all: each matcher set hangs at one of its equality
  /// matchers, so that an alert asks about its own labels only.
  struct Index {
    std::unordered_map<std::string, std::vector<const Silence*>> by_label;  // "name\xffvalue"
    std::vector<const Silence*> others;  // with a set that has no such matcher
  };
  const Index& index() const REQUIRES(mutex_);
  mutable std::optional<Index> index_ GUARDED_BY(mutex_);  // made when it is asked for
};

/// A random (version 4) UUID.
std::string make_uuid();

}  // namespace strata::alerting
