// HTTP/1.1 messages off the wire (RFC 9112), over Beast's parser, which stays in http_parser.cc.
//
// Both parsers take bytes as they come and say how many they used; what they did not use is given
// again, with more behind it, or belongs to the next message. One object parses one message. Not
// thread-safe. Bounds are given at construction; beyond them is an error.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "net/gzip.h"
#include "net/http.h"
#include "net/http_client.h"

namespace strata::net {

/// Why a request cannot be served, as the status that says so.
struct Rejection {
  int status = 0;
  std::string reason;
};

class RequestParser {
 public:
  struct Limits {
    size_t header_bytes;
    size_t body_bytes;
  };

  /// `request` is filled as the parser goes, and must outlive it.
  RequestParser(HttpRequest& request, Limits limits);
  ~RequestParser();
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  /// Returns how many bytes were used: all that can be used without more coming. After a rejection
  /// (rejected()) the connection cannot go on.
  size_t feed(std::string_view bytes);

  const std::optional<Rejection>& rejected() const;
  bool header_done() const;
  bool done() const;
  /// What follows are valid once header_done().
  bool keep_alive() const;
  /// The client waits for "100 Continue" before it sends the body.
  bool expects_continue() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

class ResponseParser {
 public:
  struct Options {
    bool head = false;  // the answer to HEAD, or a 2xx to CONNECT: no body whatever the header says
    size_t header_bytes = size_t{64} << 10;
    size_t body_bytes = size_t{64} << 20;  // after decompression
    Gunzip* gunzip = nullptr;              // decompresses a gzip body; null: it stays as it is
  };

  /// `response` is filled, its body appended to; it must outlive this.
  ResponseParser(ClientResponse& response, Options options);
  ~ResponseParser();
  ResponseParser(const ResponseParser&) = delete;
  ResponseParser& operator=(const ResponseParser&) = delete;

  /// Returns how many bytes were used. Error: kBadData for what is no HTTP, kLimit.
  Result<size_t> feed(std::string_view bytes);
  /// What is left of a body that comes as it is and whose length is known. It may be fed like the
  /// rest, or read to the end of the response's body at once: then took() says so.
  size_t direct_left() const;
  void took(size_t bytes);
  /// The connection ended. Error: kUnavailable when the message is not whole.
  Result<> finish();

  bool header_done() const;
  bool done() const;
  bool keep_alive() const;
  int http_version() const;  // 11 is HTTP/1.1

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace strata::net
