// Where counts live: every thread has cells of its own, and only that thread writes them, so that
// an increment is a plain load, add and store on a cache line that nobody else wants. A reader sums
// the same cell over all threads.
//
// A series owns a range of cell numbers in the process. Cell n is cell n % kCellsPerPage of page
// n / kCellsPerPage in each thread's directory; a page is made when its thread first touches it, so
// a series costs memory only in the threads that use it. A thread that ends leaves its directory,
// counts and all, to the next thread that starts: as many exist as there were threads at once.
//
// Bounds: kMaxPages * kCellsPerPage cells in a process. Past that, ranges come from page 0, whose
// counts are shown nowhere; CellStore::exhausted() counts them.
#pragma once
#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

namespace strata::metrics::detail {

inline constexpr uint32_t kCellsPerPage = 1024;
inline constexpr uint32_t kMaxPages = 2048;

using Cell = std::atomic<uint64_t>;  // an integer, or the bits of a double

struct alignas(64) Page {
  std::array<Cell, kCellsPerPage> cells{};
};
struct Directory {
  std::array<std::atomic<Page*>, kMaxPages> pages{};
};

// What a thread without cells points to: all its pages are absent, and nobody writes it.
inline constinit Directory no_cells{};
inline constinit thread_local Directory* thread_cells = &no_cells;
inline constinit thread_local bool thread_ended = false;

/// Hands out cells, and knows every thread's. One a process, never destroyed: threads may count
/// while the process ends. Thread-safe.
class CellStore {
 public:
  static CellStore& instance() {
    static CellStore* const store = new CellStore;
    return *store;
  }

  /// The first of `count` (1..kCellsPerPage) consecutive cells in one page, all zero.
  uint32_t allocate(uint32_t count) {
    std::lock_guard lock(mutex_);
    if (auto free = free_.find(count); free != free_.end() && !free->second.empty()) {
      const uint32_t first = free->second.back();
      free->second.pop_back();
      return first;
    }
    const uint32_t left = kCellsPerPage - next_ % kCellsPerPage;
    if (count > left) {  // single cells will fill the rest of this page
      for (uint32_t i = 0; i < left; ++i) free_[1].push_back(next_ + i);
      next_ += left;
    }
    if (next_ + count > kMaxPages * kCellsPerPage) {
      ++exhausted_;
      return 0;
    }
    return std::exchange(next_, next_ + count);
  }

  /// The cells become zero and may be handed out again. REQUIRES: nobody counts in them any more.
  void release(uint32_t first, uint32_t count) {
    if (first < kCellsPerPage) return;
    std::lock_guard lock(mutex_);
    for (Directory* directory : directories_) {
      Page* page = directory->pages[first / kCellsPerPage].load(std::memory_order_acquire);
      for (uint32_t i = 0; page != nullptr && i < count; ++i) {
        page->cells[first % kCellsPerPage + i].store(0, std::memory_order_relaxed);
      }
    }
    free_[count].push_back(first);
  }

  /// A directory for the calling thread to write: one that an ended thread left, or a new one.
  Directory* adopt() {
    std::lock_guard lock(mutex_);
    if (!orphans_.empty()) {
      Directory* directory = orphans_.back();
      orphans_.pop_back();
      return directory;
    }
    directories_.push_back(new Directory);
    return directories_.back();
  }
  void leave(Directory* directory) {
    std::lock_guard lock(mutex_);
    orphans_.push_back(directory);
  }

  /// For a thread whose thread-local objects are being destroyed: it has given its cells away.
  template <class Change>
  void change_late(uint32_t cell, Change change) {
    std::lock_guard lock(mutex_);
    if (late_ == nullptr) directories_.push_back(late_ = new Directory);
    std::atomic<Page*>& page = late_->pages[cell / kCellsPerPage];
    if (page.load(std::memory_order_relaxed) == nullptr) {
      page.store(new Page, std::memory_order_release);
    }
    Cell& value = page.load(std::memory_order_relaxed)->cells[cell % kCellsPerPage];
    value.store(change(value.load(std::memory_order_relaxed)), std::memory_order_relaxed);
  }

