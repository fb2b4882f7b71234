#include "collect/netlink.h"

#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace strata::collect {
namespace {

constexpr size_t kMaxLinks = 65536;

std::unexpected<Error> errno_error(const char* what) {
  return fail(ErrorCode::kIo, std::string(what).append(": ").append(std::strerror(errno)));
}

constexpr size_t aligned(size_t size) { return (size + 3) & ~size_t{3}; }  // NLMSG_ALIGNTO

class Socket {
 public:
  Socket() : fd_(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)) {}
  ~Socket() {
    if (fd_ >= 0) ::close(fd_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

// The attributes after a struct ifinfomsg: name and 64-bit counters.
void parse_link(std::string_view attributes, std::vector<LinkStats>& links) {
  LinkStats link;
  bool counted = false;
  while (attributes.size() >= sizeof(rtattr)) {
    rtattr header;
    std::memcpy(&header, attributes.data(), sizeof header);
    if (header.rta_len < sizeof header || header.rta_len > attributes.size()) break;
    const auto value = attributes.substr(sizeof header, header.rta_len - sizeof header);
    if (header.rta_type == IFLA_IFNAME) {
      link.name.assign(value.substr(0, value.find('\0')));
    } else if (header.rta_type == IFLA_STATS64) {
      // Older kernels send fewer fields, newer ones more.
      std::memcpy(link.values.data(), value.data(), std::min(value.size(), sizeof link.values));
      counted = true;
    }
    attributes.remove_prefix(std::min(aligned(header.rta_len), attributes.size()));
  }
  if (counted && !link.name.empty() && links.size() < kMaxLinks) links.push_back(std::move(link));
}

Result<> ask_for_links(int fd) {
  struct {
    nlmsghdr header;
    ifinfomsg body;
  } request{};
  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = RTM_GETLINK;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request.body.ifi_family = AF_UNSPEC;
  if (::send(fd, &request, sizeof request, 0) < 0) return errno_error("asking for network devices");
  return {};
}

}  // namespace

Result<> parse_links(std::string_view datagram, std::vector<LinkStats>& links, bool& done) {
  while (datagram.size() >= sizeof(nlmsghdr)) {
    nlmsghdr header;
    std::memcpy(&header, datagram.data(), sizeof header);
    if (header.nlmsg_len < sizeof header || header.nlmsg_len > datagram.size()) {
      return bad_data("netlink: a message that ends before its length");
    }
    const auto body = datagram.substr(sizeof header, header.nlmsg_len - sizeof header);
    if (header.nlmsg_type == NLMSG_DONE) done = true;
    if (header.nlmsg_type == NLMSG_ERROR) return fail(ErrorCode::kIo, "netlink: refused");
    if (header.nlmsg_type == RTM_NEWLINK && body.size() >= sizeof(ifinfomsg)) {
      parse_link(body.substr(sizeof(ifinfomsg)), links);
    }
    datagram.remove_prefix(std::min(aligned(header.nlmsg_len), datagram.size()));
  }
  return {};
}

Result<std::vector<LinkStats>> read_links() {
  const Socket socket;
  if (socket.get() < 0) return errno_error("opening a netlink socket");
  TRY(ask_for_links(socket.get()));
  std::vector<LinkStats> links;
  // The kernel fills at most 32 KiB a datagram (NLMSG_GOODSIZE and the reader's own size).
  std::string buffer(65536, '\0');
  for (bool done = false; !done;) {
    const ssize_t n = ::recv(socket.get(), buffer.data(), buffer.size(), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error("reading network devices");
    if (n == 0) break;
    TRY(parse_links(std::string_view(buffer).substr(0, static_cast<size_t>(n)), links, done));
  }
  std::ranges::sort(links, {}, &LinkStats::name);
  return links;
}

}  // namespace strata::collect
