#include "gateway/engine_load.h"

#include <algorithm>
#include <array>

#include "base/number.h"

namespace strata::gateway {
namespace {

constexpr std::array<std::string_view, 6> kNames = {
    "vllm:num_requests_running", "vllm:num_requests_waiting",   "sglang:num_running_reqs",
    "sglang:num_queue_reqs",     "trtllm_num_requests_running", "trtllm_num_requests_waiting"};

}  // namespace

std::optional<double> engine_load(std::string_view text) {
  std::optional<double> sum;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::string_view name = line.substr(0, line.find_first_of("{ "));
    if (std::ranges::find(kNames, name) == kNames.end()) continue;
    const size_t labels = line.rfind('}');
    const std::string_view rest = line.substr(labels == line.npos ? name.size() : labels + 1);
    const size_t begin = rest.find_first_not_of(' ');
    if (begin == rest.npos) continue;
    const auto value = parse_double(rest.substr(begin, rest.find_first_of(" \r", begin) - begin));
    if (value && *value >= 0 && *value < 1e9) sum = sum.value_or(0) + *value;
  }
  return sum;
}

}  // namespace strata::gateway
