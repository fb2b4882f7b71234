#include "api/auth.h"

#include <gtest/gtest.h>

#include "net/basic_auth.h"

namespace strata::api {
namespace {

using Verdict = Authenticator::Verdict;

net::Headers asking_as(std::string_view user_and_password) {
  return {{"Authorization", net::basic_authorization(user_and_password)}};
}

std::vector<config::WebUser> one_user() {
  return {{"ana", config::Secret(*hash_password("test"))}};
}

TEST(Auth, HashesMatchTheirPasswordOnly) {
  const auto hash = hash_password("correct horse");
  ASSERT_TRUE(hash);
  EXPECT_TRUE(hash->starts_with("$2b$10$"));
  EXPECT_TRUE(matches_hash("correct horse", *hash));
  EXPECT_FALSE(matches_hash("correct hors", *hash));
  EXPECT_NE(*hash, *hash_password("correct horse"));
  EXPECT_FALSE(hash_password(""));
  EXPECT_FALSE(hash_password(std::string(73, 'x')));
}

TEST(Auth, KnowsHashesMadeElsewhere) {
  // One of bcrypt's published test vectors.
  EXPECT_TRUE(matches_hash("a", "$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe"));
  EXPECT_FALSE(matches_hash("b", "$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe"));
  EXPECT_FALSE(matches_hash("x", "not a hash"));
}

TEST(Auth, EverybodyIsAllowedWithoutUsers) {
  const Authenticator open;
  EXPECT_EQ(open.remembered({}), Verdict::kAllowed);
}

TEST(Auth, RemembersWhatBcryptSaid) {
  Authenticator auth(one_user());
  EXPECT_EQ(auth.remembered({}), Verdict::kRefused);
  EXPECT_EQ(auth.remembered(asking_as("ana:test")), Verdict::kUnknown);
  EXPECT_TRUE(auth.verify(asking_as("ana:test")));
  EXPECT_EQ(auth.remembered(asking_as("ana:test")), Verdict::kAllowed);
  for (const auto* wrong : {"ana:tes", "bob:test", "ana:", ":"}) {
    EXPECT_FALSE(auth.verify(asking_as(wrong))) << wrong;
    EXPECT_EQ(auth.remembered(asking_as(wrong)), Verdict::kRefused) << wrong;
  }
}

}  // namespace
}  // namespace strata::api
