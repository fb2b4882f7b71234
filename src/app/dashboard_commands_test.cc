#include "app/dashboard_commands.h"

#include <gmock/gmock.h>

namespace strata::app {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string wrapped(std::string_view text, const DashboardCommands& command = {}) {
  const auto body = wrap_dashboard(text, "file", command);
  return body ? *body : "error: " + body.error().message;
}

TEST(DashboardCommands, ADashboardIsWrapped) {
  EXPECT_EQ(wrapped(R"({"id":7,"uid":"a","title":"A"})", {.folder = "f", .message = "new"}),
            R"({"dashboard":{"id":null,"uid":"a","title":"A"},"folderUid":"f","message":"new",)"
            R"("overwrite":false})");
}

TEST(DashboardCommands, WhatIsABodyAlreadyStaysOne) {
  EXPECT_EQ(wrapped(R"({"dashboard":{"title":"A"},"meta":{}})", {.overwrite = true}),
            R"({"dashboard":{"id":null,"title":"A"},"message":"","overwrite":true})");
}

TEST(DashboardCommands, PanelsAloneGetTheFilesName) {
  for (const char* text : {R"( [{"type":"stat"}])", R"({"panels":[{"type":"stat"}]})"}) {
    EXPECT_EQ(wrapped(text), R"({"dashboard":{"id":null,"title":"file",)"
                             R"("panels":[{"type":"stat"}]},"message":"","overwrite":false})");
  }
}

TEST(DashboardCommands, InputsOfASharedDashboardAreFilled) {
  const auto body = wrapped(
      R"({"__inputs":[{"name":"DS_PROM"}],"__requires":[],"title":"A","x":{"uid":"${DS_PROM}"}})",
      {.data_source = "strata"});
  EXPECT_THAT(body, HasSubstr(R"("x":{"uid":"strata"})"));
  EXPECT_THAT(body, Not(HasSubstr("__")));
}

TEST(DashboardCommands, WhatIsNoDashboardIsRefused) {
  for (const char* text : {"", "{", "7", "{}", "{\"a\":1}", "{\"title\":\"A\"} x"}) {
    EXPECT_THAT(wrapped(text), HasSubstr("error: ")) << text;
  }
}

}  // namespace
}  // namespace strata::app
