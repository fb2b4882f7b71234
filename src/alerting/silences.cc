#include "alerting/silences.h"

#include <algorithm>
#include <random>

#include "base/utf8.h"

namespace strata::alerting {
namespace {

constexpr std::string_view kSteps[] = {R"(CREATE TABLE silences (
  id TEXT PRIMARY KEY,
  matchers TEXT NOT NULL,     -- one {…} a line
  starts_at INTEGER NOT NULL,
  ends_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  comment TEXT NOT NULL,
  annotations TEXT NOT NULL   -- {name="value",…}
) WITHOUT ROWID)"};

Result<> validate(const Silence& silence, TimestampMs now) {
  if (silence.matcher_sets.empty()) return bad_data("a silence needs at least one matcher");
  size_t bytes = silence.comment.size() + silence.created_by.size();
  for (const Matchers& matchers : silence.matcher_sets) {
    if (matchers.empty()) return bad_data("a silence needs at least one matcher");
    if (std::ranges::all_of(matchers, &Matcher::matches_empty)) {
      return bad_data(
          "at least one matcher must not match the empty string: else it silences "
          "every alert");
    }
    for (const Matcher& matcher : matchers) {
      if (matcher.name().empty() || !is_utf8(matcher.name()) || !is_utf8(matcher.value())) {
        return bad_data("a matcher's name or value is no text");
      }
      bytes += matcher.name().size() + matcher.value().size();
    }
  }
  for (const auto& [name, value] : silence.annotations) bytes += name.size() + value.size();
  if (bytes > Silences::kMaxTextBytes) return fail(ErrorCode::kLimit, "the silence is too long");
  if (silence.ends_at <= silence.starts_at) return bad_data("start time must be before end time");
  if (silence.ends_at < now) return bad_data("end time can't be in the past");
  return {};
}

// Whether `next` may take the place of `old` without changing what was silenced until now.
bool can_update(const Silence& old, const Silence& next, TimestampMs now) {
  if (old.matcher_sets != next.matcher_sets) return false;
  switch (old.state_at(now)) {
    case Silence::State::kActive:
      return old.starts_at / 1000 == next.starts_at / 1000 && next.ends_at >= now;
    case Silence::State::kPending: return next.starts_at >= now;
    case Silence::State::kExpired: return false;
  }
  return false;
}

std::string annotations_text(const StringPairs& annotations) {
  Matchers pairs;
  for (const auto& [name, value] : annotations) pairs.push_back(Matcher::equal(name, value));
  return to_text(pairs);
}

std::string label_key(std::string_view name, std::string_view value) {
  std::string out(name);
  out += '\xff';
  return out.append(value);
}

}  // namespace

bool Silence::matches(const Labels& labels) const {
  return std::ranges::any_of(
      matcher_sets, [&](const Matchers& matchers) { return matches_all(matchers, labels); });
}

std::string_view to_string(Silence::State state) {
  switch (state) {
    case Silence::State::kPending: return "pending";
    case Silence::State::kActive: return "active";
    case Silence::State::kExpired: return "expired";
  }
  return "";
}

std::string make_uuid() {
  std::random_device random;
  const auto word = [&] { return static_cast<uint64_t>(random()) << 32 | random(); };
  const uint64_t a = (word() & ~0xf000ULL) | 0x4000ULL;
  const uint64_t b = (word() & ~(3ULL << 62)) | 1ULL << 63;
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", a >> 32, a >> 16 & 0xffff, a & 0xffff,
                     b >> 48, b & 0xffff'ffff'ffffULL);
}

Result<std::unique_ptr<Silences>> Silences::open(state::Database& db) {
  std::unique_ptr<Silences> out(new Silences(db));
  TRY(db.migrate("silences", kSteps));
  TRY(out->load());
  return out;
}

Result<> Silences::load() {
  std::map<std::string, Silence> read;
  Result<> parsed;
  TRY(db_.query(
      "SELECT id, matchers, starts_at, ends_at, updated_at, created_by, comment, "
      "annotations FROM silences",
      {}, [&](const state::Row& row) {
        Silence silence{.id = row.text(0),
                        .matcher_sets = {},
                        .starts_at = row.integer(2),
                        .ends_at = row.integer(3),
                        .updated_at = row.integer(4),
                        .created_by = row.text(5),
                        .comment = row.text(6),
                        .annotations = {}};
        const std::string lines = row.text(1);
        for (size_t at = 0; at < lines.size();) {
          const size_t end = std::min(lines.find('\n', at), lines.size());
          auto matchers = parse_utf8_matchers(std::string_view(lines).substr(at, end - at));
          if (!matchers) parsed = std::unexpected(matchers.error().within("silences"));
          if (matchers) silence.matcher_sets.push_back(*std::move(matchers));
          at = end + 1;
        }
        const auto pairs = parse_utf8_matchers(row.text(7));
        if (!pairs) parsed = std::unexpected(pairs.error().within("silences"));
        for (const Matcher& pair : pairs.value_or(Matchers())) {
          silence.annotations.emplace_back(pair.name(), pair.value());
        }
        read.insert_or_assign(silence.id, std::move(silence));
      }));
  MutexLock lock(mutex_);
  by_id_ = std::move(read);
  index_.reset();
  return parsed;
}

