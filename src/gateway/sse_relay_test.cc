#include "gateway/sse_relay.h"

#include <gtest/gtest.h>

#include <vector>

namespace strata::gateway {
namespace {

constexpr SseRelay::Options kStrip{
    .strip_frame = true, .strip_members = true, .strip_null_usage = true};

/// What a client gets of pieces of a stream.
std::string relayed(SseRelay& relay, const std::vector<std::string_view>& pieces) {
  std::string out;
  for (const auto piece : pieces) out += relay.feed(piece);
  return out.append(relay.finish());
}

std::string with_line_ends(std::string text, std::string_view end) {
  for (size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += end.size()) {
    text.replace(at, 1, end);
  }
  return text;
}

const std::string kAsked =
    "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}],\"usage\":null}\n\n"
    ": keep-alive\n\n"
    "data:{\"choices\":[{\"delta\":{\"content\":\"a\"}}], \"usage\" : "
    "{\"prompt_tokens\":5,\"completion_tokens\":1}}\n\n"
    "event: x\ndata: "
    "{\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":2},\"choices\":[{\"delta\":{\"content\":"
    "\"b\"}}]}\nid: 7\n\n"
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":2}}\n\n"
    "data: [DONE]\n\n";
const std::string kNotAsked =
    "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n"
    ": keep-alive\n\n"
    "data:{\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n"
    "event: x\ndata: {\"choices\":[{\"delta\":{\"content\":\"b\"}}]}\nid: 7\n\n"
    "data: [DONE]\n\n";

TEST(SseRelay, TakesOutExactlyWhatWasAskedForWhereverTheStreamIsCut) {
  for (const std::string_view line_end : {"\n", "\r\n", "\r"}) {
    const std::string asked = with_line_ends(kAsked, line_end);
    const std::string wanted = with_line_ends(kNotAsked, line_end);
    for (size_t cut = 0; cut <= asked.size(); ++cut) {
      const std::string_view whole = asked;
      SseRelay relay(kStrip);
      ASSERT_EQ(relayed(relay, {whole.substr(0, cut), whole.substr(cut)}), wanted) << cut;
      ASSERT_TRUE(relay.done());
      ASSERT_TRUE(relay.final_usage());
      ASSERT_EQ(relay.content_events(), 2u);
      ASSERT_EQ(relay.usage().output, 2u);
      ASSERT_EQ(relay.usage().input, 5u);
    }
    std::vector<std::string_view> bytes;
    for (size_t i = 0; i < asked.size(); ++i) bytes.push_back(std::string_view(asked).substr(i, 1));
    SseRelay relay(kStrip);
    EXPECT_EQ(relayed(relay, bytes), wanted);
  }
}

TEST(SseRelay, PassesEverythingAsItCameWhenNothingIsStripped) {
  for (size_t cut = 0; cut <= kAsked.size(); ++cut) {
    const std::string_view whole = kAsked;
    SseRelay relay({});
    ASSERT_EQ(relay.feed(whole.substr(0, cut)), whole.substr(0, cut));
    ASSERT_EQ(relay.feed(whole.substr(cut)), whole.substr(cut));
    ASSERT_EQ(relay.finish(), "");
    ASSERT_EQ(relay.usage().output, 2u);
  }
}

TEST(SseRelay, ReadsSeveralDataLinesAndALastEventWithoutAnEnd) {
  SseRelay relay(kStrip);
  const std::string stream =
      "data: {\"choices\":[{\"text\":\"x\"}],\ndata: \"usage\":{\"completion_tokens\":3}}\n\n"
      "data: {\"choices\":[{\"text\":\"y\"}]}";
  EXPECT_EQ(relayed(relay, {stream}), stream);
  EXPECT_EQ(relay.content_events(), 2u);
  EXPECT_EQ(relay.usage().output, 3u);
  EXPECT_FALSE(relay.done());
}

TEST(SseRelay, SeesErrorsInsideAStream) {
  for (const char* event : {"{\"error\":{\"message\":\"x\"}}", "{\"object\":\"error\"}",
                            "{\"type\":\"error\",\"error\":{}}"}) {
    SseRelay relay(kStrip);
    const std::string stream = std::string("data: ") + event + "\n\n";
    EXPECT_EQ(relayed(relay, {stream}), stream);
    EXPECT_TRUE(relay.error()) << event;
  }
  SseRelay relay(kStrip);
  const std::string named = "event: error\r\ndata: {\"code\":500,\"message\":\"x\"}\r\n\r\n";
  EXPECT_EQ(relayed(relay, {named}), named);
  EXPECT_TRUE(relay.error());
}

TEST(SseRelay, LetsAKeepAliveGoBeforeItsEmptyLine) {
  SseRelay relay(kStrip);
  EXPECT_EQ(relay.feed(": ping\n"), ": ping\n");
  EXPECT_EQ(relay.feed("data: 1"), "");
  EXPECT_EQ(relay.feed("\n\n"), "data: 1\n\n");
}

TEST(SseRelay, PassesAnEventThatIsTooLongUnread) {
  SseRelay relay(kStrip);
  std::string event =
      "data: {\"x\":\"" + std::string(2 * SseRelay::kMaxEvent, 'y') + "\",\"usage\":null}\n\n";
  std::string out;
  for (size_t at = 0; at < event.size(); at += 5000) {
    out += relay.feed(std::string_view(event).substr(at, 5000));
  }
  out += relay.feed("data: {\"usage\":null,\"choices\":[]}\n\n");
  EXPECT_TRUE(out == event + "data: {\"choices\":[]}\n\n");
  EXPECT_EQ(relay.oversized(), 1u);
}

TEST(SseRelay, ReadsAnthropicsAndTheResponsesApisUsage) {
  SseRelay messages({.exclusive_usage = true});
  messages.feed(
      "data: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":3,"
      "\"cache_creation_input_tokens\":12304,\"cache_read_input_tokens\":7,\"output_tokens\":1}}}"
      "\n\n"
      "data: "
      "{\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\"hi\"}}\n\n"
      "data: "
      "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_"
      "tokens\":550}}\n\n");
  EXPECT_EQ(messages.usage().input, 3u);
  EXPECT_EQ(messages.usage().cache_write, 12304u);
  EXPECT_EQ(messages.usage().cached, 7u);
  EXPECT_EQ(messages.usage().output, 550u);
  EXPECT_EQ(messages.content_events(), 1u);

  SseRelay responses({});
  responses.feed(
      "data: {\"type\":\"response.output_text.delta\",\"delta\":\"hi\"}\n\n"
      "data: "
      "{\"type\":\"response.completed\",\"response\":{\"output\":[],\"usage\":{\"input_tokens\":10,"
      "\"input_tokens_details\":{\"cached_tokens\":4},\"output_tokens\":9,"
      "\"output_tokens_details\":{\"reasoning_tokens\":6}}}}\n\n");
  EXPECT_EQ(responses.usage().input, 6u);
  EXPECT_EQ(responses.usage().cached, 4u);
  EXPECT_EQ(responses.usage().output, 9u);
  EXPECT_EQ(responses.usage().reasoning, 6u);
  EXPECT_TRUE(responses.final_usage());
}

}  // namespace
}  // namespace strata::gateway
