#include "gateway/upstream_call.h"

#include <algorithm>
#include <boost/asio/error.hpp>

namespace strata::gateway {
namespace {

namespace asio = boost::asio;
constexpr size_t kSmallRead = size_t{4} << 10;  // what a stream that waits holds
constexpr size_t kLargeRead = size_t{64} << 10;

}  // namespace

UpstreamCall::UpstreamCall(Context context, std::shared_ptr<Upstream> upstream,
                           uint64_t prompt_bytes)
    : upstream_(std::move(upstream)),
      prompt_bytes_(prompt_bytes),
      dialer_(context.loop, context.resolver, context.tls, phase_),
      read_size_(kSmallRead) {
  ++upstream_->in_flight;
  upstream_->prompt_bytes += prompt_bytes_;
}

UpstreamCall::~UpstreamCall() {
  --upstream_->in_flight;
  prefilled();
}

CallError UpstreamCall::fail(CallError error, std::string why) {
  why_ = std::move(why);
  return error;
}

void UpstreamCall::abort() {
  aborted_ = true;
  if (dialing_) dialer_.abort();
  if (stream_) stream_->close();
}

asio::awaitable<CallError> UpstreamCall::connect(bool fresh, std::chrono::milliseconds timeout) {
  reused_ = false;
  if (!fresh) stream_ = upstream_->take_idle();
  if (stream_) {
    reused_ = true;
    co_return CallError::kNone;
  }
  net::Dialer::Target target{.url = upstream_->url(),
                             .unix_socket = {},
                             .proxy = {},
                             .proxy_headers = {},
                             .tls = upstream_->tls(),
                             .connect_timeout = timeout,
                             .deadline = std::chrono::steady_clock::now() + timeout};
  dialing_ = true;
  auto dialled = co_await dialer_.dial(std::move(target));
  dialing_ = false;
  if (!dialled) co_return fail(CallError::kUnreachable, dialled.error().message);
  stream_ = *std::move(dialled);
  if (aborted_) stream_->close();
  co_return CallError::kNone;
}

asio::awaitable<CallError> UpstreamCall::send(std::array<std::string_view, 4> pieces) {
  for (size_t i = 0; i < pieces.size(); i += 2) {
    if (pieces[i].empty() && pieces[i + 1].empty()) continue;
    const auto error =
        co_await stream_->write_all({asio::buffer(pieces[i]), asio::buffer(pieces[i + 1])}, [] {});
    if (error) co_return fail(CallError::kReset, "send: " + net::describe(error));
  }
  co_return CallError::kNone;
}

asio::awaitable<CallError> UpstreamCall::read_more() {
  if (in_.unread().empty() && !filled_) {  // thousands of streams wait for their next token
    in_.shrink(0);
    if (const auto error = co_await stream_->wait_readable()) {
      co_return fail(CallError::kReset, net::describe(error));
    }
  }
  const auto room = in_.prepare(read_size_);
  const net::IoResult read = co_await stream_->read_some(asio::buffer(room.data(), room.size()));
  if (read.error) {
    ended_ = read.error == asio::error::eof;
    co_return fail(CallError::kReset, net::describe(read.error));
  }
  in_.commit(read.bytes);
  answered_ = true;
  filled_ = read.bytes == room.size();
  if (filled_) read_size_ = std::min(read_size_ * 4, kLargeRead);
  co_return CallError::kNone;
}

asio::awaitable<CallError> UpstreamCall::read_head(bool to_head) {
  while (true) {
    size_t looked_at = 0;
    size_t size = 0;
    while ((size = head_size(in_.unread(), looked_at)) == 0) {
      looked_at = in_.unread().size();
      if (looked_at > kMaxHead) co_return fail(CallError::kMalformed, "a head of more than 64 KiB");
      if (const auto error = co_await read_more(); error != CallError::kNone) co_return error;
    }
    head_text_ = in_.unread().substr(0, size);
    in_.consume(size);
    if (const auto fault = parse_response_head(head_text_, to_head, head_)) {
      co_return fail(CallError::kMalformed, std::string(fault->reason));
    }
    if (head_.status == 101) co_return fail(CallError::kMalformed, "101 to no Upgrade");
    if (head_.status >= 200) break;
  }
  left_ = head_.length;
  done_ = head_.framing == Framing::kNone || (head_.framing == Framing::kLength && left_ == 0);
  co_return CallError::kNone;
}

/// How many bytes at the front of in_ are payload; decodes chunks on the way.
size_t UpstreamCall::payload_in_buffer() {
  const auto bytes = in_.unread_bytes();
  decoded_used_ = bytes.size();
  if (head_.framing == Framing::kLength) {
    decoded_used_ = static_cast<size_t>(std::min<uint64_t>(left_, bytes.size()));
    left_ -= decoded_used_;
    done_ = left_ == 0;
    return decoded_used_;
  }
  if (head_.framing == Framing::kClose) return bytes.size();
  const auto decoded = chunks_.decode(bytes);
  decoded_used_ = decoded.used;
  done_ = chunks_.done();
  return decoded.payload;
}

asio::awaitable<CallError> UpstreamCall::read_body(std::string_view& piece) {
  piece = {};
  in_.consume(std::exchange(to_consume_, 0));
  while (!done_) {
    if (in_.unread().empty()) {
      const auto error = co_await read_more();
      if (ended_ && head_.framing == Framing::kClose) {
        done_ = true;
        co_return CallError::kNone;
      }
      if (error != CallError::kNone) co_return error;
    }
    const size_t payload = payload_in_buffer();
    if (chunks_.failed()) co_return fail(CallError::kMalformed, "chunks that are none");
    if (payload > 0) {
      piece = in_.unread().substr(0, payload);
      to_consume_ = decoded_used_;
      prefilled();
      co_return CallError::kNone;
    }
    in_.consume(decoded_used_);
  }
  co_return CallError::kNone;
}

void UpstreamCall::finish() {
  in_.consume(std::exchange(to_consume_, 0));
  if (!done_ || aborted_ || !head_.keep_alive || !in_.unread().empty() || !stream_) return;
  upstream_->give_back(std::move(stream_));
}

}  // namespace strata::gateway
