#include "gateway/mock_answer.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"
#include "base/number.h"
#include "gateway/json_cursor.h"

namespace strata::gateway {
namespace {

constexpr int64_t kCreated = 1'700'000'000;  // the same for all: answers can be compared
constexpr uint64_t kBytesPerToken = 4;

void append_event(const MockTask& task, std::string_view name, std::string_view json,
                  std::string& out) {
  if (!name.empty()) out.append("event: ").append(name).append(task.line_end);
  out.append("data: ").append(json).append(task.line_end).append(task.line_end);
}

void write_usage(const MockTask& task, uint64_t output, JsonWriter& json) {
  const bool messages = task.api == MockApi::kMessages;
  const bool responses = task.api == MockApi::kResponses;
  const auto number = [&](std::string_view key, uint64_t value) {
    json.key(key).integer(static_cast<int64_t>(value));
  };
  json.begin_object();
  if (messages) {
    number("input_tokens", task.prompt_tokens - task.cached_tokens);
    number("cache_creation_input_tokens", 0);
    number("cache_read_input_tokens", task.cached_tokens);
    number("output_tokens", output);
    json.end_object();
    return;
  }
  number(responses ? "input_tokens" : "prompt_tokens", task.prompt_tokens);
  number("total_tokens", task.prompt_tokens + output);
  number(responses ? "output_tokens" : "completion_tokens", output);
  if (task.cached_tokens > 0) {
    json.key(responses ? "input_tokens_details" : "prompt_tokens_details").begin_object();
    number("cached_tokens", task.cached_tokens);
    json.end_object();
  }
  json.end_object();
}

/// What every chunk of the chat and completions APIs begins with.
void begin_chunk(const MockTask& task, JsonWriter& json) {
  json.begin_object().key("id").string(task.id).key("object");
  json.string(task.api == MockApi::kChat ? "chat.completion.chunk" : "text_completion");
  json.key("created").integer(kCreated).key("model").string(task.model).key("choices");
}

std::string chunk(const MockTask& task, std::string_view delta, std::string_view finish,
                  uint64_t output) {
  std::string out;
  JsonWriter json(out);
  begin_chunk(task, json);
  json.begin_array().begin_object().key("index").integer(0);
  json.key(task.api == MockApi::kChat ? "delta" : "text").raw(delta);
  json.key("logprobs").null().key("finish_reason");
  finish.empty() ? json.null() : json.string(finish);
  json.end_object().end_array();
  if (task.running_usage) write_usage(task, output, json.key("usage"));
  json.end_object();
  return out;
}

std::string delta_of(const MockTask& task, std::string_view text) {
  std::string out;
  if (task.api != MockApi::kChat) {
    append_json_string(out, text);
    return out;
  }
  JsonWriter(out).begin_object().key("content").string(text).end_object();
  return out;
}

std::string spoken(const MockTask& task) {
  std::string text;
  for (uint64_t i = 0; i < task.tokens; ++i) text += mock_word(i);
  return text;
}

/// Anthropic's message, responses' response: the object that both begin and end with.
std::string outer(const MockTask& task, uint64_t output, bool with_text) {
  std::string out;
  JsonWriter json(out);
  const bool messages = task.api == MockApi::kMessages;
  json.begin_object().key("id").string(task.id).key(messages ? "type" : "object");
  json.string(messages ? "message" : "response").key("model").string(task.model);
  json.key(messages ? "content" : "output").begin_array();
  if (with_text) {
    json.begin_object().key("type").string(messages ? "text" : "output_text");
    json.key("text").string(spoken(task)).end_object();
  }
  json.end_array().key("usage");
  messages || with_text ? write_usage(task, output, json) : (void)json.null();
  json.end_object();
  return out;
}

std::string messages_delta(const MockTask& task) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("type").string("message_delta").key("delta").begin_object();
  json.key("stop_reason").string("end_turn").end_object().key("usage").begin_object();
  json.key("output_tokens").integer(static_cast<int64_t>(task.tokens));
  json.end_object().end_object();
  return out;
}

std::optional<uint64_t> header_number(const net::HttpRequest& request, std::string_view name) {
  const auto text = request.headers.get(name);
  return text ? parse_uint(*text) : std::nullopt;
}

void read_headers(const net::HttpRequest& request, MockTask& task) {
  if (const auto ms = header_number(request, "x-mock-ttft-ms")) task.ttft_us = *ms * 1000;
  if (const auto ms = header_number(request, "x-mock-itl-ms")) task.itl_us = *ms * 1000;
  if (const auto count = header_number(request, "x-mock-tokens")) task.tokens = *count;
  if (const auto count = header_number(request, "x-mock-cached")) {
    task.cached_tokens = std::min(*count, task.prompt_tokens);
  }
  task.error_after = header_number(request, "x-mock-error-after");
  task.reset_after = header_number(request, "x-mock-reset-after");
  task.done_word = !request.headers.contains("x-mock-no-done");
  task.comments = request.headers.contains("x-mock-comments");
  const auto line_end = request.headers.value("x-mock-line-end");
  if (line_end == "crlf") task.line_end = "\r\n";
  if (line_end == "cr") task.line_end = "\r";
}

}  // namespace

std::string mock_word(uint64_t index) { return fmt::format("w{} ", index); }

std::optional<MockApi> mock_api(std::string_view path) {
  if (path == "/v1/chat/completions") return MockApi::kChat;
  if (path == "/v1/completions") return MockApi::kCompletions;
  if (path == "/v1/responses") return MockApi::kResponses;
  if (path == "/v1/messages") return MockApi::kMessages;
  if (path == "/v1/embeddings") return MockApi::kEmbeddings;
  return std::nullopt;
}

