#include "gateway/usage_request.h"

#include "gateway/json_cursor.h"

namespace strata::gateway {
namespace {

constexpr std::string_view kFrame = "include_usage";
constexpr std::string_view kRunning = "continuous_usage_stats";

std::string options_with(std::string_view others, bool running) {
  std::string out = "{\"include_usage\":true";
  if (running) out += ",\"continuous_usage_stats\":true";
  return out.append(others).append("}");
}

}  // namespace

UsageRequest request_usage(const BodyScanner& prompt, bool running) {
  UsageRequest request;
  const FoundMember& options = prompt[kStreamOptions];
  if (options.times == 0) {
    if (prompt.inside() == 0) return request;
    request.splice =
        Splice{prompt.inside(), 0,
               "\"stream_options\":" + options_with({}, running) + (prompt.bare() ? "" : ",")};
    return request;
  }
  if (options.times > 1 || options.cut) return request;
  std::string others;
  if (!json_null(options.value)) {
    JsonCursor json(options.value);
    if (!json.enter_object()) return request;  // the engine will refuse it
    while (const auto key = json.next_member()) {
      const std::string_view raw = json.skip_value();
      if (*key == kFrame) {
        request.client_wants_frame = json_bool(raw).value_or(false);
      } else if (*key == kRunning) {
        request.client_wants_running = json_bool(raw).value_or(false);
      } else {
        others.append(",\"").append(*key).append("\":").append(raw);
      }
    }
    if (json.failed()) return request;
  }
  if (request.client_wants_frame && (request.client_wants_running || !running)) return request;
  request.splice =
      Splice{options.begin, options.end - options.begin, options_with(others, running)};
  return request;
}

}  // namespace strata::gateway
