// A mutex that clang's -Wthread-safety understands: mark what it guards with GUARDED_BY, and
// functions that need it held with REQUIRES. A mutex is private to one class and is never held
// across a call into another module.
#pragma once
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <shared_mutex>

#if defined(__clang__)
#define STRATA_TSA(x) __attribute__((x))
#else
#define STRATA_TSA(x)
#endif
#define CAPABILITY(x) STRATA_TSA(capability(x))
#define SCOPED_CAPABILITY STRATA_TSA(scoped_lockable)
#define GUARDED_BY(x) STRATA_TSA(guarded_by(x))
#define PT_GUARDED_BY(x) STRATA_TSA(pt_guarded_by(x))
#define REQUIRES(...) STRATA_TSA(requires_capability(__VA_ARGS__))
#define ACQUIRE(...) STRATA_TSA(acquire_capability(__VA_ARGS__))
#define RELEASE(...) STRATA_TSA(release_capability(__VA_ARGS__))
#define REQUIRES_SHARED(...) STRATA_TSA(requires_shared_capability(__VA_ARGS__))
#define ACQUIRE_SHARED(...) STRATA_TSA(acquire_shared_capability(__VA_ARGS__))
#define RELEASE_SHARED(...) STRATA_TSA(release_shared_capability(__VA_ARGS__))
#define RELEASE_GENERIC(...) STRATA_TSA(release_generic_capability(__VA_ARGS__))
#define EXCLUDES(...) STRATA_TSA(locks_excluded(__VA_ARGS__))
#define NO_THREAD_SAFETY_ANALYSIS STRATA_TSA(no_thread_safety_analysis)

namespace strata {

class CAPABILITY("mutex") Mutex {
 public:
  void lock() ACQUIRE() { mutex_.lock(); }
  void unlock() RELEASE() { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

class SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~MutexLock() RELEASE() { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

  /// To run something outside the lock; lock() before the scope ends.
  void unlock() RELEASE() { mutex_.unlock(); }
  void lock() ACQUIRE() { mutex_.lock(); }
  /// For CondVar; the lock is held again when wait returns.
  Mutex& mutex() { return mutex_; }

 private:
  Mutex& mutex_;
};

/// Many readers or one writer.
class CAPABILITY("mutex") SharedMutex {
 public:
  void lock() ACQUIRE() { mutex_.lock(); }
  void unlock() RELEASE() { mutex_.unlock(); }
  void lock_shared() ACQUIRE_SHARED() { mutex_.lock_shared(); }
  void unlock_shared() RELEASE_SHARED() { mutex_.unlock_shared(); }

 private:
  std::shared_mutex mutex_;
};

class SCOPED_CAPABILITY WriterLock {
 public:
  explicit WriterLock(SharedMutex& mutex) ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~WriterLock() RELEASE() { mutex_.unlock(); }
  WriterLock(const WriterLock&) = delete;
  WriterLock& operator=(const WriterLock&) = delete;

 private:
  SharedMutex& mutex_;
};

class SCOPED_CAPABILITY ReaderLock {
 public:
  explicit ReaderLock(SharedMutex& mutex) ACQUIRE_SHARED(mutex) : mutex_(mutex) {
    mutex_.lock_shared();
  }
  ~ReaderLock() RELEASE_GENERIC() { mutex_.unlock_shared(); }
  ReaderLock(const ReaderLock&) = delete;
  ReaderLock& operator=(const ReaderLock&) = delete;

 private:
  SharedMutex& mutex_;
};

/// Waits on a Mutex that is held through a MutexLock. Use a while loop around wait().
class CondVar {
 public:
  void wait(MutexLock& lock) NO_THREAD_SAFETY_ANALYSIS { condition_.wait(lock.mutex()); }
  /// False when `timeout` passed first.
  template <class Rep, class Period>
  bool wait_for(MutexLock& lock,
                std::chrono::duration<Rep, Period> timeout) NO_THREAD_SAFETY_ANALYSIS {
    return condition_.wait_for(lock.mutex(), timeout) == std::cv_status::no_timeout;
  }
  void notify_one() { condition_.notify_one(); }
  void notify_all() { condition_.notify_all(); }

 private:
  std::condition_variable_any condition_;
};

}  // namespace strata