bool read_mock_task(const net::HttpRequest& request, MockTask& task) {
  JsonCursor json(request.body);
  if (!json.enter_object()) return false;
  std::optional<uint64_t> limit;
  while (const auto key = json.next_member()) {
    if (*key == "stream_options" && json.enter_object()) {
      while (const auto option = json.next_member()) {
        const bool on = json_bool(json.skip_value()).value_or(false);
        if (*option == "include_usage") task.usage_frame = on;
        if (*option == "continuous_usage_stats") task.running_usage = on;
      }
      continue;
    }
    const std::string_view raw = json.skip_value();
    if (*key == "model") {
      task.model = json_string(raw).value_or(task.model);
    } else if (*key == "stream") {
      task.stream = json_bool(raw).value_or(false);
    } else if (*key == "max_tokens" || *key == "max_completion_tokens" ||
               *key == "max_output_tokens") {
      limit = json_uint(raw);
    } else if (*key == "messages" || *key == "prompt" || *key == "input") {
      task.prompt_tokens = std::max<uint64_t>(1, raw.size() / kBytesPerToken);
    }
  }
  if (json.failed()) return false;
  read_headers(request, task);
  if (limit) task.tokens = std::min(task.tokens, *limit);
  task.running_usage = task.running_usage && task.usage_frame;
  return true;
}

void append_opening(const MockTask& task, std::string& out) {
  if (task.api == MockApi::kChat) {
    append_event(task, {}, chunk(task, R"({"role":"assistant","content":""})", {}, 0), out);
  } else if (task.api == MockApi::kResponses) {
    append_event(task, "response.created",
                 R"({"type":"response.created","response":)" + outer(task, 0, false) + "}", out);
  } else if (task.api == MockApi::kMessages) {
    append_event(task, "message_start",
                 R"({"type":"message_start","message":)" + outer(task, 1, false) + "}", out);
    append_event(
        task, "content_block_start",
        R"({"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}})",
        out);
  }
}

void append_token(const MockTask& task, uint64_t index, std::string& out) {
  if (task.comments) out.append(": keep-alive").append(task.line_end).append(task.line_end);
  const std::string word = mock_word(index);
  if (task.api == MockApi::kResponses) {
    append_event(
        task, "response.output_text.delta",
        fmt::format(R"({{"type":"response.output_text.delta","output_index":0,"delta":"{}"}})",
                    word),
        out);
  } else if (task.api == MockApi::kMessages) {
    append_event(
        task, "content_block_delta",
        fmt::format(
            R"({{"type":"content_block_delta","index":0,"delta":{{"type":"text_delta","text":"{}"}}}})",
            word),
        out);
  } else {
    append_event(task, {}, chunk(task, delta_of(task, word), {}, index + 1), out);
  }
}

void append_closing(const MockTask& task, std::string& out) {
  if (task.api == MockApi::kResponses) {
    append_event(
        task, "response.completed",
        R"({"type":"response.completed","response":)" + outer(task, task.tokens, true) + "}", out);
    return;
  }
  if (task.api == MockApi::kMessages) {
    append_event(task, "content_block_stop", R"({"type":"content_block_stop","index":0})", out);
    append_event(task, "message_delta", messages_delta(task), out);
    append_event(task, "message_stop", R"({"type":"message_stop"})", out);
    return;
  }
  const std::string_view none = task.api == MockApi::kChat ? "{}" : "\"\"";
  append_event(task, {}, chunk(task, none, "stop", task.tokens), out);
  if (task.usage_frame) {
    std::string frame;
    JsonWriter json(frame);
    begin_chunk(task, json);
    json.begin_array().end_array();
    write_usage(task, task.tokens, json.key("usage"));
    json.end_object();
    append_event(task, {}, frame, out);
  }
  if (task.done_word) append_event(task, {}, "[DONE]", out);
}

void append_error_event(const MockTask& task, std::string& out) {
  append_event(task, task.api == MockApi::kMessages ? "error" : "",
               R"({"type":"error","error":{"message":"the engine failed","type":"server_error"}})",
               out);
}

std::string whole_answer(const MockTask& task) {
  if (task.api == MockApi::kResponses || task.api == MockApi::kMessages) {
    return outer(task, task.tokens, true);
  }
  std::string out;
  JsonWriter json(out);
  const bool embeddings = task.api == MockApi::kEmbeddings;
  json.begin_object().key("id").string(task.id).key("object");
  json.string(embeddings                   ? "list"
              : task.api == MockApi::kChat ? "chat.completion"
                                           : "text_completion");
  json.key("created").integer(kCreated).key("model").string(task.model);
  if (embeddings) {
    json.key("data").begin_array().begin_object().key("object").string("embedding");
    json.key("index").integer(0).key("embedding").raw("[0.25,-0.5,0.125]");
    json.end_object().end_array();
  } else {
    json.key("choices").begin_array().begin_object().key("index").integer(0);
    if (task.api == MockApi::kChat) {
      json.key("message").begin_object().key("role").string("assistant");
      json.key("content").string(spoken(task)).end_object();
    } else {
      json.key("text").string(spoken(task));
    }
    json.key("finish_reason").string("stop").end_object().end_array();
  }
  write_usage(task, embeddings ? 0 : task.tokens, json.key("usage"));
  json.end_object();
  return out;
}

}  // namespace strata::gateway
