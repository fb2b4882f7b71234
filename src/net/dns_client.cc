#include "net/dns_client.h"

#include <array>
#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <optional>

#include "base/fs.h"
#include "net/deadline.h"
#include "net/headers.h"
#include "net/hmac.h"
#include "net/loop_impl.h"
#include "net/stream.h"

namespace strata::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using asio::ip::udp;
constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

struct Question {
  std::string name;  // absolute
  DnsType type;
};

/// Whether `message` answers `question` and was not made up by someone who only guesses.
bool answers(const DnsMessage& message, const Question& question, uint16_t id) {
  return message.is_response && message.id == id &&
         message.question_type == static_cast<uint16_t>(question.type) &&
         equals_ignoring_case(message.question, question.name);
}

std::unexpected<Error> no_answer(const boost::system::error_code& error, bool late) {
  return fail(ErrorCode::kUnavailable, late ? "no answer in time" : describe(error));
}

/// One exchange with one server; its socket is closed when time is up.
class DnsExchange {
 public:
  DnsExchange(asio::io_context& io, udp::endpoint server, std::chrono::milliseconds patience)
      : server_(std::move(server)), patience_(patience), udp_(io), tcp_(io), deadline_(io, [this] {
          close();
        }) {}

  asio::awaitable<Result<DnsMessage>> ask(Question question) {
    deadline_.set(patience_);
    auto over_udp = co_await ask_udp(question);
    if (!over_udp || !over_udp->truncated) co_return over_udp;
    deadline_.set(patience_);
    co_return co_await ask_tcp(question);
  }

 private:
  void close() {
    boost::system::error_code ignored;
    udp_.close(ignored);
    tcp_.close(ignored);
  }

  static uint16_t random_id() {
    uint16_t id = 0;
    random_bytes(&id, sizeof id);
    return id;
  }

  asio::awaitable<Result<DnsMessage>> ask_udp(const Question& question) {
    const uint16_t id = random_id();
    const std::string query = CO_TRY(dns_query(id, question.name, question.type, true));
    boost::system::error_code error;
    udp_.connect(server_, error);  // opens it, on a port of the system's choice
    if (error) co_return no_answer(error, false);
    const auto [send_error, sent] = co_await udp_.async_send(asio::buffer(query), kAwait);
    if (send_error) co_return no_answer(send_error, deadline_.expired());
    std::array<char, 4096> buffer{};
    while (true) {
      const auto [read_error, size] = co_await udp_.async_receive(asio::buffer(buffer), kAwait);
      if (read_error) co_return no_answer(read_error, deadline_.expired());
      auto message = parse_dns_message({buffer.data(), size});
      if (message && answers(*message, question, id)) co_return message;
    }
  }

  /// RFC 7766: the same messages, each with its length before it.
  asio::awaitable<Result<DnsMessage>> ask_tcp(const Question& question) {
    const uint16_t id = random_id();
    const std::string query = CO_TRY(dns_query(id, question.name, question.type, false));
    const std::string framed = {static_cast<char>(query.size() >> 8),
                                static_cast<char>(query.size() & 0xff)};
    const tcp::endpoint server(server_.address(), server_.port());
    const auto [connect_error] = co_await tcp_.async_connect(server, kAwait);
    if (connect_error) co_return no_answer(connect_error, deadline_.expired());
    const std::string request = framed + query;
    const auto [send_error, sent] = co_await asio::async_write(tcp_, asio::buffer(request), kAwait);
    if (send_error) co_return no_answer(send_error, deadline_.expired());
    std::array<uint8_t, 2> length{};
    const auto [length_error, n] = co_await asio::async_read(tcp_, asio::buffer(length), kAwait);
    if (length_error) co_return no_answer(length_error, deadline_.expired());
    std::string reply(static_cast<size_t>(length[0]) << 8 | length[1], '\0');
    const auto [read_error, m] = co_await asio::async_read(tcp_, asio::buffer(reply), kAwait);
    if (read_error) co_return no_answer(read_error, deadline_.expired());
    auto message = parse_dns_message(reply);
    if (message && !answers(*message, question, id)) co_return bad_data("another answer");
    co_return message;
  }

