#include "gateway/replay.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/json.h"
#include "base/mutex.h"
#include "gateway/sse_relay.h"
#include "net/url.h"

namespace strata::gateway {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kLate{100};
constexpr std::chrono::hours kLongest{1};  // of a request
constexpr uint64_t kMaxPromptTokens = 4'000'000;

double seconds(Clock::duration time) { return std::chrono::duration<double>(time).count(); }

/// Words that most tokenizers know as one token each.
std::string prompt_of(uint64_t tokens) {
  std::string text;
  for (uint64_t i = 0; i < std::clamp<uint64_t>(tokens, 1, kMaxPromptTokens); ++i) text += "the ";
  return text;
}

/// What the requests of one run() have in common. The loop's thread writes, the caller's waits.
struct Run {
  Mutex mutex;
  CondVar changed;
  size_t in_flight GUARDED_BY(mutex) = 0;
  ReplayResult result GUARDED_BY(mutex);
};

/// One request under way; on the loop's thread once it was sent.
struct Asked {
  explicit Asked(bool exclusive) : relay({.exclusive_usage = exclusive}) {}

  void take(std::string_view piece) {
    relay.feed(piece);
    if (relay.content_events() > 0 && first < began) first = Clock::now();
  }

  SseRelay relay;
  Clock::time_point began = Clock::now();
  Clock::time_point first{};
};

void finish(Run& run, const RequestRecord& row, const Asked& asked,
            const Result<net::ClientResponse>& answer) {
  const bool ok = answer && answer->status / 100 == 2 && !asked.relay.error();
  MutexLock lock(run.mutex);
  ReplayResult& result = run.result;
  if (ok) {
    ++result.ok;
    result.duration_seconds.push_back(seconds(Clock::now() - asked.began));
    if (asked.first >= asked.began) {
      result.first_token_seconds.push_back(seconds(asked.first - asked.began));
    }
    Usage usage = asked.relay.usage();
    if (!row.stream) usage = read_answer_usage(answer->body, row.endpoint == "/v1/messages");
    result.input_tokens += usage.all_input();
    result.output_tokens += usage.any() ? usage.output : asked.relay.content_events();
  }
  --run.in_flight;
  run.changed.notify_one();
}

}  // namespace

std::string replay_body(const RequestRecord& row, const ReplayOptions& options) {
  const std::string text = prompt_of(row.usage.all_input());
  const bool messages = row.endpoint == "/v1/messages";
  const bool responses = row.endpoint == "/v1/responses";
  const bool completions = row.endpoint == "/v1/completions";
  const bool chat = row.endpoint == "/v1/chat/completions";
  const bool embeddings = row.endpoint == "/v1/embeddings";
  if (!messages && !responses && !completions && !chat && !embeddings) return {};
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("model").string(options.model.empty() ? row.model : options.model);
  if (chat || messages) {
    json.key("messages").begin_array().begin_object().key("role").string("user");
    json.key("content").string(text).end_object().end_array();
  } else {
    json.key(completions ? "prompt" : "input").string(text);
  }
  if (!embeddings) {
    json.key(responses ? "max_output_tokens" : "max_tokens");
    json.integer(static_cast<int64_t>(std::max<uint64_t>(1, row.usage.output)));
    json.key("stream").boolean(row.stream);
  }
  if (row.stream && (chat || completions)) {
    json.key("stream_options").begin_object().key("include_usage").boolean(true).end_object();
  }
  if (options.ignore_eos && (chat || completions)) json.key("ignore_eos").boolean(true);
  json.end_object();
  return out;
}

Replay::Replay(net::Loop& loop, ReplayOptions options)
    : loop_(loop), options_(std::move(options)), client_(loop_) {}

Result<ReplayResult> Replay::run(std::vector<RequestRecord> rows) {
  TRY(net::parse_url(options_.target));
  if (rows.size() > kMaxRows) return fail(ErrorCode::kLimit, "more than five million rows");
  std::ranges::stable_sort(rows, {}, &RequestRecord::at_ms);
  const auto run = std::make_shared<Run>();
  const auto began = Clock::now();
  for (const RequestRecord& row : rows) {
    net::ClientRequest request;
    request.body = replay_body(row, options_);
    if (request.body.empty()) {
      MutexLock lock(run->mutex);
      ++run->result.passed_over;
      continue;
    }
    if (options_.speed > 0) {
      const auto offset = static_cast<double>(row.at_ms - rows.front().at_ms) / options_.speed;
      std::this_thread::sleep_until(began +
                                    std::chrono::nanoseconds(static_cast<int64_t>(offset * 1e6)));
    }
    const auto due = Clock::now();
    {
      MutexLock lock(run->mutex);
      while (run->in_flight >= kMaxInFlight) run->changed.wait(lock);
      ++run->in_flight;
      ++run->result.asked;
      if (Clock::now() - due > kLate) ++run->result.late;
    }
    request.method = "POST";
    request.url = options_.target + row.endpoint;
    request.headers.set("Content-Type", "application/json");
    if (!options_.api_key.empty()) {
      request.headers.set("Authorization", "Bearer " + options_.api_key);
    }
    request.timeout = kLongest;
    request.follow_redirects = false;
    const auto asked = std::make_shared<Asked>(row.endpoint == "/v1/messages");
    if (row.stream) {
      request.on_body = [asked](std::string_view piece) { asked->take(piece); };
    }
    client_.fetch(std::move(request), [run, asked, &row](Result<net::ClientResponse> answer) {
      finish(*run, row, *asked, answer);
    });
  }
  MutexLock lock(run->mutex);
  while (run->in_flight > 0) run->changed.wait(lock);
  ReplayResult result = std::move(run->result);
  result.seconds = seconds(Clock::now() - began);
  std::ranges::sort(result.first_token_seconds);
  std::ranges::sort(result.duration_seconds);
  return result;
}

}  // namespace strata::gateway
