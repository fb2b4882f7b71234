#include "metrics/own_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace strata::metrics {
namespace {

TEST(OwnMetrics, SayWhichBuildThisIs) {
  Registry registry;
  register_build_info(registry);
  register_build_info(registry);
  std::string text = "# before\n";
  append_own_metrics(text, Format::kText, registry);
  EXPECT_THAT(text, testing::StartsWith("# before\n# HELP "));
  EXPECT_THAT(text, testing::HasSubstr("\nstrata_build_info{version=\""));
}

TEST(OwnMetrics, FormatIsTheOneThatAcceptPrefers) {
  struct Case {
    const char* accept;
    Format format;
  };
  const Case cases[] = {
      {"", Format::kText},
      {"*/*", Format::kText},
      {"text/plain", Format::kText},
      {"application/openmetrics-text", Format::kOpenMetrics},
      {"application/openmetrics-text; version=1.0.0; charset=utf-8", Format::kOpenMetrics},
      {"application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
       Format::kOpenMetrics},
      {"text/plain;version=0.0.4;q=0.6,application/openmetrics-text;version=1.0.0;q=0.5",
       Format::kText},
      {"application/openmetrics-text;version=2.0.0", Format::kText},
      {"application/openmetrics-text;q=0", Format::kText},
      {"application/openmetrics-text;q=x", Format::kText},
      {" , ;;, application/openmetrics-text ; q = 0.9 ;", Format::kOpenMetrics},
  };
  for (const Case& c : cases) EXPECT_EQ(negotiate_format(c.accept), c.format) << c.accept;
}

}  // namespace
}  // namespace strata::metrics