  const udp::endpoint server_;
  const std::chrono::milliseconds patience_;
  udp::socket udp_;
  tcp::socket tcp_;
  Deadline deadline_;
};

/// Asks each server in turn: the answer of the first that knows, or the last one's trouble.
asio::awaitable<Result<DnsMessage>> ask_any(asio::io_context& io, const DnsSettings& settings,
                                            const DnsClient::Options& options, Question question) {
  Error error{ErrorCode::kUnavailable, "no name server"};
  for (int attempt = 0; attempt < DnsClient::kAttempts; ++attempt) {
    for (const std::string& server : settings.servers) {
      boost::system::error_code bad_address;
      const auto address = asio::ip::make_address(server, bad_address);
      if (bad_address) {
        error = {ErrorCode::kBadData, "\"" + server + "\" is not an address"};
        continue;
      }
      const auto exchange =
          std::make_shared<DnsExchange>(io, udp::endpoint(address, options.port), options.patience);
      auto message = co_await exchange->ask(question);
      if (!message) {
        error = message.error().within("name server " + server);
        if (error.code == ErrorCode::kBadData) co_return std::unexpected(error);
        continue;
      }
      if (message->rcode == kDnsNoError || message->rcode == kDnsNoSuchName) co_return message;
      error = {ErrorCode::kUnavailable,
               "name server " + server + ": answered with code " + std::to_string(message->rcode)};
    }
  }
  co_return std::unexpected(error);
}

asio::awaitable<Result<std::vector<DnsRecord>>> look_up(asio::io_context& io,
                                                        DnsClient::Options options,
                                                        std::string name, DnsType type) {
  const auto text = real_fs().read_file(options.resolv_conf);
  const DnsSettings settings = parse_resolv_conf(text ? *text : "");
  std::optional<Error> error;
  for (const std::string& candidate : dns_candidates(settings, name)) {
    auto message = co_await ask_any(io, settings, options, Question{candidate, type});
    if (!message) {
      error = message.error();
    } else if (message->rcode == kDnsNoError) {
      co_return std::move(message->answers);
    }
  }
  if (error) {
    co_return std::unexpected(error->within("lookup " + std::string(to_string(type)) + " " + name));
  }
  co_return std::vector<DnsRecord>{};
}

}  // namespace

struct DnsClient::State {
  State(Loop& l, Options o) : loop(l), options(std::move(o)) {}
  Loop& loop;
  const Options options;
  std::atomic<size_t> in_flight = 0;
  std::atomic<bool> gone = false;
};

DnsClient::DnsClient(Loop& loop, Options options)
    : state_(std::make_shared<State>(loop, std::move(options))) {}
DnsClient::~DnsClient() { state_->gone = true; }

void DnsClient::lookup(std::string name, DnsType type, Callback done) {
  const bool too_many = ++state_->in_flight > kMaxInFlight;
  state_->loop.post(
      [state = state_, name = std::move(name), type, done = std::move(done), too_many]() mutable {
        if (too_many) {
          --state->in_flight;
          if (!state->gone) done(fail(ErrorCode::kLimit, "too many lookups in flight"));
          return;
        }
        auto& io = state->loop.impl().io;
        auto work = [](std::shared_ptr<State> s, std::string n, DnsType t,
                       Callback d) -> asio::awaitable<void> {
          auto records = co_await look_up(s->loop.impl().io, s->options, std::move(n), t);
          --s->in_flight;
          if (!s->gone) d(std::move(records));
        };
        asio::co_spawn(io, work(std::move(state), std::move(name), type, std::move(done)),
                       asio::detached);
      });
}

}  // namespace strata::net
