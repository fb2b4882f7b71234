// The heads of HTTP/1.1 messages as a proxy must read them: strictly, since what two programs read
// differently is how requests are smuggled (RFC 9112, 11.2), and without copying, since the fields
// are passed on as they came. The server of net/ reads whole requests into values; this reads heads
// as views.
//
// Values; the views are into the text that was parsed. Not thread-safe. Bounds: kMaxFields; how
// long a head may be is its reader's.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace strata::gateway {

struct HeadField {
  std::string_view name;
  std::string_view value;  // without the space around it
};

/// How the end of a body is told (RFC 9112, 6.3).
enum class Framing : uint8_t {
  kNone,     // there is none
  kLength,   // Content-Length
  kChunked,  // Transfer-Encoding: chunked
  kClose,    // a response that ends with its connection
};

struct MessageHead {
  static constexpr size_t kMaxFields = 200;

  std::vector<HeadField> fields;
  int version = 11;  // 10 or 11
  Framing framing = Framing::kNone;
  uint64_t length = 0;  // of kLength
  bool keep_alive = true;

  /// The first value of that name, in any case; "" when there is none.
  std::string_view value(std::string_view name) const;
  bool has(std::string_view name) const;
};

struct RequestHead : MessageHead {
  std::string_view method;
  std::string_view target;  // "/v1/models?limit=2"
  bool expects_continue = false;
  /// The target without its query.
  std::string_view path() const { return target.substr(0, target.find('?')); }
};

struct ResponseHead : MessageHead {
  int status = 0;
  std::string_view reason;
};

/// Why a head is refused: a request's answer has this status and says `reason`.
struct HeadFault {
  int status = 400;
  std::string_view reason;
};

/// The size of the head that `bytes` begin with, its empty line included; 0 while it is not whole.
/// `looked_at` is how much was looked at before.
size_t head_size(std::string_view bytes, size_t looked_at = 0);

/// `text` is a whole head. `head` is used again: its memory stays.
std::optional<HeadFault> parse_request_head(std::string_view text, RequestHead& head);
/// `to_head`: the request was HEAD, so that no body follows whatever the fields say.
std::optional<HeadFault> parse_response_head(std::string_view text, bool to_head,
                                             ResponseHead& head);

/// Whether a proxy must not pass the field on (RFC 9110, 7.6.1): it is about the connection, or the
/// message's Connection field names it.
bool is_hop_by_hop(const MessageHead& head, std::string_view name);

}  // namespace strata::gateway
