#include "net/tls_stream.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "net/tls_peer.h"

namespace strata::net {
namespace {

namespace asio = boost::asio;
namespace ssl = asio::ssl;
constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

class TlsStream final : public Stream {
 public:
  TlsStream(Socket socket, const TlsContext& context, ssl::stream_base::handshake_type side,
            std::string name)
      : stream_(std::move(socket), SSL_new(context.get())), side_(side), name_(std::move(name)) {
    if (side_ == ssl::stream_base::server || name_.empty()) return;
    X509_VERIFY_PARAM* verify = SSL_get0_param(native());
    // Names in the subject's common name have not counted since RFC 6125; Go ignores them too.
    X509_VERIFY_PARAM_set_hostflags(
        verify, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    boost::system::error_code not_an_address;
    asio::ip::make_address(name_, not_an_address);
    if (!not_an_address) {
      X509_VERIFY_PARAM_set1_ip_asc(verify, name_.c_str());
    } else {
      X509_VERIFY_PARAM_set1_host(verify, name_.c_str(), name_.size());
      SSL_set_tlsext_host_name(native(), name_.c_str());
    }
  }

  asio::awaitable<Result<>> handshake() override {
    const auto [error] = co_await stream_.async_handshake(side_, kAwait);
    if (error) co_return fail(ErrorCode::kUnavailable, handshake_error(error));
    shook_ = true;
    co_return Result<>{};
  }

  asio::awaitable<IoResult> read_some(asio::mutable_buffer into) override {
    const auto [error, bytes] = co_await stream_.async_read_some(into, kAwait);
    co_return IoResult{error, bytes};
  }

  asio::awaitable<IoResult> write_some(Pieces pieces) override {
    const auto [error, bytes] = co_await stream_.async_write_some(pieces, kAwait);
    co_return IoResult{error, bytes};
  }

  /// close_notify goes out at once; the peer's answer is seen by who reads on.
  asio::awaitable<void> shutdown_write() override {
    boost::system::error_code ignored;
    if (!shook_) {
      socket().shutdown(asio::socket_base::shutdown_send, ignored);
      co_return;
    }
    co_await stream_.async_shutdown(kAwait);
  }

  void close() override {
    boost::system::error_code ignored;
    socket().close(ignored);
  }

  Socket& socket() override { return stream_.next_layer(); }

  std::string peer_name() const override {
    X509* cert = SSL_get0_peer_certificate(native());
    const bool verified =
        refuses_unverified(native()) && SSL_get_verify_result(native()) == X509_V_OK;
    if (cert == nullptr || !verified) return {};
    char name[256] = {};
    X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, name, sizeof name);
    return name;
  }

  std::optional<TlsPeer> tls_peer() const override { return describe_peer(native()); }

 private:
  SSL* native() const { return const_cast<ssl::stream<Socket>&>(stream_).native_handle(); }

  std::string handshake_error(const boost::system::error_code& error) const {
    const long verdict = SSL_get_verify_result(native());  // NOLINT: OpenSSL's type
    std::string text = "TLS handshake";
    if (side_ == ssl::stream_base::client && verdict != X509_V_OK) {
      text += ": certificate of " + name_ + ": " + X509_verify_cert_error_string(verdict);
    } else if (error == asio::error::eof || error == ssl::error::stream_truncated) {
      text += ": connection closed by the peer";
    } else {
      text += ": " + describe(error);
    }
    return text;
  }

  ssl::stream<Socket> stream_;
  const ssl::stream_base::handshake_type side_;
  const std::string name_;
  bool shook_ = false;
};

}  // namespace

std::unique_ptr<Stream> make_tls_client_stream(Socket socket, const TlsContext& context,
                                               std::string name) {
  return std::make_unique<TlsStream>(std::move(socket), context, ssl::stream_base::client,
                                     std::move(name));
}

std::unique_ptr<Stream> make_tls_server_stream(Socket socket, const TlsContext& context) {
  return std::make_unique<TlsStream>(std::move(socket), context, ssl::stream_base::server, "");
}

}  // namespace strata::net
