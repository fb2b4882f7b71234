// A connected byte stream, plain (TCP or Unix socket) or TLS, so that server and client are written
// once. Used on its loop's thread only.
#pragma once
#include <array>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <memory>
#include <string>

#include "base/result.h"
#include "net/request_trace.h"

namespace strata::net {

using Socket = boost::asio::generic::stream_protocol::socket;

struct IoResult {
  boost::system::error_code error;
  size_t bytes = 0;
};

class Stream {
 public:
  using Pieces = std::array<boost::asio::const_buffer, 2>;

  virtual ~Stream() = default;
  /// The TLS handshake; at once for a plain stream. Error: kUnavailable, in words.
  virtual boost::asio::awaitable<Result<>> handshake() = 0;
  /// At least one byte, or an error; error::eof when the peer ended the stream properly.
  virtual boost::asio::awaitable<IoResult> read_some(boost::asio::mutable_buffer into) = 0;
  /// Until read_some() has something to read, so that who waits long needs no buffer meanwhile. A
  /// stream that cannot tell returns at once.
  virtual boost::asio::awaitable<boost::system::error_code> wait_readable() {
    co_return boost::system::error_code{};
  }
  virtual boost::asio::awaitable<IoResult> write_some(Pieces pieces) = 0;
  /// Tells the peer that no more comes.
  virtual boost::asio::awaitable<void> shutdown_write() = 0;
  /// Pending operations end with an error.
  virtual void close() = 0;
  virtual Socket& socket() = 0;
  /// Common name of the peer's certificate, when it has one that was verified.
  virtual std::string peer_name() const { return {}; }
  /// Of a TLS stream, once the handshake is done.
  virtual std::optional<TlsPeer> tls_peer() const { return std::nullopt; }

  /// All of both pieces. `progress` is called before each piece of the work, to set a deadline.
  template <class Progress>
  boost::asio::awaitable<boost::system::error_code> write_all(Pieces pieces, Progress progress);
};

std::unique_ptr<Stream> make_plain_stream(Socket socket);

/// In plain words: "connection refused".
std::string describe(const boost::system::error_code& error);

template <class Progress>
boost::asio::awaitable<boost::system::error_code> Stream::write_all(Pieces pieces,
                                                                    Progress progress) {
  while (pieces[0].size() + pieces[1].size() > 0) {
    progress();
    if (pieces[0].size() == 0) std::swap(pieces[0], pieces[1]);
    const IoResult wrote = co_await write_some(pieces);
    if (wrote.error) co_return wrote.error;
    const size_t first = std::min(wrote.bytes, pieces[0].size());
    pieces[0] += first;
    pieces[1] += wrote.bytes - first;
  }
  co_return boost::system::error_code{};
}

}  // namespace strata::net
