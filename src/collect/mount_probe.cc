#include "collect/mount_probe.h"

#include <sys/statfs.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <thread>

#include "collect/fields.h"

namespace strata::collect {

MountStats ask_statfs(const std::string& path) {
  struct statfs info{};
  if (::statfs(path.c_str(), &info) != 0) {
    // Go writes errno's texts in lower case, and the label should read the same.
    return {.error = lower_case(std::strerror(errno))};
  }
  const auto block = static_cast<double>(info.f_bsize);
  return {.size = static_cast<double>(info.f_blocks) * block,
          .free = static_cast<double>(info.f_bfree) * block,
          .available = static_cast<double>(info.f_bavail) * block,
          .files = static_cast<double>(info.f_files),
          .files_free = static_cast<double>(info.f_ffree),
          .error = {}};
}

// Shared by the caller, who may stop waiting, and the thread, which may never end.
struct MountProbe::Round {
  Round(std::vector<std::string> asked, Ask question)
      : paths(std::move(asked)), ask(std::move(question)) {}

  void run() EXCLUDES(mutex) {
    for (const std::string& path : paths) {
      MountStats stats = ask(path);
      const MutexLock lock(mutex);
      answers.push_back(std::move(stats));
      if (abandoned) break;
    }
    const MutexLock lock(mutex);
    ended = true;
    changed.notify_all();
  }

  const std::vector<std::string> paths;
  const Ask ask;
  Mutex mutex;
  CondVar changed;
  std::vector<MountStats> answers GUARDED_BY(mutex);
  bool abandoned GUARDED_BY(mutex) = false;
  bool ended GUARDED_BY(mutex) = false;
};

MountProbe::MountProbe(std::chrono::milliseconds deadline, Ask ask)
    : deadline_(deadline), ask_(std::move(ask)) {}

bool MountProbe::is_stuck(const std::string& path) const {
  return std::ranges::find(stuck_, path, &Stuck::path) != stuck_.end();
}

void MountProbe::forget_recovered() {
  std::erase_if(stuck_, [](const Stuck& stuck) {
    const MutexLock lock(stuck.round->mutex);
    return stuck.round->ended;
  });
}

std::vector<MountStats> MountProbe::round(const std::vector<std::string>& paths) {
  std::vector<MountStats> stats(paths.size(), MountStats{.error = kTimeout});
  forget_recovered();
  if (stuck_.size() >= kMaxStuck) return stats;

  std::vector<size_t> asked;
  std::vector<std::string> to_ask;
  for (size_t i = 0; i < paths.size(); ++i) {
    if (is_stuck(paths[i])) continue;
    asked.push_back(i);
    to_ask.push_back(paths[i]);
  }
  if (to_ask.empty()) return stats;

  const auto round = std::make_shared<Round>(std::move(to_ask), ask_);
  std::thread thread;
  try {
    thread = std::thread([round] { round->run(); });
  } catch (const std::system_error&) {  // no more threads: say so and try again next time
    for (const size_t i : asked) stats[i].error = "cannot start a thread";
    return stats;
  }

  const auto give_up = std::chrono::steady_clock::now() + deadline_;
  bool ended = false;
  {
    MutexLock lock(round->mutex);
    while (!round->ended) {
      const auto left = give_up - std::chrono::steady_clock::now();
      if (left <= left.zero()) break;
      round->changed.wait_for(lock, left);
    }
    ended = round->ended;
    round->abandoned = !ended;
    const size_t answered = round->answers.size();
    for (size_t i = 0; i < answered; ++i) stats[asked[i]] = std::move(round->answers[i]);
    // The thread hangs in the first path without an answer; the others get their turn next time.
    if (!ended && answered < asked.size()) stuck_.push_back({paths[asked[answered]], round});
  }
  if (ended) {
    thread.join();
  } else {
    thread.detach();
  }
  return stats;
}

}  // namespace strata::collect
