#include "app/remote_write.h"

#include <pthread.h>

#include <algorithm>

#include "base/log.h"

namespace strata::app {

RemoteWrite::RemoteWrite(RemoteWriteDeps deps)
    : deps_(std::move(deps)),
      metrics_(deps_.registry),
      highest_(deps_.registry.callback_gauge(
          "prometheus_remote_storage_highest_timestamp_in_seconds",
          "The newest sample that is there to be sent.",
          [&db = deps_.db] { return static_cast<double>(db.stats().head_max_time) / 1000; })),
      samples_in_(deps_.registry.callback_counter(
          "prometheus_remote_storage_samples_in_total",
          "Samples that were stored, and so are there to be sent.",
          [&db = deps_.db] { return static_cast<double>(db.stats().samples.appended); })) {}

RemoteWrite::~RemoteWrite() { stop(); }

Result<> RemoteWrite::apply(const config::Config& config) {
  stop();
  TRY(deps_.fs.create_directories(deps_.directory));
  for (const auto& target : config.remote_write) {
    if (target.send_exemplars) {
      log_warn("remote write sends no exemplars yet", {{"url", target.url}});
    }
    auto writer = remote::Writer::open({.db = deps_.db,
                                        .fetch = deps_.fetch,
                                        .fs = deps_.fs,
                                        .clock = deps_.clock,
                                        .metrics = metrics_,
                                        .families = deps_.families,
                                        .progressed = [this] { keep_log(); }},
                                       target, config.global.external_labels, deps_.directory);
    if (!writer) {
      running_.clear();
      return std::unexpected(writer.error().within("remote_write " + target.url));
    }
    running_.push_back({.writer = std::move(*writer), .thread = {}});
  }
  keep_log();
  forget_others();
  for (auto& running : running_) {
    running.thread = std::jthread([writer = running.writer.get()](std::stop_token stop) {
      pthread_setname_np(pthread_self(), "remote");
      writer->run(std::move(stop));
    });
  }
  return {};
}

void RemoteWrite::stop() {
  for (auto& running : running_) running.thread.request_stop();  // all of them, then wait
  for (auto& running : running_) {
    if (running.thread.joinable()) running.thread.join();
  }
  running_.clear();
}

// For whoever is furthest behind.
void RemoteWrite::keep_log() const {
  uint64_t needed = UINT64_MAX;
  for (const auto& running : running_) needed = std::min(needed, running.writer->needs_segment());
  deps_.db.keep_log(needed, deps_.buffer_bytes);
}

// A target that was taken out of the configuration begins anew when it comes back.
void RemoteWrite::forget_others() const {
  const auto entries = deps_.fs.list(deps_.directory);
  if (!entries) return;
  for (const auto& entry : *entries) {
    const bool known = std::ranges::any_of(running_, [&](const Running& running) {
      return remote::Writer::position_name(running.writer->config()) == entry.name;
    });
    if (!known && !entry.is_directory) (void)deps_.fs.remove(deps_.directory + "/" + entry.name);
  }
}

}  // namespace strata::app
