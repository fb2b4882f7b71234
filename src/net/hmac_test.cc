#include "net/hmac.h"

#include <gtest/gtest.h>

#include <string>

namespace strata::net {
namespace {

std::string hex(const Sha256Digest& digest) {
  std::string out;
  for (const uint8_t byte : digest) out += fmt::format("{:02x}", byte);
  return out;
}

TEST(Hmac, GivesTheVectorsOfRfc4231) {
  EXPECT_EQ(hex(hmac_sha256(std::string(20, '\x0b'), "Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(Hmac, ComparesWholeDigests) {
  const auto a = hmac_sha256("k", "a");
  auto b = a;
  EXPECT_TRUE(constant_time_equal(a, b));
  b[31] ^= 1;
  EXPECT_FALSE(constant_time_equal(a, b));
}

TEST(Hmac, RandomBytesDiffer) {
  uint64_t a = 0, b = 0;
  random_bytes(&a, sizeof a);
  random_bytes(&b, sizeof b);
  EXPECT_NE(a, b);
}

}  // namespace
}  // namespace strata::net
