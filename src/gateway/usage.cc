#include "gateway/usage.h"

#include "gateway/json_cursor.h"

namespace strata::gateway {
namespace {

/// Whether a member of a delta is something that a person waits for: "" and [] and null are not.
bool says_something(std::string_view raw) {
  return !raw.empty() && raw != "\"\"" && raw != "null" && raw != "[]" && raw != "{}";
}

/// A delta: text (the responses API), or an object whose content has one of many names.
bool has_content(JsonCursor& json) {
  if (!json.enter_object()) {
    const std::string_view raw = json.skip_value();
    return raw.starts_with('"') && says_something(raw);
  }
  bool found = false;
  while (const auto key = json.next_member()) {
    const std::string_view raw = json.skip_value();
    const bool is_about = *key == "role" || *key == "type" || *key == "stop_reason" ||
                          *key == "stop_sequence" || *key == "signature";
    found = found || (!is_about && says_something(raw));
  }
  return found;
}

void read_choices(JsonCursor& json, EventFacts& facts) {
  if (!json.enter_array()) {
    json.skip_value();
    return;
  }
  while (json.next_item()) {
    facts.has_choices = true;
    if (!json.enter_object()) {
      json.skip_value();
      continue;
    }
    while (const auto key = json.next_member()) {
      if (*key == "delta" || *key == "message") {
        facts.has_content = has_content(json) || facts.has_content;
      } else {
        const std::string_view raw = json.skip_value();
        if (*key == "text") facts.has_content = facts.has_content || says_something(raw);
      }
    }
  }
}

/// `response` of the responses API, `message` of Anthropic's message_start.
void read_inner(JsonCursor& json, EventFacts& facts) {
  if (!json.enter_object()) {
    json.skip_value();
    return;
  }
  while (const auto key = json.next_member()) {
    const std::string_view raw = json.skip_value();
    if (*key == "usage" && raw.starts_with('{')) {
      facts.has_usage = true;
      facts.usage = raw;
    } else if (*key == "error" && raw.starts_with('{')) {
      facts.is_error = true;
    }
  }
}

uint64_t member_of(std::string_view object, std::string_view name) {
  JsonCursor json(object);
  if (!json.enter_object()) return 0;
  uint64_t value = 0;
  while (const auto key = json.next_member()) {
    const std::string_view raw = json.skip_value();
    if (*key == name) value = json_uint(raw).value_or(0);
  }
  return value;
}

/// a - b, where a peer's numbers may not add up.
uint64_t less(uint64_t a, uint64_t b) { return a > b ? a - b : 0; }

}  // namespace

std::string_view to_string(UsageSource source) {
  switch (source) {
    case UsageSource::kFinal: return "final";
    case UsageSource::kContinuous: return "continuous";
    case UsageSource::kCounted: return "counted";
    case UsageSource::kEstimated: return "estimated";
    case UsageSource::kNone: break;
  }
  return "none";
}

void read_usage(std::string_view text, bool exclusive, Usage& usage) {
  JsonCursor json(text);
  if (!json.enter_object()) return;
  uint64_t input = 0;
  bool told_input = false;
  while (const auto key = json.next_member()) {
    const std::string_view raw = json.skip_value();
    const auto number = json_uint(raw);
    if (number && (*key == "prompt_tokens" || *key == "input_tokens")) {
      input = *number;
      told_input = true;
    } else if (number && (*key == "completion_tokens" || *key == "output_tokens")) {
      usage.output = *number;
      usage.has_output = true;
    } else if (number && *key == "cache_read_input_tokens") {
      usage.cached = *number;
    } else if (number && *key == "cache_creation_input_tokens") {
      usage.cache_write = *number;
    } else if (*key == "prompt_tokens_details" || *key == "input_tokens_details") {
      usage.cached = member_of(raw, "cached_tokens");
    } else if (*key == "completion_tokens_details" || *key == "output_tokens_details") {
      usage.reasoning = member_of(raw, "reasoning_tokens");
    } else if (number && *key == "reasoning_tokens") {  // SGLang says it beside the others
      usage.reasoning = *number;
    }
  }
  if (!told_input) return;
  usage.has_input = true;
  usage.input = exclusive ? input : less(input, usage.cached + usage.cache_write);
}

Usage read_answer_usage(std::string_view json, bool exclusive) {
  Usage usage;
  const EventFacts facts = read_event(json);
  if (facts.has_usage) read_usage(facts.usage, exclusive, usage);
  return usage;
}

EventFacts read_event(std::string_view text) {
  EventFacts facts;
  JsonCursor json(text);
  if (!json.enter_object()) return facts;
  facts.is_object = true;
  while (const auto key = json.next_member()) {
    if (*key == "choices") {
      read_choices(json, facts);
    } else if (*key == "delta") {
      facts.has_content = has_content(json) || facts.has_content;
    } else if (*key == "response" || *key == "message") {
      read_inner(json, facts);
    } else {
      const std::string_view raw = json.skip_value();
      if (*key == "usage") {
        const char* begin = key->data() - 1;
        facts.usage_member = {begin, static_cast<size_t>(raw.data() + raw.size() - begin)};
        if (raw.starts_with('{')) {
          facts.has_usage = true;
          facts.usage = raw;
        }
      } else if (*key == "error") {
        facts.is_error = facts.is_error || says_something(raw);
      } else if (*key == "type") {
        facts.is_error = facts.is_error || raw == "\"error\"" || raw == "\"response.failed\"";
      } else if (*key == "object") {
        facts.is_error = facts.is_error || raw == "\"error\"";
      }
    }
  }
  if (json.failed()) facts.is_object = false;
  return facts;
}

}  // namespace strata::gateway