Result<> Silences::store(const Silence& silence) {
  std::string matchers;
  for (const Matchers& set : silence.matcher_sets) matchers += to_text(set) + "\n";
  TRY(db_.run("INSERT OR REPLACE INTO silences VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
              {silence.id, matchers, silence.starts_at, silence.ends_at, silence.updated_at,
               silence.created_by, silence.comment, annotations_text(silence.annotations)}));
  by_id_.insert_or_assign(silence.id, silence);
  index_.reset();
  return {};
}

Result<std::string> Silences::set(Silence silence, TimestampMs now) {
  if (silence.starts_at == 0) silence.starts_at = now;
  for (Matchers& matchers : silence.matcher_sets) sort_matchers(matchers);
  TRY(validate(silence, now));
  MutexLock lock(mutex_);
  const auto old = by_id_.find(silence.id);
  if (!silence.id.empty() && old == by_id_.end()) {
    return fail(ErrorCode::kNotFound, "silence not found");
  }
  silence.updated_at = now;
  if (old != by_id_.end() && can_update(old->second, silence, now)) {
    TRY(store(silence));
    return silence.id;
  }
  if (by_id_.size() >= kMaxSilences) {
    return fail(ErrorCode::kLimit,
                fmt::format("there are {} silences already: expired ones go after {}",
                            by_id_.size(), format_duration(kRetention)));
  }
  if (old != by_id_.end() && old->second.state_at(now) != Silence::State::kExpired) {
    Silence ended = old->second;
    ended.starts_at = std::min(ended.starts_at, now);
    ended.ends_at = now;
    ended.updated_at = now;
    TRY(store(ended));
  }
  silence.id = make_uuid();
  silence.starts_at = std::max(silence.starts_at, now);
  TRY(store(silence));
  return silence.id;
}

Result<> Silences::expire(const std::string& id, TimestampMs now) {
  MutexLock lock(mutex_);
  const auto at = by_id_.find(id);
  if (at == by_id_.end()) return fail(ErrorCode::kNotFound, "silence not found");
  if (at->second.state_at(now) == Silence::State::kExpired) return {};
  Silence ended = at->second;
  ended.starts_at = std::min(ended.starts_at, now);
  ended.ends_at = now;
  ended.updated_at = now;
  return store(ended);
}

const Silences::Index& Silences::index() const {
  if (index_) return *index_;
  index_.emplace();
  for (const auto& [id, silence] : by_id_) {
    bool other = false;
    for (const Matchers& set : silence.matcher_sets) {
      const auto equality = std::ranges::find_if(set, [](const Matcher& matcher) {
        return matcher.op() == Matcher::Op::kEqual && !matcher.value().empty();
      });
      if (equality == set.end()) {
        other = true;
      } else {
        index_->by_label[label_key(equality->name(), equality->value())].push_back(&silence);
      }
    }
    if (other) index_->others.push_back(&silence);
  }
  return *index_;
}

std::vector<std::string> Silences::silencing(const Labels& labels, TimestampMs now) const {
  std::vector<std::string> out;
  MutexLock lock(mutex_);
  if (by_id_.empty()) return out;
  const Index& index = this->index();
  const auto ask = [&](const std::vector<const Silence*>& candidates) {
    for (const Silence* silence : candidates) {
      if (silence->state_at(now) == Silence::State::kActive && silence->matches(labels)) {
        out.push_back(silence->id);
      }
    }
  };
  ask(index.others);
  for (const Label& label : labels) {
    const auto at = index.by_label.find(label_key(label.name, label.value));
    if (at != index.by_label.end()) ask(at->second);
  }
  std::ranges::sort(out);
  out.erase(std::ranges::unique(out).begin(), out.end());
  return out;
}

std::vector<Silence> Silences::all() const {
  std::vector<Silence> out;
  MutexLock lock(mutex_);
  for (const auto& [id, silence] : by_id_) out.push_back(silence);
  return out;
}

std::optional<Silence> Silences::find(const std::string& id) const {
  MutexLock lock(mutex_);
  const auto at = by_id_.find(id);
  return at == by_id_.end() ? std::nullopt : std::optional(at->second);
}

Result<size_t> Silences::collect_garbage(TimestampMs now) {
  const TimestampMs before = now - kRetention.count();
  MutexLock lock(mutex_);
  TRY(db_.run("DELETE FROM silences WHERE ends_at < ?", {before}));
  index_.reset();
  return std::erase_if(by_id_, [&](const auto& entry) { return entry.second.ends_at < before; });
}

}  // namespace strata::alerting
