#include "notify/sender.h"

#include <algorithm>

#include "base/json.h"
#include "base/log.h"
#include "base/rfc3339.h"
#include "discover/discovery.h"
#include "discover/relabel.h"

namespace strata::notify {
namespace {

/// As Prometheus posts it (models.PostableAlert of Alertmanager's API v2).
std::string encoded(const rules::AlertNotice& alert, const Labels& labels) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("annotations").begin_object();
  for (const auto& [name, value] : alert.annotations) json.key(name).string(value);
  json.end_object().key("endsAt").string(rfc3339(alert.ends_at));
  json.key("startsAt").string(rfc3339(alert.starts_at));
  if (!alert.generator_url.empty()) json.key("generatorURL").string(alert.generator_url);
  json.key("labels").begin_object();
  for (const Label& label : labels) json.key(label.name).string(label.value);
  json.end_object().end_object();
  return out;
}

std::vector<EncodedAlert> encoded(std::span<const rules::AlertNotice> alerts,
                                  std::span<const config::RelabelConfig> rules) {
  std::vector<EncodedAlert> out;
  out.reserve(alerts.size());
  LabelsBuilder labels;
  for (const rules::AlertNotice& alert : alerts) {
    if (rules.empty()) {
      out.push_back(std::make_shared<const std::string>(encoded(alert, alert.labels)));
      continue;
    }
    labels.reset(alert.labels);
    if (!discover::relabel(rules, labels)) continue;
    out.push_back(std::make_shared<const std::string>(encoded(alert, labels.build())));
  }
  return out;
}

}  // namespace

Sender::Sender(SenderDeps deps, SendLimits limits)
    : deps_(std::move(deps)),
      limits_(limits),
      metrics_(deps_.registry),
      discovered_(deps_.registry.callback_gauge(
          "prometheus_notifications_alertmanagers_discovered",
          "Alertmanagers that alerts are sent to.",
          [this] { return static_cast<double>(alertmanagers().active.size()); })) {
  metrics_.queue_capacity.set(static_cast<double>(limits_.capacity));
}

Sender::~Sender() { end(deps_.clock.steady()); }

void Sender::close(List& list) {
  for (const auto& [url, queue] : list.queues) queue->close();
}

void Sender::apply(const config::Config& config) {
  MutexLock lock(mutex_);
  std::map<std::string, List> lists;
  for (const auto& job : discover::alertmanager_jobs(config)) {
    const config::AlertmanagerConfig& wanted = config.alerting.alertmanagers[lists.size()];
    List& list = lists[job.name];
    // What discovery says next replaces Alertmanagers that are not in the list any more.
    const auto before = lists_.find(job.name);
    if (before != lists_.end() && before->second.config.http == wanted.http &&
        before->second.config.timeout == wanted.timeout) {
      list = std::move(before->second);
      lists_.erase(before);
    } else {
      list.client = std::make_shared<const discover::PeerClient>(deps_.fetch, wanted.http, deps_.fs,
                                                                 deps_.clock);
    }
    list.config = wanted;
  }
  for (auto& [name, list] : lists_) close(list);
  lists_ = std::move(lists);
}

void Sender::set_groups(const std::string& name, std::span<const discover::TargetGroup> groups) {
  MutexLock lock(mutex_);
  const auto found = lists_.find(name);
  if (found == lists_.end()) return;
  List& list = found->second;
  list.endpoints = endpoints_of(list.config, groups);
  for (const std::string& error : list.endpoints.errors) {
    log_error("an Alertmanager cannot be told", {{"list", name}, {"error", error}});
  }
  std::map<std::string, std::shared_ptr<SendQueue>> queues;
  for (const std::string& url : list.endpoints.active) {
    auto& queue = queues[url];
    if (const auto before = list.queues.find(url); before != list.queues.end()) {
      queue = std::exchange(before->second, nullptr);
    } else {
      queue = std::make_shared<SendQueue>(url, list.client, list.config.timeout, limits_, metrics_,
                                          deps_.clock);
    }
  }
  std::erase_if(list.queues, [](const auto& entry) { return entry.second == nullptr; });
  close(list);
  list.queues = std::move(queues);
}

bool Sender::has_receivers() const {
  MutexLock lock(mutex_);
  return std::ranges::any_of(lists_,
                             [](const auto& entry) { return !entry.second.queues.empty(); });
}

void Sender::send(std::span<const rules::AlertNotice> alerts) {
  // Sending may call back at once, and must not find the lock held.
  std::vector<std::pair<std::shared_ptr<SendQueue>, std::shared_ptr<std::vector<EncodedAlert>>>>
      to_send;
  {
    MutexLock lock(mutex_);
    for (const auto& [name, list] : lists_) {
      if (list.queues.empty()) continue;
      const auto items = std::make_shared<std::vector<EncodedAlert>>(
          encoded(alerts, list.config.alert_relabel_configs));
      for (const auto& [url, queue] : list.queues) to_send.emplace_back(queue, items);
    }
  }
  for (const auto& [queue, items] : to_send) queue->add(*items);
}

void Sender::stop() { end(deps_.clock.steady() + kDrain); }

void Sender::end(std::chrono::nanoseconds deadline) {
  std::map<std::string, List> lists;
  {
    MutexLock lock(mutex_);
    lists.swap(lists_);
  }
  for (auto& [name, list] : lists) close(list);
  for (const auto& [name, list] : lists) {
    for (const auto& [url, queue] : list.queues) queue->wait(deadline);
  }
}

Endpoints Sender::alertmanagers() const {
  MutexLock lock(mutex_);
  Endpoints all;
  for (const auto& [name, list] : lists_) {
    all.active.insert(all.active.end(), list.endpoints.active.begin(), list.endpoints.active.end());
    all.dropped.insert(all.dropped.end(), list.endpoints.dropped.begin(),
                       list.endpoints.dropped.end());
  }
  return all;
}

}  // namespace strata::notify
