#include "scrape/loop.h"

#include "base/hash.h"
#include "base/log.h"

namespace strata::scrape {
namespace {

// A start with many targets must not scrape them all in one instant, nor keep a person waiting.
constexpr int64_t kFirstScrapeWithinMs = 500;

// How far from its tick a scrape may begin and still be stamped with the tick: 1 % of the interval
// as in Prometheus, at most 10 ms (there 2 ms; here the targets of a slot are asked one after the
// other). Regular stamps compress to nothing.
constexpr int64_t kMaxAlignMs = 10;

// A body up to this is ingested in about a millisecond.
constexpr size_t kAtOnceBytes = size_t{512} << 10;

using Seconds = std::chrono::duration<double>;

uint64_t identity(const discover::Target& target) {
  return hash64(target.url, target.labels.hash());
}

int64_t offset_of(const discover::Target& target, int64_t interval_ms, int64_t slots) {
  const int64_t slot = std::max<int64_t>(1, interval_ms / slots);
  const auto place = static_cast<int64_t>(identity(target) % static_cast<uint64_t>(interval_ms));
  return place / slot * slot;
}

}  // namespace

// One scrape on its way from the tick to the store.
struct ScrapeLoop::Scrape {
  explicit Scrape(Gate& gate) : pass(gate) {}
  Gate::Pass pass;
  TimestampMs t = 0;
  std::chrono::nanoseconds began{0};
  Report report;
  Result<Body> body = fail(ErrorCode::kInternal, "not fetched");
};

ScrapeLoop::ScrapeLoop(const LoopDeps& deps, std::unique_ptr<TargetIngest> ingest,
                       std::unique_ptr<Fetcher> fetcher)
    : deps_(deps),
      target_(ingest->target()),
      interval_ms_(std::max<int64_t>(1, target_.interval.count())),
      offset_ms_(offset_of(target_, interval_ms_, kSlots)),
      interval_length_(deps.metrics.interval_length.with(format_duration(target_.interval))),
      ingest_(std::move(ingest)),
      fetcher_(std::move(fetcher)) {
  MutexLock lock(mutex_);
  status_.target = target_;
  status_.metadata = ingest_->metadata();
}

void ScrapeLoop::start() {
  MutexLock lock(mutex_);
  const auto within = std::min(interval_ms_, kFirstScrapeWithinMs);
  arm(std::chrono::milliseconds(identity(target_) / 7 % static_cast<uint64_t>(within)));
}

void ScrapeLoop::stop(bool target_gone) {
  MutexLock lock(mutex_);
  if (stopped_) return;
  stopped_ = true;
  target_gone_ = target_gone;
  deps_.loop.cancel(timer_);
  stop_.request_stop();
  if (running_ || !target_gone) return;
  // No scrape runs that could write the end of the series. This one is the last.
  running_ = true;
  auto scrape = std::make_shared<Scrape>(deps_.gate);
  if (!scrape->pass ||
      !deps_.pool.submit(Lane::kIngest, [self = shared_from_this(), scrape] { self->settle(); })) {
    running_ = false;
  }
}

std::unique_ptr<TargetIngest> ScrapeLoop::take_ingest() {
  MutexLock lock(mutex_);
  while (running_) idle_.wait(lock);
  return std::move(ingest_);
}

TargetStatus ScrapeLoop::status() const {
  MutexLock lock(mutex_);
  return status_;
}

void ScrapeLoop::arm(std::chrono::nanoseconds delay) {
  timer_ = deps_.loop.after(delay, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->tick();
  });
}

// Until the next tick. A timer of the steady clock may fire a little before the wall clock's tick:
// that tick then counts as done.
std::chrono::nanoseconds ScrapeLoop::until_next_tick() {
  const int64_t now = deps_.clock.now_ms();
  int64_t next = (now - offset_ms_) / interval_ms_ + 1;
  if (next == last_tick_) ++next;
  last_tick_ = next;
  return std::chrono::milliseconds(next * interval_ms_ + offset_ms_ - now);
}