  /// All directories in a fixed order; they are never freed.
  std::vector<Directory*> directories() const {
    std::lock_guard lock(mutex_);
    return directories_;
  }
  uint64_t exhausted() const {
    std::lock_guard lock(mutex_);
    return exhausted_;
  }

 private:
  mutable std::mutex mutex_;  // guards all below
  std::vector<Directory*> directories_;
  std::vector<Directory*> orphans_;
  Directory* late_ = nullptr;
  std::map<uint32_t, std::vector<uint32_t>> free_;  // first cells, by length of range
  uint32_t next_ = kCellsPerPage;
  uint64_t exhausted_ = 0;
};

/// Made when a thread first counts, destroyed when the thread ends.
struct ThreadCells {
  ThreadCells() { thread_cells = CellStore::instance().adopt(); }
  ~ThreadCells() {
    CellStore::instance().leave(std::exchange(thread_cells, &no_cells));
    thread_ended = true;
  }
  ThreadCells(const ThreadCells&) = delete;
  ThreadCells& operator=(const ThreadCells&) = delete;
};

/// The calling thread's page `index`, made if need be; null when the thread is ending.
[[gnu::noinline]] inline Page* make_page(uint32_t index) {
  if (thread_ended) return nullptr;
  static thread_local ThreadCells cells;
  std::atomic<Page*>& page = thread_cells->pages[index];
  if (page.load(std::memory_order_relaxed) == nullptr) {
    page.store(new Page, std::memory_order_release);
  }
  return page.load(std::memory_order_relaxed);
}

/// cell = change(cell), in the calling thread's copy of it.
template <class Change>
inline void change_cell(uint32_t cell, Change change) {
  const uint32_t index = cell / kCellsPerPage;
  Page* page = thread_cells->pages[index].load(std::memory_order_relaxed);
  if (page == nullptr) [[unlikely]] {
    page = make_page(index);
    if (page == nullptr) return CellStore::instance().change_late(cell, change);
  }
  Cell& value = page->cells[cell % kCellsPerPage];
  value.store(change(value.load(std::memory_order_relaxed)), std::memory_order_relaxed);
}
inline void add_to_cell(uint32_t cell, uint64_t n) {
  change_cell(cell, [n](uint64_t old) { return old + n; });
}
inline void add_to_cell(uint32_t cell, double n) {
  change_cell(
      cell, [n](uint64_t old) { return std::bit_cast<uint64_t>(std::bit_cast<double>(old) + n); });
}

/// A range of cells with an owner.
class Cells {
 public:
  explicit Cells(uint32_t count) : first_(CellStore::instance().allocate(count)), count_(count) {}
  ~Cells() { CellStore::instance().release(first_, count_); }
  Cells(const Cells&) = delete;
  Cells& operator=(const Cells&) = delete;

  uint32_t operator[](uint32_t i) const { return first_ + i; }
  uint32_t size() const { return count_; }

 private:
  uint32_t first_;
  uint32_t count_;
};

/// Sums cells over the threads that had begun to count when it was made. One thread at a time.
class CellReader {
 public:
  CellReader() : directories_(CellStore::instance().directories()) {}

  uint64_t integer(uint32_t cell) const {
    uint64_t sum = 0;
    for (const Directory* directory : directories_) sum += read(*directory, cell);
    return sum;
  }
  // Grows as its parts do: rounding an addition keeps order, and the order of the parts is fixed.
  double real(uint32_t cell) const {
    double sum = 0;
    for (const Directory* directory : directories_) {
      sum += std::bit_cast<double>(read(*directory, cell));
    }
    return sum;
  }

 private:
  static uint64_t read(const Directory& directory, uint32_t cell) {
    const Page* page = directory.pages[cell / kCellsPerPage].load(std::memory_order_acquire);
    if (page == nullptr) return 0;
    return page->cells[cell % kCellsPerPage].load(std::memory_order_relaxed);
  }

  std::vector<Directory*> directories_;
};

}  // namespace strata::metrics::detail
