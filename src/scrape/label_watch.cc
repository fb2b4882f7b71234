#include "scrape/label_watch.h"

#include <algorithm>

#include "base/hash.h"
#include "scrape/guard.h"

namespace strata::scrape {
namespace {

constexpr size_t kMaxExampleBytes = 64;

uint32_t short_hash(uint64_t hash) { return static_cast<uint32_t>(hash); }

}  // namespace

bool LabelWatch::learn(std::string_view value, size_t room) {
  const uint32_t hash = short_hash(hash64(value));
  if (known_.contains(hash) || (rise_ && rise_->young.contains(hash))) return false;
  if (room == 0 || known_.size() >= Guard::kMaxValues) {
    ++untracked_;
    return false;
  }
  known_.insert(hash);
  return true;
}

LabelWatch::Outcome LabelWatch::arrive(const LabelArrival& arrival, const Limits& limits) {
  const uint64_t whole = hash64(arrival.value);
  const uint32_t hash = short_hash(whole);
  const bool known = known_.contains(hash);
  if (!rise_) {
    if (known) return Outcome::kKnown;
    rise_ = std::make_unique<Rise>();
    rise_->window_began = arrival.t;
  }
  Rise& rise = *rise_;
  ++rise.new_series;
  if (known) return Outcome::kKnown;
  ++rise.young_series;
  if (rise.without_end) {
    rise.strays.add(whole);
    note_new(arrival);
    return Outcome::kStray;
  }
  if (rise.young.contains(hash)) return Outcome::kKnown;
  if (limits.room == 0 || remembered() >= Guard::kMaxValues) {
    ++untracked_;
    return Outcome::kKnown;
  }
  rise.young.insert(hash);
  ++rise.new_values;
  note_new(arrival);
  if (!grows(limits)) return Outcome::kNew;
  rise.without_end = true;
  rise.since = arrival.t;
  known_.insert(rise.young.begin(), rise.young.end());  // they are stored and go on
  rise.young.clear();
  return Outcome::kNew;
}

void LabelWatch::note_new(const LabelArrival& arrival) {
  Rise& rise = *rise_;
  if (rise.rounds == 0 || arrival.round != rise.last_round) {
    ++rise.rounds;
    rise.last_round = arrival.round;
  }
  if (rise.examples.size() < Guard::kMaxExamples) {
    rise.examples.emplace_back(arrival.value.substr(0, kMaxExampleBytes));
  }
  auto& targets = rise.targets;
  auto at = std::ranges::find(targets, arrival.target, &std::pair<std::string, uint64_t>::first);
  if (at == targets.end()) {
    if (targets.size() < Guard::kMaxShares) {
      targets.emplace_back(arrival.target, 0);
    } else {
      // Space-saving (Metwally et al. 2005): the newcomer takes the smallest count over.
      targets.back().first = arrival.target;
    }
    at = targets.end() - 1;
  }
  ++at->second;
  while (at != targets.begin() && (at - 1)->second < at->second) {
    std::swap(*at, *(at - 1));
    --at;
  }
}

bool LabelWatch::grows(const Limits& limits) const {
  const Rise& rise = *rise_;
  return rise.new_values >= limits.new_values && rise.rounds >= Guard::kRounds &&
         2 * rise.young_series >= rise.new_series;
}

bool LabelWatch::settle(TimestampMs now, int64_t window_ms) {
  if (!rise_ || now < rise_->window_began + window_ms) return false;
  Rise& rise = *rise_;
  known_.insert(rise.young.begin(), rise.young.end());
  const uint64_t strays = rise.strays.count();
  const bool was_without_end = rise.without_end;
  const uint64_t came = was_without_end ? rise.young_series : rise.new_values;
  // Quiet for the whole window that ends, or for one that nobody looked at.
  const bool quiet = came == 0 || now >= rise.window_began + 2 * window_ms;
  if (quiet) {
    rise_.reset();
    return was_without_end;
  }
  rise.new_values_before = rise.new_values + (strays - rise.strays_at_window);
  rise.strays_at_window = strays;
  rise.window_began = now;
  rise.young.clear();
  rise.new_values = rise.new_series = rise.young_series = 0;
  rise.rounds = 0;
  return false;
}

uint64_t LabelWatch::Rise::lately() const {
  return new_values + new_values_before + (strays.count() - strays_at_window);
}

uint64_t LabelWatch::values() const { return remembered() + (rise_ ? rise_->strays.count() : 0); }

}  // namespace strata::scrape
