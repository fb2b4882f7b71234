#include "oncall/key_press.h"

#include <gtest/gtest.h>

namespace strata::oncall {
namespace {

net::FormValues form(std::string_view text) {
  net::FormValues out;
  EXPECT_TRUE(net::parse_form(text, out));
  return out;
}

// The example of Twilio's documentation ("Validating requests"), whose form is signed so.
TEST(KeyPress, IsSignedAsTwilioSigns) {
  const auto values = form(
      "CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To="
      "%2B18005551212");
  EXPECT_EQ(twilio_signature("12345", "https://mycompany.com/myapp.php?foo=1&bar=2", values),
            "RSOYDt4T1cUTdK1PDd93/VVr8B8=");
}

TEST(KeyPress, OfAnotherKeyAddressOrFormIsRefused) {
  const auto values = form("To=2&Digits=1");
  const std::string url = "https://strata.example:8443/ack/1-2-3";
  const auto signature = twilio_signature("token", url, values);
  EXPECT_TRUE(signed_by_twilio("token", url, values, signature));
  EXPECT_TRUE(signed_by_twilio(
      "token", url, values, twilio_signature("token", "https://strata.example/ack/1-2-3", values)));
  EXPECT_FALSE(signed_by_twilio("other", url, values, signature));
  EXPECT_FALSE(signed_by_twilio("token", url + "4", values, signature));
  EXPECT_FALSE(signed_by_twilio("token", url, form("To=2&Digits=2"), signature));
  EXPECT_FALSE(signed_by_twilio("token", url, values, ""));
  EXPECT_FALSE(signed_by_twilio("token", "not an address", values, signature));
}

}  // namespace
}  // namespace strata::oncall
