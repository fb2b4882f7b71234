#include "app/agent_push.h"

#include "config/load.h"

namespace strata::app {
namespace {

constexpr std::chrono::seconds kPatience{5};

}  // namespace

AgentPush::AgentPush(net::Loop& loop, metrics::Registry& registry)
    : client_(loop), metrics_(registry) {}

Result<std::unique_ptr<AgentPush>> AgentPush::open(const std::string& file, net::Loop& loop,
                                                   std::string instance,
                                                   metrics::Registry& registry) {
  const auto loaded = TRY(config::load_config(file, real_fs()));
  const config::Config& config = loaded.config;
  if (config.remote_write.empty()) {
    return bad_data(file + ": there is no remote_write in it: where should be pushed to?");
  }
  auto push = std::unique_ptr<AgentPush>(new AgentPush(loop, registry));
  push->interval_ = config.global.scrape_interval;
  const Labels& external = config.global.external_labels;
  LabelsBuilder target;
  if (!external.has("job")) target.set("job", "agent");
  if (!external.has("instance")) target.set("instance", instance);
  push->target_ = target.build();
  for (const auto& remote : config.remote_write) {
    push->pushers_.push_back(std::make_shared<remote::Pusher>(
        remote::PusherDeps{
            .fetch = [client = &push->client_](
                         auto request,
                         auto done) { client->fetch(std::move(request), std::move(done)); },
            .fs = real_fs(),
            .clock = push->clock_,
            .metrics = push->metrics_,
            .after = [&loop](auto pause, auto task) { loop.after(pause, std::move(task)); }},
        remote, external));
  }
  return push;
}

void AgentPush::push(std::span<const MetricFamily> families, TimestampMs at) {
  for (const auto& pusher : pushers_) pusher->push(families, target_, at);
}

void AgentPush::finish() {
  for (const auto& pusher : pushers_) pusher->finish(clock_.now_ms(), kPatience);
}

}  // namespace strata::app
