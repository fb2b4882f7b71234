#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <future>
#include <map>
#include <set>
#include <thread>

#include "base/fs.h"
#include "base/mutex.h"
#include "base/temp_dir.h"
#include "net/dns_client.h"

namespace strata::net {
namespace {

std::string name_bytes(std::string_view name) {
  std::string out;
  while (!name.empty()) {
    const size_t dot = std::min(name.find('.'), name.size());
    out += static_cast<char>(dot);
    out += name.substr(0, dot);
    name.remove_prefix(std::min(dot + 1, name.size()));
  }
  return out + '\0';
}

std::string u16(uint16_t value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value & 0xff)};
}

/// A record of the name at offset 12: the question's.
std::string record(DnsType type, const std::string& data) {
  return u16(0xc00c) + u16(static_cast<uint16_t>(type)) + u16(1) + std::string(4, '\0') +
         u16(static_cast<uint16_t>(data.size())) + data;
}

std::string srv(uint16_t port, std::string_view target) {
  return record(DnsType::kSrv, u16(10) + u16(5) + u16(port) + name_bytes(target));
}

/// The answer to `query`: its id and question, `flags`, `records`.
std::string answer_to(std::string_view query, uint16_t flags,
                      const std::vector<std::string>& records) {
  const size_t end = query.find('\0', 12) + 5;
  std::string out(query.substr(0, 2));
  out += u16(flags) + u16(1) + u16(static_cast<uint16_t>(records.size())) + u16(0) + u16(0);
  out += query.substr(12, end - 12);
  for (const std::string& one : records) out += one;
  return out;
}

std::string question_of(std::string_view query) {
  auto message = parse_dns_message(query);
  return message ? message->question : "";
}

constexpr uint16_t kFound = 0x8180;
constexpr uint16_t kNoSuchName = 0x8183;
constexpr uint16_t kServerFailed = 0x8182;
constexpr uint16_t kTruncated = 0x8380;

TEST(DnsMessage, AQueryIsWhatRfc1035Says) {
  const auto query = dns_query(0x1234, "_x.tcp.a.", DnsType::kSrv, false);
  ASSERT_TRUE(query);
  EXPECT_EQ(*query, u16(0x1234) + u16(0x0100) + u16(1) + u16(0) + u16(0) + u16(0) +
                        name_bytes("_x.tcp.a") + u16(33) + u16(1));
  EXPECT_TRUE(dns_query(1, "a", DnsType::kA, true)
                  ->ends_with(std::string("\0\0\x29\x10\0\0\0\0\0\0\0", 11)));
}

TEST(DnsMessage, RefusesNamesThatCannotBe) {
  for (const std::string& name :
       {std::string("a..b"), std::string(".a"), std::string(64, 'x'), std::string(300, 'x')}) {
    EXPECT_FALSE(dns_query(1, name, DnsType::kA, false)) << name;
  }
}

TEST(DnsMessage, ReadsEveryKindOfRecord) {
  const auto query = dns_query(7, "q.example", DnsType::kA, false);
  const auto message = parse_dns_message(answer_to(
      *query, kFound,
      {record(DnsType::kA, "\x0a\x00\x00\x01" + std::string()),
       record(DnsType::kA, std::string("\x0a\0\0\x01", 4)),
       record(DnsType::kAaaa, std::string(15, '\0') + '\1'), srv(8080, "Host.example"),
       record(DnsType::kMx, u16(10) + name_bytes("mail")), record(DnsType::kNs, u16(0xc00c)),
       record(static_cast<DnsType>(16), "\3txt"), record(DnsType::kCname, name_bytes("b.c"))}));
  ASSERT_TRUE(message) << message.error().message;
  EXPECT_EQ(message->question, "q.example.");
  std::vector<std::string> got;
  for (const DnsRecord& one : message->answers) {
    got.push_back(fmt::format("{} {} {}", to_string(one.type), one.target, one.port));
  }
  EXPECT_EQ(got, (std::vector<std::string>{"A 10.0.0.1 0", "AAAA ::1 0", "SRV Host.example. 8080",
                                           "MX mail. 0", "NS q.example. 0", "CNAME b.c. 0"}));
}

