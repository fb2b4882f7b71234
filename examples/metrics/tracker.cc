// The requests of an application to a model, measured as they should be: streams, errors and
// clients that leave. In C++ what examples/python/ does for Python.
#include <strata/metrics/request_tracker.h>

#include <cstdio>
#include <functional>
#include <stdexcept>
#include <string>

namespace metrics = strata::metrics;

/// Stands for a client of an engine: calls `token` for each token of the answer, false from it ends
/// the stream.
metrics::RequestTracker::Usage ask_engine(const std::string& prompt,
                                          const std::function<bool(const std::string&)>& token) {
  if (prompt.empty()) throw std::runtime_error("no prompt");
  uint64_t said = 0;
  for (const char* word : {"a", "short", "answer"}) {
    ++said;
    if (!token(word)) break;
  }
  return {.input = prompt.size() / 4, .output = said, .cached = 0};
}

std::string answer(metrics::RequestMetrics& metrics, const std::string& tenant,
                   const std::string& prompt, bool client_stays) {
  metrics::RequestTracker request(metrics, "llama-3.3-70b", "/v1/chat/completions", tenant);
  std::string text;
  bool left = false;
  request.usage(ask_engine(prompt, [&](const std::string& word) {
    request.token();
    text += word + " ";
    left = !client_stays;
    return !left;
  }));
  if (!left) request.ok();  // else it counts as cancelled, with the tokens that were made
  return text;
}

int main() {
  metrics::Registry registry;
  metrics::RequestMetrics metrics(registry, {.models = {"llama-3.3-70b"}});
  answer(metrics, "search", "What is a token?", true);
  answer(metrics, "search", "What is a token?", false);
  try {
    answer(metrics, "chat", "", true);  // counts as upstream_error
  } catch (const std::runtime_error& error) {
    std::fprintf(stderr, "failed: %s\n", error.what());
  }
  std::puts(registry.text().c_str());
}
