#include "gateway/replay.h"

#include <gtest/gtest.h>

#include "gateway/mock_engine.h"

namespace strata::gateway {
namespace {

RequestRecord row_of(TimestampMs at, std::string endpoint, bool stream, uint64_t input,
                     uint64_t output) {
  RequestRecord row;
  row.at_ms = at;
  row.model = "m";
  row.endpoint = std::move(endpoint);
  row.stream = stream;
  row.usage.input = input;
  row.usage.output = output;
  return row;
}

TEST(Replay, AsksAgainWhatTheLedgerSaysInTheOrderOfItsTimes) {
  net::Loop loop("replay");
  loop.start();
  auto engine = MockEngine::start(loop, {.listen = "127.0.0.1:0", .tokens = 1000});
  ASSERT_TRUE(engine) << engine.error().message;
  Replay replay(loop, {.target = "http://" + (*engine)->address(), .speed = 1000});
  const auto result = replay.run(
      {row_of(9000, "/v1/chat/completions", true, 100, 7),
       row_of(1000, "/v1/completions", false, 10, 3), row_of(1000, "/v1/messages", true, 10, 4),
       row_of(1000, "/v1/responses", true, 10, 5), row_of(2000, "/v1/embeddings", false, 30, 0),
       row_of(3000, "/v1/audio/transcriptions", false, 1, 1)});
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->asked, 5u);
  EXPECT_EQ(result->ok, 5u);
  EXPECT_EQ(result->passed_over, 1u);
  EXPECT_EQ(result->output_tokens, 19u);
  EXPECT_EQ((*engine)->stats().generated_tokens, 19u);
  EXPECT_GE(result->input_tokens, 160u);
  EXPECT_EQ(result->first_token_seconds.size(), 3u);
  EXPECT_EQ(result->duration_seconds.size(), 5u);
  EXPECT_GE(result->seconds, 0.008);
}

TEST(Replay, CountsWhatFails) {
  net::Loop loop("replay");
  loop.start();
  Replay replay(loop, {.target = "http://127.0.0.1:1", .speed = 0});
  const auto result = replay.run({row_of(1000, "/v1/completions", false, 10, 3)});
  ASSERT_TRUE(result);
  EXPECT_EQ(result->asked, 1u);
  EXPECT_EQ(result->ok, 0u);
  EXPECT_FALSE(Replay(loop, {.target = "nonsense"}).run({}));
}

}  // namespace
}  // namespace strata::gateway