TEST(DnsMessage, APointerThatLeadsForwardEndsTheReading) {
  const std::string head = u16(1) + u16(kFound) + u16(1) + u16(0) + u16(0) + u16(0);
  EXPECT_FALSE(parse_dns_message(head + u16(0xc00c) + u16(1) + u16(1))) << "itself";
  EXPECT_FALSE(parse_dns_message(head + u16(0xc0ff) + u16(1) + u16(1)));
}

TEST(DnsMessage, ReadsResolvConf) {
  const DnsSettings settings = parse_resolv_conf(
      "# x\nnameserver 10.0.0.2 ; first\nnameserver fd00::2\n"
      "domain old.example\nsearch a.example. b.example .\noptions timeout:1 ndots:2\n");
  EXPECT_EQ(settings.servers, (std::vector<std::string>{"10.0.0.2", "fd00::2"}));
  EXPECT_EQ(settings.search, (std::vector<std::string>{"a.example", "b.example"}));
  EXPECT_EQ(dns_candidates(settings, "x"),
            (std::vector<std::string>{"x.a.example.", "x.b.example.", "x."}));
  EXPECT_EQ(dns_candidates(settings, "x.y.z").front(), "x.y.z.");
  EXPECT_EQ(dns_candidates(settings, "x."), std::vector<std::string>{"x."});
  EXPECT_EQ(parse_resolv_conf("").servers, std::vector<std::string>{"127.0.0.1"});
}

/// A name server on loopback, UDP and TCP on the same port.
class NameServer {
 public:
  /// The answer to a query, empty for none; `tcp`: how it came.
  using Answer = std::function<std::string(std::string_view query, bool tcp)>;

  explicit NameServer(Answer answer) : answer_(std::move(answer)) {
    // The TCP port of the same number may be taken: then another is tried.
    for (int tries = 0; tries < 50 && !bind_both(); ++tries) {
    }
    udp_thread_ = std::thread([this] { serve_udp(); });
    tcp_thread_ = std::thread([this] { serve_tcp(); });
  }
  ~NameServer() {
    closing_ = true;
    ::shutdown(tcp_, SHUT_RDWR);
    const int fd = ::socket(AF_INET, SOCK_DGRAM, 0);  // wakes the other one
    ::sendto(fd, "", 0, 0, reinterpret_cast<sockaddr*>(&address_), sizeof address_);
    ::close(fd);
    udp_thread_.join();
    tcp_thread_.join();
    ::close(udp_);
    ::close(tcp_);
  }
  uint16_t port() const { return ntohs(address_.sin_port); }

 private:
  bool bind_both() {
    udp_ = ::socket(AF_INET, SOCK_DGRAM, 0);
    tcp_ = ::socket(AF_INET, SOCK_STREAM, 0);
    address_ = {};
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* raw = reinterpret_cast<sockaddr*>(&address_);
    socklen_t size = sizeof address_;
    if (::bind(udp_, raw, size) == 0 && ::getsockname(udp_, raw, &size) == 0 &&
        ::bind(tcp_, raw, size) == 0 && ::listen(tcp_, 4) == 0) {
      return true;
    }
    ::close(udp_);
    ::close(tcp_);
    return false;
  }
  void serve_udp() {
    char buffer[4096];
    while (!closing_) {
      sockaddr_in from{};
      socklen_t size = sizeof from;
      const auto got =
          ::recvfrom(udp_, buffer, sizeof buffer, 0, reinterpret_cast<sockaddr*>(&from), &size);
      if (got <= 0) continue;
      const std::string answer = answer_({buffer, static_cast<size_t>(got)}, false);
      if (answer.empty()) continue;
      ::sendto(udp_, answer.data(), answer.size(), 0, reinterpret_cast<sockaddr*>(&from), size);
    }
  }
  void serve_tcp() {
    while (true) {
      const int fd = ::accept(tcp_, nullptr, nullptr);
      if (fd < 0) return;
      char buffer[4096];
      const auto got = ::recv(fd, buffer, sizeof buffer, 0);
      if (got > 2) {
        const std::string answer = answer_({buffer + 2, static_cast<size_t>(got) - 2}, true);
        const std::string framed = u16(static_cast<uint16_t>(answer.size())) + answer;
        ::send(fd, framed.data(), framed.size(), MSG_NOSIGNAL);
      }
      ::close(fd);
    }
  }

