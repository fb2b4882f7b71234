#include "model/fingerprint.h"

#include <gtest/gtest.h>

namespace strata {
namespace {

TEST(Fingerprint, IsFnv1aOverNamesAndValues) {
  EXPECT_EQ(fingerprint({}), 0xcbf29ce484222325);
  EXPECT_EQ(fingerprint({{"alertname", "x"}}), 0xd240efc3896bf266);
  EXPECT_NE(fingerprint({{"a", "bc"}}), fingerprint({{"ab", "c"}}));
}

}  // namespace
}  // namespace strata
