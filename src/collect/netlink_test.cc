#include "collect/netlink.h"

#include <gtest/gtest.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <cstring>

namespace strata::collect {
namespace {

std::string attribute(uint16_t type, std::string_view value) {
  rtattr header{};
  header.rta_len = static_cast<uint16_t>(sizeof header + value.size());
  header.rta_type = type;
  std::string out(reinterpret_cast<const char*>(&header), sizeof header);
  out += value;
  out.resize((out.size() + 3) / 4 * 4);
  return out;
}

std::string message(uint16_t type, std::string_view body) {
  nlmsghdr header{};
  header.nlmsg_len = static_cast<uint32_t>(sizeof header + body.size());
  header.nlmsg_type = type;
  std::string out(reinterpret_cast<const char*>(&header), sizeof header);
  return out += body;
}

std::string link(std::string_view name, uint64_t packets) {
  rtnl_link_stats64 stats{};
  stats.rx_packets = packets;
  stats.rx_nohandler = 3;
  std::string body(sizeof(ifinfomsg), '\0');
  body += attribute(IFLA_IFNAME, std::string(name) + '\0');
  body += attribute(IFLA_MTU, "1234");
  body += attribute(IFLA_STATS64, {reinterpret_cast<const char*>(&stats), sizeof stats});
  return message(RTM_NEWLINK, body);
}

TEST(Netlink, LinksOfADatagram) {
  std::vector<LinkStats> links;
  bool done = false;
  ASSERT_TRUE(parse_links(link("lo", 7) + link("eth0", 9), links, done).has_value());
  EXPECT_FALSE(done);
  ASSERT_EQ(links.size(), 2u);
  EXPECT_EQ(links[0].name, "lo");
  EXPECT_EQ(links[0].values[0], 7u);
  EXPECT_EQ(links[1].values[23], 3u);
  ASSERT_TRUE(parse_links(message(NLMSG_DONE, "\0\0\0\0"), links, done).has_value());
  EXPECT_TRUE(done);
}

TEST(Netlink, MessagesCutShortAreErrors) {
  const std::string whole = link("eth0", 9);
  for (size_t size = sizeof(nlmsghdr); size < whole.size(); ++size) {
    std::vector<LinkStats> links;
    bool done = false;
    EXPECT_FALSE(parse_links(std::string_view(whole).substr(0, size), links, done).has_value());
  }
}

TEST(Netlink, AnAttributeOfNoLengthEndsTheLink) {
  rtattr broken{};
  std::string body(sizeof(ifinfomsg), '\0');
  body.append(reinterpret_cast<const char*>(&broken), sizeof broken);
  std::vector<LinkStats> links;
  bool done = false;
  EXPECT_TRUE(parse_links(message(RTM_NEWLINK, body), links, done).has_value());
  EXPECT_TRUE(links.empty());
}

TEST(Netlink, ThisMachineHasALoopback) {
  const auto links = read_links();
  if (!links) GTEST_SKIP() << links.error().message;
  EXPECT_NE(std::ranges::find(*links, "lo", &LinkStats::name), links->end());
}

}  // namespace
}  // namespace strata::collect
