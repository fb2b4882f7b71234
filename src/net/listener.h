// A listening TCP socket on a Loop: accepts connections and hands them over. What is spoken on them
// is its owner's business.
//
// open() and local() from any thread before the loop runs; everything else happens on the loop's
// thread. Bounds: none of its own; the owner counts what it was given.
#pragma once
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/loop.h"

namespace strata::net {

/// "10.0.0.7:51234"; an IPv4 address that came as IPv6 reads as IPv4.
std::string text_of(const boost::asio::ip::tcp::endpoint& endpoint);

/// Says `response` to a client that is not served, as far as it goes in without waiting, and ends
/// the connection.
void answer_and_close(boost::asio::ip::tcp::socket& socket, std::string_view response);

class Listener : public std::enable_shared_from_this<Listener> {
 public:
  using Taker = std::function<void(boost::asio::ip::tcp::socket socket, std::string remote)>;

  /// "host:port", ":9090" (every address, both families); port 0 takes a free one. Error: kBadData
  /// for an address that cannot be read, kConflict for a port in use, kIo otherwise.
  static Result<std::shared_ptr<Listener>> open(Loop& loop, const std::string& listen);

  /// Accepts until close(); `ended` is called once after that, or when the loop ends.
  void start(Taker take, std::function<void()> ended);
  void close();
  const boost::asio::ip::tcp::endpoint& local() const { return local_; }

 private:
  explicit Listener(Loop& loop);
  boost::asio::awaitable<void> accept();

  Loop& loop_;
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer pause_;
  boost::asio::ip::tcp::endpoint local_;
  Taker take_;
};

}  // namespace strata::net
