// Scrapes one target at its interval.
//
// Ticks lie at multiples of the interval plus an offset that the target's identity decides, so that
// targets are spread over the interval, and a restart or another server scrapes at the same times.
// There are kSlots offsets: targets that share one are asked together, and their answers, which
// come together, wake the thread once instead of once each. The first scrape comes sooner, within
// half a second.
//
// A tick is a timer of the scraping event loop. The body of a target that is known is ingested on
// that thread at once, while its bytes are in the cache; a first, large or protobuf one
// goes to the work pool, so as not to keep other targets waiting. A tick that comes while the last
// scrape still runs is skipped.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "base/clock.h"
#include "base/gate.h"
#include "base/mutex.h"
#include "base/thread_pool.h"
#include "net/loop.h"
#include "scrape/body_buffers.h"
#include "scrape/fetcher.h"
#include "scrape/target_ingest.h"

namespace strata::scrape {

enum class Health : uint8_t { kUnknown, kUp, kDown };

struct TargetStatus {
  discover::Target target;
  Health health = Health::kUnknown;
  std::string last_error;
  TimestampMs last_scrape = 0;  // 0: none yet
  std::chrono::nanoseconds last_duration{0};
  size_t last_samples = 0;
  std::shared_ptr<const MetadataMap> metadata;
};

/// What loops share. All of it outlives them.
struct LoopDeps {
  net::Loop& loop;   // scraping's own: bodies are ingested on its thread
  ThreadPool& pool;  // and here
  const Clock& clock;
  Metrics& metrics;
  Gate& gate;  // held by each scrape that runs
  BodyBuffers& buffers;
  const std::function<void()>& on_scrape_end;  // empty: nobody wants to know
};

/// Owned by the Manager. start(), stop() and status() from any thread.
class ScrapeLoop : public std::enable_shared_from_this<ScrapeLoop> {
 public:
  ScrapeLoop(const LoopDeps& deps, std::unique_ptr<TargetIngest> ingest,
             std::unique_ptr<Fetcher> fetcher);

  void start();
  /// No further scrape begins. `target_gone`: its series end; false at shutdown, when another
  /// process may go on with them at once.
  void stop(bool target_gone);
  /// After stop(): waits for the scrape that runs, and hands over what the target's next loop can
  /// go on from.
  std::unique_ptr<TargetIngest> take_ingest();

  TargetStatus status() const;
  const discover::Target& target() const { return target_; }

 private:
  struct Scrape;
  void arm(std::chrono::nanoseconds delay) REQUIRES(mutex_);
  void tick();
  void fetched(std::shared_ptr<Scrape> scrape);
  bool ingests_at_once(const Scrape& scrape) const;
  void finish(std::shared_ptr<Scrape> scrape);
  void settle();
  std::chrono::nanoseconds until_next_tick() REQUIRES(mutex_);
  TimestampMs aligned(TimestampMs now) const;

  static constexpr int64_t kSlots = 32;

  const LoopDeps deps_;
  const discover::Target target_;
  const int64_t interval_ms_;
  const int64_t offset_ms_;
  metrics::Summary& interval_length_;
  std::unique_ptr<TargetIngest> ingest_;  // of the running scrape; else guarded by running_
  const std::unique_ptr<Fetcher> fetcher_;
  bool warm_ = false;  // likewise: the last body was ingested

  mutable Mutex mutex_;
  CondVar idle_;
  bool running_ GUARDED_BY(mutex_) = false;
  bool stopped_ GUARDED_BY(mutex_) = false;
  bool target_gone_ GUARDED_BY(mutex_) = false;
  int64_t last_tick_ GUARDED_BY(mutex_) = 0;
  std::chrono::nanoseconds last_began_ GUARDED_BY(mutex_){0};  // of the last scrape; 0: none
  net::TimerId timer_ GUARDED_BY(mutex_){};
  TargetStatus status_ GUARDED_BY(mutex_);
  std::stop_source stop_;
};

}  // namespace strata::scrape
