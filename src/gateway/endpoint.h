// The paths that the gateway knows, and what each means for metering. A table; read by anyone.
#pragma once
#include <string_view>

namespace strata::gateway {

struct Endpoint {
  std::string_view path;    // also the label; "other" for what is not known
  bool json = false;        // the body is an object with a model
  bool form = false;        // the body is a form with one (form_body.h)
  bool tokens = false;      // answers tell usage
  bool asks_usage = false;  // knows stream_options
  bool estimates = false;   // without usage, tokens are a share of the bytes
  bool exclusive = false;   // Anthropic's way of counting input (usage.h) and of saying errors

  /// The answer is looked into.
  bool reads_answer() const { return json || form; }
};

/// By the path without its query.
const Endpoint& endpoint_of(std::string_view path);

}  // namespace strata::gateway
