#include "api/api_for_test.h"

namespace strata::api {
namespace {

TEST_F(ApiTest, CardinalityNamesWhatSeriesAreMadeOf) {
  config::ScrapeConfig job;
  job.job_name = "engines";
  add_job(job, {"127.0.0.1:1"});
  const auto text = body("/api/v1/status/cardinality?limit=1");
  for (const auto* part :
       {R"("status":"success")", R"("headSeries":4)", R"("growth":[])", R"("job":"engines")",
        R"("mode":"report")", R"("target":"http://127.0.0.1:1/metrics")",
        R"("metrics":[{"name":"up","series":2}])"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " in " << text;
  }
  for (const auto* limit : {"0", "x", "1001"}) {
    EXPECT_EQ(ask(fmt::format("/api/v1/status/cardinality?limit={}", limit)).status, 400) << limit;
  }
}

TEST_F(ApiTest, ProbesAreAnsweredLaterAndOnlyWhenThereAreAny) {
  EXPECT_EQ(ask("/probe?target=a").status, 404);
  server_.reset();
  auto with_probe = services();
  with_probe.probe = [this](const net::HttpRequest& request, std::stop_token, auto done) {
    auto text = request.query;
    ASSERT_TRUE(work_->submit(Lane::kQuery, [text, done = std::move(done)]() mutable {
      done(net::text_response(200, text));
    }));
  };
  serve(std::move(with_probe));
  EXPECT_EQ(body("/probe?target=a"), "target=a");
  EXPECT_EQ(ask("/probe", "POST").status, 404);
}

}  // namespace
}  // namespace strata::api
