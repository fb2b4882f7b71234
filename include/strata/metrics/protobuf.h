// The few bytes of protobuf that an exposition needs: Prometheus' io.prometheus.client messages,
// written front to back. Field numbers are those of client_model's metrics.proto:
// https://github.com/prometheus/client_model/blob/master/io/prometheus/client/metrics.proto
#pragma once
#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

namespace strata::metrics::detail {

/// Appends fields to a message.
class Proto {
 public:
  explicit Proto(std::string& out) : out_(out) {}

  void varint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) out_ += static_cast<char>(value | 0x80);
    out_ += static_cast<char>(value);
  }
  void integer(uint32_t field, uint64_t value) {
    tag(field, 0);
    varint(value);
  }
  /// sint32 and sint64: small numbers of either sign are short.
  void zigzag(uint32_t field, int64_t value) {
    integer(field, (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63));
  }
  void real(uint32_t field, double value) {
    tag(field, 1);
    const auto bits = std::bit_cast<uint64_t>(value);
    for (int shift = 0; shift < 64; shift += 8) out_ += static_cast<char>(bits >> shift);
  }
  void text(uint32_t field, std::string_view value) {
    tag(field, 2);
    varint(value.size());
    out_ += value;
  }
  /// A message: what `write(Proto&)` appends.
  template <class Write>
  void message(uint32_t field, Write write) {
    std::string inner;
    Proto proto(inner);
    write(proto);
    text(field, inner);
  }

 private:
  void tag(uint32_t field, uint32_t wire_type) { varint(uint64_t{field} << 3 | wire_type); }

  std::string& out_;
};

/// Calls each(key, value) for labels in their written form, escapes undone.
template <class Each>
void for_each_label(std::string_view written, Each each) {
  std::string value;
  while (!written.empty()) {
    const size_t equals = written.find('=');
    const std::string_view key = written.substr(0, equals);
    size_t at = equals + 2;
    value.clear();
    for (; at < written.size() && written[at] != '"'; ++at) {
      if (written[at] != '\\') {
        value += written[at];
      } else if (++at < written.size()) {
        value += written[at] == 'n' ? '\n' : written[at];
      }
    }
    each(key, std::string_view(value));
    written.remove_prefix(at + 1 < written.size() ? at + 2 : written.size());
  }
}

}  // namespace strata::metrics::detail
