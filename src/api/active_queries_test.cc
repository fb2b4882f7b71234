#include "api/active_queries.h"

#include <gtest/gtest.h>

namespace strata::api {
namespace {

TEST(ActiveQueries, ListsThoseThatRunAndStopsThem) {
  metrics::Registry registry;
  ActiveQueries queries(registry);
  EXPECT_TRUE(queries.list().empty());
  {
    const ActiveQueries::Ticket first(queries, {.text = "a", .client = "c", .started = 1}, {});
    const ActiveQueries::Ticket second(queries, {.text = "b", .client = "c", .started = 2}, {});
    const auto list = queries.list();
    ASSERT_EQ(list.size(), 2u);
    EXPECT_EQ(list[0].text, "a");
    EXPECT_TRUE(queries.stop(list[1].id));
    EXPECT_FALSE(first.stop().stop_requested());
    EXPECT_TRUE(second.stop().stop_requested());
  }
  EXPECT_TRUE(queries.list().empty());
  EXPECT_FALSE(queries.stop(1));
}

TEST(ActiveQueries, StopsWhenTheClientLeaves) {
  metrics::Registry registry;
  ActiveQueries queries(registry);
  std::stop_source client;
  const ActiveQueries::Ticket ticket(queries, {.text = "a", .client = "c", .started = 1},
                                     client.get_token());
  EXPECT_FALSE(ticket.stop().stop_requested());
  client.request_stop();
  EXPECT_TRUE(ticket.stop().stop_requested());
}

}  // namespace
}  // namespace strata::api
