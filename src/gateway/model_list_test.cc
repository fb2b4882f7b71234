#include "gateway/model_list.h"

#include <gtest/gtest.h>

namespace strata::gateway {
namespace {

bool any(const std::string&) { return true; }

TEST(ModelList, KeepsEachModelOnceAsItsEngineWroteIt) {
  ModelList list;
  EXPECT_TRUE(list.add(R"({"object":"list","data":[{"id":"a","x":[1, 2]},{"id":"b"}]})", any));
  EXPECT_TRUE(list.add(R"({"data":[{"id":"b","other":1},{"id":"c"},{"name":"none"}]})", any));
  EXPECT_EQ(list.json(),
            R"({"object":"list","data":[{"id":"a","x":[1, 2]},{"id":"b"},{"id":"c"}]})");
}

TEST(ModelList, LeavesOutWhatTheEngineIsNotAskedFor) {
  ModelList list;
  EXPECT_TRUE(list.add(R"({"data":[{"id":"a"},{"id":"b"}]})",
                       [](const std::string& id) { return id == "b"; }));
  EXPECT_EQ(list.json(), R"({"object":"list","data":[{"id":"b"}]})");
}

TEST(ModelList, KnowsWhatIsNoList) {
  ModelList list;
  for (const char* text :
       {"", "[]", "{}", R"({"data":{}})", R"({"data":[{"id":"a"})", "nonsense"}) {
    EXPECT_FALSE(list.add(text, any)) << text;
  }
}

}  // namespace
}  // namespace strata::gateway
