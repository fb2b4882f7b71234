// One connection of an HttpServer: reads a request, has it handled, sends the answer, and so on
// until one side has had enough.
//
// Lives on the loop's thread; kept alive by its own coroutine, which ends when the connection does.
// Bounds: the server's options.
#pragma once
#include <boost/asio/awaitable.hpp>
#include <memory>
#include <optional>
#include <string>

#include "net/answer.h"
#include "net/deadline.h"
#include "net/http_parser.h"
#include "net/input_buffer.h"
#include "net/server_core.h"
#include "net/stream.h"

namespace strata::net {

class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  HttpConnection(std::shared_ptr<ServerCore> core, std::unique_ptr<Stream> stream,
                 std::string remote_address);
  ~HttpConnection();

  void start();
  /// Ends now if no request is under way, else after the answer to this one.
  void finish();
  /// Ends now; fires the stop token of the exchange under way.
  void cut();

 private:
  using Awaitable = boost::asio::awaitable<bool>;

  boost::asio::awaitable<void> run();
  /// False when the connection is to be closed.
  Awaitable serve_one();
  Awaitable read_request(RequestParser& parser);
  Awaitable reject(Rejection rejection);
  Awaitable send(std::shared_ptr<Answer> answer, bool head_only, int version, bool keep_alive);
  Awaitable send_stream(std::shared_ptr<Answer> answer, bool head_only, bool chunked);
  Awaitable write(std::string_view first, std::string_view second);
  /// At least one more byte is in input_; false at the end, on an error or past the deadline.
  Awaitable read_more();
  boost::asio::awaitable<void> read_ahead();
  void watch_client();
  boost::asio::awaitable<void> linger();
  void write_head(const HttpResponse& response, int version, bool keep_alive,
                  std::optional<size_t> length, bool chunked);

  static constexpr size_t kSmallRead = size_t{4} << 10;  // what an idle connection holds

  const std::shared_ptr<ServerCore> core_;
  const std::unique_ptr<Stream> stream_;
  const std::string remote_address_;
  Deadline deadline_;
  Signal signal_;  // the answer has something new, or read_ahead() ended
  InputBuffer input_;
  size_t read_size_ = kSmallRead;   // grows while reads fill it
  std::string head_;                // of the answer; used again
  std::string piece_;               // of a streamed body; used again
  std::shared_ptr<Answer> answer_;  // while it is under way
  bool idle_ = false;               // waits for the first byte of a request
  bool finishing_ = false;          // this exchange is the last
  bool answered_ = false;           // bytes went out that the client may not have read yet
  bool cut_ = false;
  bool reading_ahead_ = false;
  bool peer_done_ = false;  // nothing more comes from the client
};

}  // namespace strata::net