TimestampMs ScrapeLoop::aligned(TimestampMs now) const {
  const int64_t tolerance = std::min(interval_ms_ / 100, kMaxAlignMs);
  const int64_t nearest = (now - offset_ms_ + interval_ms_ / 2) / interval_ms_;
  const TimestampMs tick = nearest * interval_ms_ + offset_ms_;
  return std::abs(now - tick) <= tolerance ? tick : now;
}

void ScrapeLoop::tick() {
  auto scrape = std::make_shared<Scrape>(deps_.gate);
  {
    MutexLock lock(mutex_);
    if (stopped_ || !scrape->pass) return;
    // Here and not when the scrape ends: setting a timer from another thread wakes this one.
    arm(until_next_tick());
    if (running_) return deps_.metrics.skipped.inc();
    running_ = true;
    scrape->began = deps_.clock.steady();
    if (last_began_.count() > 0)
      interval_length_.observe(Seconds(scrape->began - last_began_).count());
    last_began_ = scrape->began;
  }
  scrape->t = aligned(deps_.clock.now_ms());
  fetcher_->fetch(deps_.buffers.take(), stop_.get_token(),
                  [self = shared_from_this(), scrape](Result<Body> body) {
                    scrape->body = std::move(body);
                    scrape->report.duration = self->deps_.clock.steady() - scrape->began;
                    self->fetched(scrape);
                  });
}

void ScrapeLoop::fetched(std::shared_ptr<Scrape> scrape) {
  if (ingests_at_once(*scrape)) return finish(std::move(scrape));
  const bool taken = deps_.pool.submit(
      Lane::kIngest, [self = shared_from_this(), scrape] { self->finish(scrape); });
  if (taken) return;
  deps_.metrics.queue_full.inc();
  settle();
}

bool ScrapeLoop::ingests_at_once(const Scrape& scrape) const {
  if (!deps_.loop.here() || !warm_) return false;
  return scrape.body && !scrape.body->is_protobuf && scrape.body->bytes.size() <= kAtOnceBytes;
}

void ScrapeLoop::finish(std::shared_ptr<Scrape> scrape) {
  auto& report = scrape->report;
  bool canceled = false;
  Result<> outcome;
  if (scrape->body) {
    report.body_bytes = scrape->body->bytes.size();
    auto& body = *scrape->body;
    outcome = body.is_protobuf ? ingest_->ingest_protobuf(scrape->t, body.bytes, report)
                               : ingest_->ingest(scrape->t, body.bytes, body.format, report);
    deps_.buffers.give(std::move(body.bytes));
    warm_ = outcome.has_value();
  } else {
    const auto& error = scrape->body.error();
    canceled = error.code == ErrorCode::kCanceled;
    if (error.code == ErrorCode::kLimit) deps_.metrics.exceeded_body_size_limit.inc();
    outcome = std::unexpected(error);
    if (!canceled) {
      if (auto stored = ingest_->fail(scrape->t, report); !stored) {
        log_warn("a failed scrape could not be stored",
                 {{"target", target_.url}, {"error", stored.error().message}});
      }
    }
  }
  if (!canceled) {
    deps_.metrics.scrapes.inc();
    if (!outcome) deps_.metrics.failures.inc();
    MutexLock lock(mutex_);
    if (!outcome && status_.last_error != outcome.error().message) {
      log_warn("scrape failed", {{"target", target_.url}, {"error", outcome.error().message}});
    }
    status_.health = outcome ? Health::kUp : Health::kDown;
    status_.last_error = outcome ? "" : outcome.error().message;
    status_.last_scrape = scrape->t;
    status_.last_duration = report.duration;
    status_.last_samples = report.post_relabel;
    status_.metadata = ingest_->metadata();
  }
  if (!canceled && deps_.on_scrape_end) deps_.on_scrape_end();
  settle();
}

// A scrape has ended, perhaps the last one. Whoever finds the loop idle and the target gone ends
// its series: stop() when no scrape runs, else this.
void ScrapeLoop::settle() {
  MutexLock lock(mutex_);
  if (stopped_ && target_gone_) {
    lock.unlock();
    if (auto ended = ingest_->end(deps_.clock.now_ms()); !ended) {
      log_warn("the end of a target's series could not be stored",
               {{"target", target_.url}, {"error", ended.error().message}});
    }
    lock.lock();
  }
  running_ = false;
  idle_.notify_all();
}

}  // namespace strata::scrape
