// The client library under many threads: nothing lost, nothing that falls, nothing allocated.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <charconv>
#include <cstdlib>
#include <new>
#include <thread>

#include "strata/metrics.h"

// Counts the calling thread's allocations. The sanitizers bring an allocator of their own.
#if defined(__has_feature)
#if !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)
#define COUNT_ALLOCATIONS 1
#endif
#endif
#ifdef COUNT_ALLOCATIONS
namespace {
thread_local uint64_t allocations = 0;
}
void* operator new(size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
#endif

namespace strata::metrics {
namespace {

using Threads = std::vector<std::jthread>;

double sample(const std::string& text, std::string_view series) {
  const size_t at = text.find("\n" + std::string(series) + " ");
  if (at == std::string::npos) return -1;
  double value = -1;
  const char* begin = text.data() + at + series.size() + 2;
  std::from_chars(begin, text.data() + text.size(), value);
  return value;
}

TEST(Threads, CountsOfThreadsThatEndedStay) {
  Registry registry;
  Counter& counter = registry.counter("a_total", "A.");
  FloatCounter& seconds = registry.float_counter("b_total", "B.");
  for (int round = 0; round < 4; ++round) {
    Threads threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] {
        for (int n = 0; n < 1000; ++n) counter.inc(), seconds.add(0.5);
      });
    }
  }
  EXPECT_EQ(counter.value(), 32'000u);
  EXPECT_EQ(seconds.value(), 16'000.0);
}

TEST(Threads, CountsMadeWhileAThreadEndsStay) {
  Registry registry;
  static Counter* counter;
  static FloatCounter* amount;
  counter = &registry.counter("a_total", "A.");
  amount = &registry.float_counter("b_total", "B.");
  struct Late {
    ~Late() { counter->inc(), amount->add(0.5); }
  };
  for (int i = 0; i < 3; ++i) {
    std::jthread([] {
      static thread_local Late late;  // made before the thread's cells: destroyed after them
      (void)&late;
      counter->inc();
    });
  }
  EXPECT_EQ(counter->value(), 6u);
  EXPECT_EQ(amount->value(), 1.5);
}

TEST(Threads, AThreadsDirectoryIsUsedAgain) {
  Registry registry;
  Counter& counter = registry.counter("a_total", "A.");
  std::jthread([&] { counter.inc(); }).join();
  const size_t before = detail::CellStore::instance().directories().size();
  for (int i = 0; i < 20; ++i) std::jthread([&] { counter.inc(); }).join();
  EXPECT_EQ(detail::CellStore::instance().directories().size(), before);
  EXPECT_EQ(counter.value(), 21u);
}

#ifdef COUNT_ALLOCATIONS
TEST(Threads, NothingIsAllocatedWhenCounting) {
  Registry registry;
  Counter& counter = registry.counter("a_total", "A.");
  FloatCounter& amount = registry.float_counter("b_total", "B.");
  Gauge& gauge = registry.gauge("c", "C.");
  Histogram& histogram = registry.histogram("d", "D.");
  auto& family = registry.counter<"k">("e_total", "E.");
  NativeHistogram& native = registry.native_histogram("f", "F.");
  const auto count = [&] {
    counter.inc(), amount.add(1), gauge.inc(), histogram.observe(1), family.with("v").inc();
    native.observe(1), native.observe(0), counter.inc(1, {{"trace_id", "0123456789abcdef"}});
    histogram.observe(2, {{"trace_id", "0123456789abcdef"}});
  };
  count();
  const uint64_t before = allocations;
  for (int i = 0; i < 100; ++i) count();
  EXPECT_EQ(allocations, before);
}
#endif

// Writers of every kind while two readers expose: no value falls from one exposition to the next,
// a histogram's count is its last bucket, and in the end nothing is missing.
TEST(Threads, ExposingWhileCountingSeesValuesThatOnlyGrow) {
  constexpr int kWriters = 4;
  constexpr int kRounds = 4000;
  Registry registry;
  Counter& counter = registry.counter("a_total", "A.");
  Histogram& histogram = registry.histogram("h", "H.", {1, 2, 3});
  auto& family = registry.counter<"k">("f_total", "F.", {.max_series = 50});
  auto& expiring = registry.expiring_counter<"k">("e_total", "E.", std::chrono::nanoseconds(0));
  std::atomic<int> writing{kWriters};

  Threads threads;
  for (int w = 0; w < kWriters; ++w) {
    threads.emplace_back([&, w] {
      for (int i = 0; i < kRounds; ++i) {
        counter.inc();
        histogram.observe(i % 5);
        family.with(std::to_string((i * 7 + w) % 80)).inc();
        expiring.with(std::to_string(i % 9))->inc();
      }
      --writing;
    });
  }
  for (int r = 0; r < 2; ++r) {
    threads.emplace_back([&] {
      double counted = 0, observed = 0;
      do {
        const std::string text = registry.text();
        const double count = sample(text, "h_count");
        EXPECT_EQ(count, sample(text, "h_bucket{le=\"+Inf\"}"));
        EXPECT_GE(sample(text, "a_total"), counted);
        EXPECT_GE(count, observed);
        counted = sample(text, "a_total");
        observed = count;
      } while (writing > 0);
    });
  }
  threads.clear();

  EXPECT_EQ(counter.value(), uint64_t{kWriters * kRounds});
  EXPECT_EQ(histogram.value().count, uint64_t{kWriters * kRounds});
  uint64_t in_family = family.with("_overflow").value();
  for (int i = 0; i < 80; ++i) {
    Counter& one = family.with(std::to_string(i));
    if (&one != &family.with("_overflow")) in_family += one.value();
  }
  EXPECT_EQ(in_family, uint64_t{kWriters * kRounds});
}

TEST(Threads, DestroyingACallbackWaitsForTheCallThatRuns) {
  Registry registry;
  std::atomic<bool> stop = false;
  std::jthread reader([&] {
    while (!stop) (void)registry.text();
  });
  for (int i = 0; i < 200; ++i) {
    auto alive = std::make_unique<double>(1);
    const Callback callback = registry.callback_gauge("c", "C.", [&alive] { return *alive; });
    if (i % 3 == 0) (void)registry.text();
  }
  stop = true;
}

TEST(Threads, ManyMayRegisterTheSameName) {
  Registry registry;
  Threads threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] { registry.counter("a_total", "A.").inc(); });
  }
  threads.clear();
  EXPECT_EQ(registry.counter("a_total", "A.").value(), 8u);
}

}  // namespace
}  // namespace strata::metrics
