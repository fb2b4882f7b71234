#include "net/dialer.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "net/basic_auth.h"
#include "net/http_parser.h"
#include "net/input_buffer.h"
#include "net/loop_impl.h"
#include "net/tls_stream.h"

namespace strata::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

std::unexpected<Error> aborted() { return fail(ErrorCode::kCanceled, "given up"); }

}  // namespace

struct Dialer::Lookup {
  explicit Lookup(asio::io_context& io) : signal(io) {}
  std::optional<Result<Resolver::Addresses>> result;
  Signal signal;
};

Dialer::Dialer(Loop& loop, Resolver& resolver, ClientTlsContexts& tls, PhaseClock& phase)
    : loop_(loop), resolver_(resolver), tls_(tls), phase_(phase), attempt_(loop.impl().io, [this] {
        boost::system::error_code ignored;
        if (connecting_ != nullptr) connecting_->close(ignored);
      }) {}

void Dialer::abort() {
  aborted_ = true;
  boost::system::error_code ignored;
  if (connecting_ != nullptr) connecting_->close(ignored);
  if (stream_ != nullptr) stream_->close();
  if (lookup_) lookup_->signal.notify();
}

Dialer::Awaitable<std::unique_ptr<Stream>> Dialer::dial(Target target) {
  const Url& first = target.proxy ? *target.proxy : target.url;
  auto connected = co_await connect_any(first.host, first.port, target);
  Socket socket = CO_TRY(std::move(connected));
  const bool tls = target.url.scheme == "https";
  if (target.proxy && tls) {
    const auto plain = make_plain_stream(std::move(socket));
    const auto tunnelled = co_await tunnel(*plain, target);
    if (!tunnelled) co_return std::unexpected(tunnelled.error());
    socket = std::move(plain->socket());
  }
  if (!tls) co_return make_plain_stream(std::move(socket));
  co_return co_await start_tls(std::move(socket), target);
}

Dialer::Awaitable<Resolver::Addresses> Dialer::resolve(std::string host) {
  boost::system::error_code not_an_address;
  const auto address = asio::ip::make_address(host, not_an_address);
  if (!not_an_address) co_return Resolver::Addresses{address};
  phase_.enter(Phase::kResolve);
  const auto lookup = std::make_shared<Lookup>(loop_.impl().io);
  lookup_ = lookup;
  resolver_.resolve(std::move(host), [lookup](Result<Resolver::Addresses> addresses) {
    lookup->result = std::move(addresses);
    lookup->signal.notify();
  });
  while (!lookup->result && !aborted_) co_await lookup->signal.wait();
  lookup_.reset();
  if (aborted_) co_return aborted();
  co_return *std::move(lookup->result);
}

Dialer::Awaitable<Socket> Dialer::connect_any(std::string host, uint16_t port,
                                              const Target& target) {
  if (!target.unix_socket.empty()) {
    static constexpr size_t kMaxPath = 107;  // sockaddr_un's
    if (target.unix_socket.size() > kMaxPath) {
      co_return bad_data("unix socket path longer than 107 bytes: " + target.unix_socket);
    }
    Endpoint endpoint = asio::local::stream_protocol::endpoint(target.unix_socket);
    co_return co_await connect(endpoint, target.unix_socket, std::chrono::nanoseconds::max());
  }
  auto resolved = co_await resolve(host);
  const Resolver::Addresses addresses = CO_TRY(std::move(resolved));
  std::optional<Error> error;
  for (size_t i = 0; i < addresses.size() && !aborted_; ++i) {
    // All but the last get a share of the time that is left, so that each has its turn.
    const size_t left = addresses.size() - i;
    const auto remaining = target.deadline - std::chrono::steady_clock::now();
    const auto share = std::min<std::chrono::nanoseconds>(target.connect_timeout,
                                                          remaining / static_cast<int64_t>(left));
    std::string name = join_host_port(addresses[i].to_string(), port);
    if (addresses[i].to_string() != host) name += " (" + host + ")";
    Endpoint endpoint = tcp::endpoint(addresses[i], port);
    auto socket = co_await connect(endpoint, std::move(name),
                                   left > 1 ? share : std::chrono::nanoseconds::max());
    if (socket) {
      boost::system::error_code ignored;
      socket->set_option(tcp::no_delay(true), ignored);
      address_ = addresses[i].to_string();
      co_return std::move(socket);
    }
    if (!error) error = std::move(socket).error();  // the preferred address's says most
  }
  if (aborted_) co_return aborted();
  co_return std::unexpected(*std::move(error));
}

