#include "net/stream.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace strata::net {
namespace {

namespace asio = boost::asio;
constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

// What can be done at once is: a trip through the event loop costs more than the system call.
class PlainStream final : public Stream {
 public:
  explicit PlainStream(Socket socket) : socket_(std::move(socket)) {
    boost::system::error_code ignored;
    socket_.non_blocking(true, ignored);
  }

  asio::awaitable<Result<>> handshake() override { co_return Result<>{}; }

  asio::awaitable<IoResult> read_some(asio::mutable_buffer into) override {
    // When the last read got less than there was room for, no more had come.
    if (more_may_be_there_ && at_once_ < kMaxAtOnce) {
      boost::system::error_code error;
      const size_t bytes = socket_.read_some(into, error);
      ++at_once_;
      more_may_be_there_ = bytes == into.size();
      if (error != asio::error::would_block) co_return IoResult{error, bytes};
    }
    at_once_ = 0;
    const auto [error, bytes] = co_await socket_.async_read_some(into, kAwait);
    more_may_be_there_ = bytes == into.size();
    co_return IoResult{error, bytes};
  }

  asio::awaitable<boost::system::error_code> wait_readable() override {
    if (more_may_be_there_ && at_once_ < kMaxAtOnce) co_return boost::system::error_code{};
    const auto [error] = co_await socket_.async_wait(asio::socket_base::wait_read, kAwait);
    more_may_be_there_ = true;
    at_once_ = 0;
    co_return error;
  }

  asio::awaitable<IoResult> write_some(Pieces pieces) override {
    if (at_once_ < kMaxAtOnce) {
      boost::system::error_code error;
      const size_t bytes = socket_.write_some(pieces, error);
      ++at_once_;
      if (error != asio::error::would_block) co_return IoResult{error, bytes};
    }
    at_once_ = 0;
    const auto [error, bytes] = co_await socket_.async_write_some(pieces, kAwait);
    co_return IoResult{error, bytes};
  }

  asio::awaitable<void> shutdown_write() override {
    boost::system::error_code ignored;
    socket_.shutdown(asio::socket_base::shutdown_send, ignored);
    co_return;
  }

  void close() override {
    boost::system::error_code ignored;
    socket_.close(ignored);
  }

  Socket& socket() override { return socket_; }

 private:
  /// So that a fast peer does not keep the loop from others.
  static constexpr int kMaxAtOnce = 16;

  Socket socket_;
  int at_once_ = 0;
  bool more_may_be_there_ = false;
};

}  // namespace

std::unique_ptr<Stream> make_plain_stream(Socket socket) {
  return std::make_unique<PlainStream>(std::move(socket));
}

std::string describe(const boost::system::error_code& error) {
  if (error == asio::error::eof) return "connection closed by the peer";
  std::string text = error.message();
  if (!text.empty() && text[0] >= 'A' && text[0] <= 'Z' && !(text.size() > 1 && text[1] <= 'Z')) {
    text[0] = static_cast<char>(text[0] + 32);
  }
  return text;
}

}  // namespace strata::net
