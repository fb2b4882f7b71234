#include "rules/manager.h"

#include <algorithm>
#include <limits>

#include "base/hash.h"
#include "base/log.h"
#include "rules/as_vector.h"

namespace strata::rules {
namespace {

/// How often a pool whose queue is full is asked again.
constexpr std::chrono::milliseconds kQueueFullWait{50};
constexpr std::chrono::seconds kIdleWait{10};

std::string key_of(const std::string& file, const std::string& name) { return file + "\n" + name; }

bool same_rule(const RuleSpec& a, const RuleSpec& b) {
  return a.record == b.record && a.alert == b.alert && a.expr == b.expr && a.hold == b.hold &&
         a.keep_firing_for == b.keep_firing_for && a.labels == b.labels &&
         a.annotations == b.annotations;
}

bool same_group(const GroupSpec& a, const GroupSpec& b) {
  return a.name == b.name && a.interval == b.interval && a.query_offset == b.query_offset &&
         a.limit == b.limit && a.labels == b.labels &&
         std::ranges::equal(a.rules, b.rules, same_rule);
}

}  // namespace

Manager::Manager(ManagerDeps deps)
    : deps_(deps),
      group_deps_{.query = [this](const promql::Expr& expr, const std::string& text,
                                  TimestampMs at) { return query(expr, text, at); },
                  .text_query = [this](std::string_view text,
                                       TimestampMs at) { return text_query(text, at); },
                  .writer = deps.writer,
                  .sink = deps.sink,
                  .state = deps.state,
                  .clock = deps.clock},
      max_running_(std::max<size_t>(1, deps.work.threads() - 1)) {}

Manager::~Manager() { stop(); }

Result<Vector> Manager::query(const promql::Expr& expr, const std::string& text,
                              TimestampMs at) const {
  return as_vector(deps_.engine.instant(deps_.source, expr, text, at));
}

Result<Vector> Manager::text_query(std::string_view text, TimestampMs at) const {
  return as_vector(deps_.engine.instant(deps_.source, text, at));
}

Manager::SlotPtr Manager::make_slot(const RuleFile& file, const GroupSpec& spec,
                                    const std::shared_ptr<const RuleSettings>& settings,
                                    SlotPtr old) {
  auto slot = std::make_shared<Slot>();
  slot->group = std::make_unique<Group>(file.path, std::make_shared<const GroupSpec>(spec),
                                        settings, group_deps_);
  const int64_t interval = slot->group->interval().count();
  const uint64_t hash = xxh64(key_of(file.path, spec.name));
  slot->offset = static_cast<TimestampMs>(hash % static_cast<uint64_t>(interval));
  slot->on_scrape = std::ranges::find(settings->on_scrape, spec.name) != settings->on_scrape.end();
  if (old)
    slot->group->adopt(*old->group);
  else if (!restored_ && deps_.state != nullptr)
    slot->group->restore(*deps_.state);
  return slot;
}

void Manager::apply(std::vector<RuleFile> files, RuleSettings settings) {
  const auto shared = std::make_shared<const RuleSettings>(std::move(settings));
  std::map<std::string, SlotPtr> old;
  {
    MutexLock lock(mutex_);
    paused_ = true;
    while (running_ > 0) idle_.wait(lock);
    // What was in the line has not begun, or goes on where it is.
    old = slots_;
  }
  std::map<std::string, SlotPtr> fresh;
  for (const RuleFile& file : files) {
    for (const GroupSpec& spec : file.groups) {
      const std::string key = key_of(file.path, spec.name);
      const auto found = old.find(key);
      const SlotPtr before = found == old.end() ? nullptr : found->second;
      const bool unchanged =
          before && same_group(before->group->spec(), spec) && before->group->uses(*shared);
      fresh[key] = unchanged ? before : make_slot(file, spec, shared, before);
    }
  }
  restored_ = true;
  for (const auto& [key, slot] : old) {
    const auto found = fresh.find(key);
    if (found == fresh.end() || found->second != slot) slot->group->end();
  }
  if (deps_.state != nullptr) {
    std::vector<std::string> keys;
    for (const auto& [key, slot] : fresh) slot->group->append_keys(keys);
    if (auto kept = deps_.state->keep_only(keys); !kept) {
      log_error("the states of alerts could not be written", {{"error", kept.error().message}});
    }
  }
  MutexLock lock(mutex_);
  const TimestampMs now = deps_.clock.now_ms();
  for (auto& [key, slot] : fresh) {
    if (slot->next_at == 0) schedule(*slot, now);
  }
  std::erase_if(line_, [&](const SlotPtr& slot) {
    return std::ranges::none_of(fresh, [&](const auto& entry) { return entry.second == slot; });
  });
  slots_ = std::move(fresh);
  paused_ = false;
  dispatch();
}

// The first tick after now.
void Manager::schedule(Slot& slot, TimestampMs now) {
  const int64_t interval = slot.group->interval().count();
  TimestampMs tick = now - now % interval + slot.offset;
  while (tick <= now) tick += interval;
  slot.next_at = tick;
}

void Manager::begin(const SlotPtr& slot, TimestampMs at) {
  slot->running = true;
  slot->asked = false;
  slot->began_at = at;
  slot->group->begin(at);
  line_.push_back(slot);
}

// Begins the tick when it is due; returns when the next one is.
TimestampMs Manager::poll_tick(const SlotPtr& slot, TimestampMs now) {
  const int64_t interval = slot->group->interval().count();
  // The clock was set back: ticks begin anew.
  if (slot->next_at > now + interval) {
    schedule(*slot, now);
    slot->began_at = 0;
  }
  if (slot->next_at > now) return slot->next_at;
  const int64_t late = (now - slot->next_at) / interval;
  const TimestampMs tick = slot->next_at + late * interval;
  slot->next_at = tick + interval;
  const bool judged = slot->on_scrape && slot->began_at >= tick;  // meanwhile, at a scrape's end
  if (late > 0 || (slot->running && !judged)) {
    slot->group->count_missed(static_cast<uint64_t>(late + (slot->running && !judged ? 1 : 0)));
  }
  if (!slot->running && !judged) begin(slot, tick);
  return slot->next_at;
}

// Begins what a scrape asked for; returns when it may begin, else TimestampMs' greatest value.
TimestampMs Manager::poll_asked(const SlotPtr& slot, TimestampMs now) {
  if (!slot->asked) return std::numeric_limits<TimestampMs>::max();
  const TimestampMs from = slot->began_at + kScrapeGap.count();
  if (from > now) return from;
  if (slot->running) return now + kScrapeGap.count();
  begin(slot, now);
  return std::numeric_limits<TimestampMs>::max();
}

void Manager::scrape_ended() {
  MutexLock lock(mutex_);
  for (auto& [key, slot] : slots_) slot->asked = slot->asked || slot->on_scrape;
}

std::chrono::nanoseconds Manager::poll() {
  MutexLock lock(mutex_);
  const TimestampMs now = deps_.clock.now_ms();
  TimestampMs next = now + std::chrono::milliseconds(kIdleWait).count();
  for (auto& [key, slot] : slots_) {
    next = std::min({next, poll_tick(slot, now), poll_asked(slot, now)});
  }
  dispatch();
  const bool waiting = !line_.empty() && running_ == 0;
  return std::chrono::milliseconds(waiting ? kQueueFullWait.count()
                                           : std::max<TimestampMs>(1, next - now));
}

void Manager::dispatch() {
  while (!paused_ && !line_.empty() && running_ < max_running_) {
    SlotPtr slot = line_.front();
    const bool taken =
        deps_.work.submit(Lane::kIngest, [this, slot, pass = std::make_shared<Gate::Pass>(gate_)] {
          if (*pass) work_on(slot);
        });
    if (!taken) return;  // poll() tries again
    line_.pop_front();
    ++running_;
  }
}

// A slice of a group's iteration. The line is served in turn.
void Manager::work_on(const SlotPtr& slot) {
  const auto until = deps_.clock.steady() + kSlice;
  bool more = slot->group->evaluate_next();
  while (more && deps_.clock.steady() < until) more = slot->group->evaluate_next();
  if (!more) slot->group->finish();
  MutexLock lock(mutex_);
  --running_;
  if (more)
    line_.push_back(slot);
  else
    slot->running = false;
  dispatch();
  if (running_ == 0) idle_.notify_all();
}

void Manager::wait_idle() {
  MutexLock lock(mutex_);
  while (running_ > 0 || !line_.empty()) idle_.wait(lock);
}

void Manager::stop() {
  if (stopped_) return;
  stopped_ = true;
  {
    MutexLock lock(mutex_);
    paused_ = true;
  }
  gate_.close();
  if (deps_.state != nullptr) {
    if (auto synced = deps_.state->sync(); !synced) {
      log_error("the states of alerts could not be synced", {{"error", synced.error().message}});
    }
  }
}

std::vector<Manager::SlotPtr> Manager::slots() const {
  std::vector<SlotPtr> slots;
  MutexLock lock(mutex_);
  for (const auto& [key, slot] : slots_) slots.push_back(slot);
  return slots;
}

std::vector<GroupView> Manager::view() const {
  std::vector<GroupView> out;
  for (const SlotPtr& slot : slots()) out.push_back(slot->group->view());
  return out;
}

std::vector<GroupView> Manager::counters() const {
  std::vector<GroupView> out;
  for (const SlotPtr& slot : slots()) out.push_back(slot->group->view(Group::Detail::kCounters));
  return out;
}

std::vector<AlertingRule::Counts> Manager::alert_counts() const {
  std::vector<AlertingRule::Counts> out;
  for (const SlotPtr& slot : slots()) slot->group->append_alert_counts(out);
  return out;
}

}  // namespace strata::rules
