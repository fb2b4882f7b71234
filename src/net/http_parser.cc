#include "net/http_parser.h"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <string>

namespace strata::net {
namespace {

namespace http = boost::beast::http;
using boost::beast::error_code;
using boost::beast::string_view;

std::string_view view(string_view text) { return {text.data(), text.size()}; }

/// The parser lets fields through as they become whole; the sum is bounded here. A field costs at
/// least this much, so that many empty ones are bounded too.
constexpr size_t kFieldOverhead = 4;

/// What makes a callback stop the parser; the reason is kept beside it.
error_code stopped() { return http::error::bad_value; }

bool is_chunked_alone(std::string_view value) { return equals_ignoring_case(value, "chunked"); }

}  // namespace

class RequestParser::Impl final : public http::basic_parser<true> {
 public:
  Impl(HttpRequest& request, Limits limits) : request_(request), limits_(limits) {
    header_limit(static_cast<uint32_t>(std::min<size_t>(limits.header_bytes, UINT32_MAX)));
    body_limit(limits.body_bytes);
    eager(true);
  }

  size_t feed(std::string_view bytes) {
    error_code ec;
    const size_t used = put(boost::asio::const_buffer(bytes.data(), bytes.size()), ec);
    if (ec == http::error::need_more) {
      // A chunk's header or a trailer that never ends.
      if (bytes.size() - used > limits_.header_bytes) reject(431, "header too large");
      return used;
    }
    if (ec && !rejection) reject_for(ec);
    return used;
  }

  std::optional<Rejection> rejection;
  bool expects_continue = false;

 private:
  void reject(int status, std::string reason) { rejection = {status, std::move(reason)}; }

  void reject_for(error_code ec) {
    if (ec == http::error::header_limit) {
      reject(431, "header larger than " + std::to_string(limits_.header_bytes) + " bytes");
    } else if (ec == http::error::body_limit) {
      reject(413, "body larger than " + std::to_string(limits_.body_bytes) + " bytes");
    } else if (ec == http::error::bad_version) {
      reject(505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
    } else {
      reject(400, ec.message());
    }
  }

  void on_request_impl(http::verb, string_view method, string_view target, int version,
                       error_code& ec) override {
    request_.method = view(method);
    request_.version = version;
    header_bytes_ += method.size() + target.size();
    if (auto set = set_target(request_, view(target)); !set) {
      reject(400, std::move(set.error().message));
      ec = stopped();
    }
  }

  void on_field_impl(http::field, string_view name, string_view value, error_code& ec) override {
    header_bytes_ += name.size() + value.size() + kFieldOverhead;
    if (header_bytes_ > limits_.header_bytes) {
      ec = http::error::header_limit;
    } else if (!in_body_) {  // trailers are dropped: nobody here may trust them
      request_.headers.add(view(name), view(value));
    }
  }

  /// What RFC 9112 asks of a server and the parser leaves to us; request smuggling (section 11.2)
  /// lives on messages whose length two readers see differently.
  void on_header_impl(error_code& ec) override {
    in_body_ = true;
    const Headers& headers = request_.headers;
    size_t hosts = 0;
    bool coded = false;
    for (const auto [name, value] : headers) {
      if (equals_ignoring_case(name, "host")) ++hosts;
      if (equals_ignoring_case(name, "transfer-encoding")) {
        if (!is_chunked_alone(value)) reject(501, "Transfer-Encoding other than chunked");
        if (coded || request_.version < 11) reject(400, "Transfer-Encoding not allowed here");
        coded = true;
      }
    }
    if (hosts > 1 || (hosts == 0 && request_.version >= 11)) {
      reject(400, "exactly one Host header is needed");
    }
    if (const auto expect = headers.get("expect"); expect && request_.version >= 11) {
      expects_continue = equals_ignoring_case(*expect, "100-continue");
      if (!expects_continue) reject(417, "only 100-continue can be expected");
    }
    if (rejection) ec = stopped();
  }

  void on_body_init_impl(const boost::optional<uint64_t>& length, error_code&) override {
    // The length is only announced: memory is given as bytes come.
    static constexpr uint64_t kReserve = 1 << 20;
    if (length) request_.body.reserve(std::min(*length, kReserve));
  }
  size_t on_body_impl(string_view body, error_code&) override {
    request_.body.append(body.data(), body.size());
    return body.size();
  }
  void on_chunk_header_impl(uint64_t, string_view, error_code&) override {}
  size_t on_chunk_body_impl(uint64_t, string_view body, error_code&) override {
    request_.body.append(body.data(), body.size());
    return body.size();
  }
  void on_response_impl(int, string_view, int, error_code&) override {}
  void on_finish_impl(error_code&) override {}

  HttpRequest& request_;
  const Limits limits_;
  size_t header_bytes_ = 0;
  bool in_body_ = false;
};

RequestParser::RequestParser(HttpRequest& request, Limits limits)
    : impl_(std::make_unique<Impl>(request, limits)) {}
RequestParser::~RequestParser() = default;
size_t RequestParser::feed(std::string_view bytes) { return impl_->feed(bytes); }
const std::optional<Rejection>& RequestParser::rejected() const { return impl_->rejection; }
bool RequestParser::header_done() const { return impl_->is_header_done(); }
bool RequestParser::done() const { return impl_->is_done(); }
bool RequestParser::keep_alive() const { return impl_->keep_alive(); }
bool RequestParser::expects_continue() const { return impl_->expects_continue; }

class ResponseParser::Impl final : public http::basic_parser<false> {
 public:
  Impl(ClientResponse& response, Options options) : response_(response), options_(options) {
    header_limit(static_cast<uint32_t>(std::min<size_t>(options.header_bytes, UINT32_MAX)));
    body_limit(boost::none);
    eager(true);
    skip(options.head);
  }