Dialer::Awaitable<Socket> Dialer::connect(Endpoint endpoint, std::string name,
                                          std::chrono::nanoseconds at_most) {
  phase_.enter(Phase::kConnect);
  Socket socket(loop_.impl().io);
  connecting_ = &socket;
  if (at_most != std::chrono::nanoseconds::max()) attempt_.set(at_most);
  const auto [error] = co_await socket.async_connect(endpoint, kAwait);
  connecting_ = nullptr;
  const bool late = attempt_.expired();
  attempt_.clear();
  if (aborted_) co_return aborted();
  if (late) co_return fail(ErrorCode::kUnavailable, "connect " + name + ": no answer in time");
  if (error) co_return fail(ErrorCode::kUnavailable, "connect " + name + ": " + describe(error));
  co_return std::move(socket);
}

/// RFC 9110, 9.3.6.
Dialer::Awaitable<> Dialer::tunnel(Stream& stream, const Target& target) {
  phase_.enter(Phase::kProxy);
  stream_ = &stream;
  const std::string to = join_host_port(target.url.host, target.url.port);
  std::string request = "CONNECT " + to + " HTTP/1.1\r\nHost: " + to + "\r\n";
  if (!target.proxy->user_info.empty()) {
    request += "Proxy-Authorization: " + basic_authorization(target.proxy->user_info) + "\r\n";
  }
  request += target.proxy_headers + "\r\n";
  auto error = co_await stream.write_all({asio::buffer(request), {}}, [] {});
  ClientResponse response;
  ResponseParser parser(response, {.head = true});
  InputBuffer input;
  while (!error && !parser.done()) {
    const auto room = input.prepare(4096);
    const IoResult read = co_await stream.read_some(asio::buffer(room.data(), room.size()));
    error = read.error;
    input.commit(read.bytes);
    const auto used = parser.feed(input.unread());
    if (!used) {
      stream_ = nullptr;
      co_return std::unexpected(used.error().within("proxy " + target.proxy->authority()));
    }
    input.consume(*used);
  }
  stream_ = nullptr;
  if (aborted_) co_return aborted();
  const std::string proxy = "proxy " + target.proxy->authority() + ": ";
  if (error) co_return fail(ErrorCode::kUnavailable, proxy + describe(error));
  if (response.status / 100 != 2) {
    co_return fail(ErrorCode::kUnavailable,
                   proxy + "answered " + std::to_string(response.status) + " to CONNECT " + to);
  }
  if (!input.unread().empty()) co_return fail(ErrorCode::kUnavailable, proxy + "spoke too early");
  co_return Result<>{};
}

Dialer::Awaitable<std::unique_ptr<Stream>> Dialer::upgrade(std::unique_ptr<Stream> plain,
                                                           TlsOptions options, std::string host) {
  Target target;
  target.url.host = std::move(host);
  target.tls = std::move(options);
  Socket socket = std::move(plain->socket());
  co_return co_await start_tls(std::move(socket), target);
}

Dialer::Awaitable<std::unique_ptr<Stream>> Dialer::start_tls(Socket socket, const Target& target) {
  phase_.enter(Phase::kTls);
  const TlsContext context = CO_TRY(tls_.get(target.tls));
  const std::string& name =
      target.tls.server_name.empty() ? target.url.host : target.tls.server_name;
  std::unique_ptr<Stream> stream = make_tls_client_stream(std::move(socket), context, name);
  stream_ = stream.get();
  const auto shook = co_await stream->handshake();
  stream_ = nullptr;
  if (aborted_) co_return aborted();
  if (!shook) co_return std::unexpected(shook.error());
  co_return std::move(stream);
}

}  // namespace strata::net
