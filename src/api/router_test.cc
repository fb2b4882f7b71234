#include "api/router.h"

#include <gtest/gtest.h>

#include <set>

namespace strata::api {
namespace {

TEST(Router, FindsPathsAndTheirVariablePart) {
  EXPECT_EQ(find_route("GET", "/api/v1/query").route->path, "/api/v1/query");
  const auto label = find_route("GET", "/api/v1/label/job/values");
  ASSERT_NE(label.route, nullptr);
  EXPECT_EQ(label.parameter, "job");
  for (const auto* path : {"/api/v1/label//values", "/api/v1/label/a/b/values", "/api/v1/label/a",
                           "/api/v1/quer", "/api/v1/query/", "", "/api/v2/alert"}) {
    EXPECT_EQ(find_route("GET", path).route, nullptr) << path;
  }
}

TEST(Router, KnowsWhichMethodsAPathTakes) {
  EXPECT_TRUE(find_route("POST", "/api/v1/query").method_allowed);
  EXPECT_TRUE(find_route("HEAD", "/api/v1/query").method_allowed);
  EXPECT_FALSE(find_route("DELETE", "/api/v1/query").method_allowed);
  EXPECT_FALSE(find_route("GET", "/-/reload").method_allowed);
  EXPECT_TRUE(find_route("POST", "/-/reload").method_allowed);
  EXPECT_FALSE(find_route("GE", "/api/v1/query").method_allowed);
}

TEST(Router, NoPathTwice) {
  std::set<std::string_view> paths;
  for (const auto& route : routes()) EXPECT_TRUE(paths.insert(route.path).second) << route.path;
}

TEST(Errors, HavePrometheusStatusAndType) {
  const std::tuple<ErrorCode, int, std::string_view> cases[] = {
      {ErrorCode::kBadData, 400, "bad_data"},        {ErrorCode::kNotFound, 404, "not_found"},
      {ErrorCode::kExecution, 422, "execution"},     {ErrorCode::kLimit, 422, "execution"},
      {ErrorCode::kTimeout, 503, "timeout"},         {ErrorCode::kCanceled, 499, "canceled"},
      {ErrorCode::kUnavailable, 503, "unavailable"}, {ErrorCode::kIo, 500, "internal"},
      {ErrorCode::kCorruption, 500, "internal"},     {ErrorCode::kInternal, 500, "internal"},
  };
  for (const auto& [code, status, type] : cases) {
    EXPECT_EQ(http_status(code), status);
    EXPECT_EQ(error_type(code), type);
  }
  const auto response = error_response(Error{ErrorCode::kBadData, "say \"what\""});
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.body, R"({"status":"error","errorType":"bad_data","error":"say \"what\""})");
}

TEST(Success, CarriesWarningsAndInfos) {
  net::HttpRequest request;
  auto call = Call::make(request, {});
  ASSERT_TRUE(call);
  EXPECT_EQ(success(*call, "[]").body, R"({"status":"success","data":[]})");
  call->warnings.emplace_back("cut");
  call->infos.emplace_back("rate of a gauge");
  EXPECT_EQ(success(*call, "[1]").body,
            R"({"status":"success","data":[1],"warnings":["cut"],"infos":["rate of a gauge"]})");
}

}  // namespace
}  // namespace strata::api