  const Answer answer_;
  std::atomic<bool> closing_ = false;
  int udp_ = -1, tcp_ = -1;
  sockaddr_in address_{};
  std::thread udp_thread_, tcp_thread_;
};

class DnsClientTest : public testing::Test {
 protected:
  DnsClientTest() { loop_.start(); }
  Result<std::vector<DnsRecord>> look_up(
      const NameServer& server, std::string name, DnsType type,
      std::string_view resolv_conf = "nameserver 127.0.0.1\n",
      std::chrono::milliseconds patience = std::chrono::seconds(10)) {
    const std::string path = dir_.file("resolv.conf");
    EXPECT_TRUE((*real_fs().create(path))->append(resolv_conf));
    DnsClient client(loop_, {.resolv_conf = path, .port = server.port(), .patience = patience});
    std::promise<Result<std::vector<DnsRecord>>> promise;
    client.lookup(std::move(name), type, [&](auto records) { promise.set_value(records); });
    return promise.get_future().get();
  }
  TempDir dir_;
  Loop loop_;
};

TEST_F(DnsClientTest, FindsRecords) {
  const NameServer server([](std::string_view query, bool) {
    return answer_to(query, kFound, {srv(9100, "a.example"), srv(9200, "b.example")});
  });
  const auto records = look_up(server, "_metrics._tcp.example", DnsType::kSrv);
  ASSERT_TRUE(records) << records.error().message;
  EXPECT_EQ(*records, (std::vector<DnsRecord>{{DnsType::kSrv, "a.example.", 9100},
                                              {DnsType::kSrv, "b.example.", 9200}}));
}

TEST_F(DnsClientTest, AsksOverTcpWhatDoesNotFit) {
  const NameServer server([](std::string_view query, bool tcp) {
    if (!tcp) return answer_to(query, kTruncated, {});
    return answer_to(query, kFound, {srv(1, "big")});
  });
  const auto records = look_up(server, "a.b", DnsType::kSrv);
  ASSERT_TRUE(records) << records.error().message;
  EXPECT_EQ(records->at(0).target, "big.");
}

TEST_F(DnsClientTest, TriesTheSearchDomainsInTurn) {
  Mutex mutex;
  std::vector<std::string> asked;
  const NameServer server([&](std::string_view query, bool) {
    MutexLock lock(mutex);
    asked.push_back(question_of(query));
    const bool found = asked.back() == "db.b.example.";
    return answer_to(query, found ? kFound : kNoSuchName,
                     found ? std::vector<std::string>{srv(1, "x")} : std::vector<std::string>{});
  });
  const auto records =
      look_up(server, "db", DnsType::kSrv, "nameserver 127.0.0.1\nsearch a.example b.example\n");
  ASSERT_TRUE(records) << records.error().message;
  EXPECT_EQ(records->size(), 1U);
  EXPECT_EQ(asked, (std::vector<std::string>{"db.a.example.", "db.b.example."}));
}

TEST_F(DnsClientTest, ANameThatIsNotThereHasNoRecords) {
  const NameServer server(
      [](std::string_view query, bool) { return answer_to(query, kNoSuchName, {}); });
  const auto records = look_up(server, "a.b", DnsType::kA);
  ASSERT_TRUE(records);
  EXPECT_TRUE(records->empty());
}

TEST_F(DnsClientTest, AServerThatDoesNotSayIsAnError) {
  const NameServer server(
      [](std::string_view query, bool) { return answer_to(query, kServerFailed, {}); });
  const auto records = look_up(server, "a.b", DnsType::kA);
  ASSERT_FALSE(records);
  EXPECT_EQ(records.error().message, "lookup A a.b: name server 127.0.0.1: answered with code 2");
}

TEST_F(DnsClientTest, AnAnswerToAnotherQuestionIsNotOne) {
  const NameServer server([](std::string_view query, bool tcp) {
    std::string wrong(query);
    wrong[0] = static_cast<char>(wrong[0] + 1);
    if (!tcp) return answer_to(wrong, kFound, {srv(1, "forged")});
    return answer_to(query, kFound, {});
  });
  const auto records =
      look_up(server, "a.", DnsType::kSrv, "nameserver 127.0.0.1\n", std::chrono::milliseconds(20));
  ASSERT_FALSE(records);
  EXPECT_TRUE(records.error().message.contains("no answer in time"));
}

}  // namespace
}  // namespace strata::net