  Result<size_t> feed(std::string_view bytes) {
    error_code ec;
    const size_t used = put(boost::asio::const_buffer(bytes.data(), bytes.size()), ec);
    if (ec == http::error::need_more) {
      if (bytes.size() - used > options_.header_bytes) return std::unexpected(header_too_large());
      return used;
    }
    if (error_) return std::unexpected(*std::move(error_));
    if (ec == http::error::header_limit) return std::unexpected(header_too_large());
    if (ec) return bad_data("the response is no valid HTTP: " + ec.message());
    return used;
  }

  int version() const { return version_; }
  size_t direct_left() const { return length_ ? *length_ - response_.wire_bytes : 0; }
  void took(size_t bytes) { response_.wire_bytes += bytes; }
  bool done() const { return is_done() || (length_ && direct_left() == 0); }

  Result<> finish() {
    const std::string so_far = " after " + std::to_string(response_.wire_bytes) + " bytes";
    if (!got_some()) return fail(ErrorCode::kUnavailable, "connection closed without a response");
    error_code ec;
    put_eof(ec);
    if (ec == http::error::partial_message) {
      if (!is_header_done()) {
        return fail(ErrorCode::kUnavailable, "connection closed in the response's header");
      }
      std::string message = "body cut short: connection closed" + so_far;
      if (const auto length = content_length()) message += " of " + std::to_string(*length);
      return fail(ErrorCode::kUnavailable, std::move(message));
    }
    if (error_) return std::unexpected(*std::move(error_));
    if (ec) return bad_data("the response is no valid HTTP: " + ec.message());
    return {};
  }

 private:
  Error header_too_large() const {
    return {ErrorCode::kLimit, "response header exceeds the limit of " +
                                   std::to_string(options_.header_bytes) + " bytes"};
  }
  Error body_too_large() const {
    return {ErrorCode::kLimit,
            "body exceeds the limit of " + std::to_string(options_.body_bytes) + " bytes"};
  }

  void stop(Error error, error_code& ec) {
    error_ = std::move(error);
    ec = stopped();
  }

