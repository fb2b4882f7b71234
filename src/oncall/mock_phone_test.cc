#include "oncall/mock_phone.h"

#include <gtest/gtest.h>

namespace strata::oncall {
namespace {

net::HttpRequest request(std::string path, std::string body, std::string key = "") {
  net::HttpRequest out{.method = "POST", .path = std::move(path)};
  out.headers.set("Content-Type",
                  body.starts_with('{') ? "application/json" : "application/x-www-form-urlencoded");
  if (!key.empty()) out.headers.set("Idempotency-Key", key);
  out.body = std::move(body);
  return out;
}

TEST(MockPhone, ReadsWhatPhoneConfigsSend) {
  const auto call = read_mock_call(
      request("/phone", R"({"to":"+1","text":"P0","ack_url":"http://s/ack/1","id":"x"})", "k"));
  EXPECT_EQ(call.kind, "phone");
  EXPECT_EQ(call.to, "+1");
  EXPECT_EQ(call.text, "P0");
  EXPECT_EQ(call.ack_url, "http://s/ack/1");
  EXPECT_EQ(call.key, "k");
}

TEST(MockPhone, ReadsWhatTwilioIsSent) {
  const auto call = read_mock_call(
      request("/2010-04-01/Accounts/AC1/Calls.json",
              "To=%2B2&Twiml=%3CResponse%3E%3CGather+action%3D%22http%3A%2F%2Fs%2Fack%2F1%22%3E"
              "%3CSay+language%3D%22en%22%3EP0%3C%2FSay%3E%3C%2FGather%3E%3C%2FResponse%3E"));
  EXPECT_EQ(call.kind, "phone");
  EXPECT_EQ(call.to, "+2");
  EXPECT_EQ(call.text, "P0");
  EXPECT_EQ(call.ack_url, "http://s/ack/1");
  const auto sms = read_mock_call(request("/2010-04-01/Accounts/A/Messages.json", "To=2&Body=hi"));
  EXPECT_EQ(sms.kind + " " + sms.text, "sms hi");
}

TEST(MockPhone, ReadsWebhooksOfCallsAndOfAlerts) {
  const auto call = read_mock_call(request(
      "/chat", R"({"status":"firing","groupKey":"oncall/page/4","commonLabels":{"alertname":"A"},)"
               R"("commonAnnotations":{"oncall_summary":"P0: A","oncall_person":"bob"}})"));
  EXPECT_EQ(call.kind, "chat");
  EXPECT_EQ(call.to, "bob");
  EXPECT_EQ(call.text, "P0: A");
  EXPECT_EQ(call.key, "oncall/page/4");
  const auto alert = read_mock_call(
      request("/", R"({"status":"resolved","groupKey":"{}:{}","commonLabels":{"alertname":"A"},)"
                   R"("commonAnnotations":{"summary":"all well"}})"));
  EXPECT_EQ(alert.kind, "message");
  EXPECT_EQ(alert.text, "resolved: A, all well");
  EXPECT_EQ(alert.key, "") << "a group is told of more than once";
}

}  // namespace
}  // namespace strata::oncall
