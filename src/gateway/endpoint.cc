#include "gateway/endpoint.h"

#include <algorithm>
#include <array>

namespace strata::gateway {
namespace {

constexpr std::array kEndpoints = std::to_array<Endpoint>({
    {.path = "/v1/chat/completions",
     .json = true,
     .tokens = true,
     .asks_usage = true,
     .estimates = true},
    {.path = "/v1/completions",
     .json = true,
     .tokens = true,
     .asks_usage = true,
     .estimates = true},
    {.path = "/v1/responses", .json = true, .tokens = true, .estimates = true},
    {.path = "/v1/messages", .json = true, .tokens = true, .estimates = true, .exclusive = true},
    {.path = "/v1/messages/count_tokens", .json = true, .exclusive = true},
    {.path = "/v1/embeddings", .json = true, .tokens = true, .estimates = true},
    {.path = "/v1/rerank", .json = true, .tokens = true, .estimates = true},
    {.path = "/v1/score", .json = true, .tokens = true, .estimates = true},
    {.path = "/v1/moderations", .json = true},
    {.path = "/v1/images/generations", .json = true, .tokens = true},
    {.path = "/v1/images/edits", .form = true, .tokens = true},
    {.path = "/v1/audio/speech", .json = true},
    {.path = "/v1/audio/transcriptions", .form = true, .tokens = true},
    {.path = "/v1/audio/translations", .form = true, .tokens = true},
    {.path = "/v1/models"},
});
constexpr Endpoint kOther{.path = "other"};

}  // namespace

const Endpoint& endpoint_of(std::string_view path) {
  const auto* const found = std::ranges::find(kEndpoints, path, &Endpoint::path);
  return found == kEndpoints.end() ? kOther : *found;
}

}  // namespace strata::gateway
