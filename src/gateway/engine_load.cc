#include "gateway/engine_load.h"

#include <algorithm>
#include <array>

#include "base/number.h"

namespace strata::gateway {
namespace {

enum class Kind : uint8_t { kRunning, kWaiting, kKvUsage };
struct Name {
  std::string_view text;
  Kind kind;
};
constexpr auto kNames = std::to_array<Name>({
    {"vllm:num_requests_running", Kind::kRunning},
    {"vllm:num_requests_waiting", Kind::kWaiting},
    {"vllm:kv_cache_usage_perc", Kind::kKvUsage},
    {"vllm:gpu_cache_usage_perc", Kind::kKvUsage},
    {"sglang:num_running_reqs", Kind::kRunning},
    {"sglang:num_queue_reqs", Kind::kWaiting},
    {"sglang:token_usage", Kind::kKvUsage},
    {"trtllm_num_requests_running", Kind::kRunning},
    {"trtllm_num_requests_waiting", Kind::kWaiting},
    {"trtllm_kv_cache_utilization", Kind::kKvUsage},
});
constexpr double kMost = 1e9;

/// The value of a line that begins with a name of `name_size` bytes.
std::optional<double> value_of(std::string_view line, size_t name_size) {
  const size_t labels = line.rfind('}');
  const std::string_view rest = line.substr(labels == line.npos ? name_size : labels + 1);
  const size_t begin = rest.find_first_not_of(' ');
  if (begin == rest.npos) return std::nullopt;
  const auto value = parse_double(rest.substr(begin, rest.find_first_of(" \r", begin) - begin));
  return value && *value >= 0 && *value < kMost ? value : std::nullopt;
}

}  // namespace

std::optional<EngineLoad> engine_load(std::string_view text) {
  EngineLoad load;
  bool told = false;
  double usages = 0;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::string_view name = line.substr(0, line.find_first_of("{ "));
    const auto* const known = std::ranges::find(kNames, name, &Name::text);
    if (known == kNames.end()) continue;
    const auto value = value_of(line, name.size());
    if (!value) continue;
    if (known->kind == Kind::kKvUsage) {
      load.kv_usage += std::min(*value, 1.0);
      ++usages;
    } else {
      told = true;
      (known->kind == Kind::kRunning ? load.running : load.waiting) += *value;
    }
  }
  if (usages > 0) load.kv_usage /= usages;
  return told ? std::optional(load) : std::nullopt;
}

}  // namespace strata::gateway