  size_t take(string_view piece, error_code& ec) {
    response_.wire_bytes += piece.size();
    if (unzip_) {
      if (auto fed = options_.gunzip->feed(view(piece), response_.body, options_.body_bytes);
          !fed) {
        stop(fed.error().code == ErrorCode::kLimit ? body_too_large() : fed.error().within("body"),
             ec);
      }
    } else if (piece.size() > options_.body_bytes - response_.body.size()) {
      stop(body_too_large(), ec);
    } else {
      response_.body.append(piece.data(), piece.size());
    }
    return piece.size();
  }

  void on_response_impl(int status, string_view, int version, error_code&) override {
    response_.status = status;
    version_ = version;
  }
  void on_field_impl(http::field, string_view name, string_view value, error_code& ec) override {
    header_bytes_ += name.size() + value.size() + kFieldOverhead;
    if (header_bytes_ > options_.header_bytes) {
      ec = http::error::header_limit;
    } else if (!in_body_) {
      response_.headers.add(view(name), view(value));
    }
  }
  void on_header_impl(error_code& ec) override {
    in_body_ = true;
    const std::string_view coding = response_.headers.value("content-encoding");
    unzip_ = options_.gunzip != nullptr &&
             (equals_ignoring_case(coding, "gzip") || equals_ignoring_case(coding, "x-gzip"));
    if (unzip_) options_.gunzip->reset();
    for (const auto [name, value] : response_.headers) {
      if (equals_ignoring_case(name, "transfer-encoding") && !is_chunked_alone(value)) {
        stop({ErrorCode::kBadData, "the response has a Transfer-Encoding other than chunked"}, ec);
      }
    }
    if (const auto length = content_length(); length && !is_done()) expect(*length, ec);
  }
  /// Refuses a body that is announced to be too large before it is sent.
  void expect(uint64_t length, error_code& ec) {
    // A compressed body may be a little larger than its text (zlib's bound).
    const uint64_t slack = unzip_ ? options_.body_bytes / 1000 + 64 : 0;
    if (length > options_.body_bytes + slack) return stop(body_too_large(), ec);
    static constexpr uint64_t kReserve = 1 << 20;
    if (unzip_) return;
    response_.body.reserve(std::min(length, kReserve));
    const int status = response_.status;
    const bool no_body = options_.head || status / 100 == 1 || status == 204 || status == 304;
    if (!no_body) length_ = length;
  }
  void on_body_init_impl(const boost::optional<uint64_t>&, error_code&) override {}
  size_t on_body_impl(string_view body, error_code& ec) override { return take(body, ec); }
  void on_chunk_header_impl(uint64_t, string_view, error_code&) override {}
  size_t on_chunk_body_impl(uint64_t, string_view body, error_code& ec) override {
    return take(body, ec);
  }
  void on_request_impl(http::verb, string_view, string_view, int, error_code&) override {}
  void on_finish_impl(error_code& ec) override {
    if (unzip_ && response_.wire_bytes > 0 && !options_.gunzip->finished()) {
      stop({ErrorCode::kBadData, "body: invalid gzip: it ends too early"}, ec);
    }
  }

  ClientResponse& response_;
  const Options options_;
  std::optional<Error> error_;
  size_t header_bytes_ = 0;
  int version_ = 0;
  bool in_body_ = false;
  bool unzip_ = false;
  std::optional<size_t> length_;  // of a body that comes as it is
};

ResponseParser::ResponseParser(ClientResponse& response, Options options)
    : impl_(std::make_unique<Impl>(response, options)) {}
ResponseParser::~ResponseParser() = default;
Result<size_t> ResponseParser::feed(std::string_view bytes) { return impl_->feed(bytes); }
Result<> ResponseParser::finish() { return impl_->finish(); }
bool ResponseParser::header_done() const { return impl_->is_header_done(); }
size_t ResponseParser::direct_left() const { return impl_->direct_left(); }
void ResponseParser::took(size_t bytes) { impl_->took(bytes); }
bool ResponseParser::done() const { return impl_->done(); }
bool ResponseParser::keep_alive() const { return impl_->keep_alive() && !impl_->need_eof(); }
int ResponseParser::http_version() const { return impl_->version(); }

}  // namespace strata::net
