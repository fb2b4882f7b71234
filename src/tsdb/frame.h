// Framing of everything that the head appends to files: the write-ahead log, the series log and the
// tile segments. A frame is 16 bytes of header and a payload:
//
//   u32 magic | u32 payload length | u32 sequence | u32 CRC32C of length, sequence and payload
//
// So a reader that meets damage finds the next whole frame by searching for the magic, and a gap in
// the sequence says how many frames were lost. Pure functions over bytes; no bound but
// kMaxFramePayload.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace strata::tsdb {

/// The last byte in the file is the version: 1.
inline constexpr uint32_t kFrameMagic = 0x01f5d1a7;
inline constexpr size_t kFrameHeader = 16;
inline constexpr size_t kMaxFramePayload = 256u << 20;

/// Makes room for a header at the end of `out`; the payload is appended after it. Returns what
/// end_frame() needs.
size_t begin_frame(std::string& out);
void end_frame(std::string& out, size_t begin, uint32_t sequence);

struct Frame {
  uint64_t offset = 0;  // of the header
  uint32_t sequence = 0;
  std::string_view payload;
};

/// Bytes between whole frames that are none.
struct FrameDamage {
  uint64_t offset = 0;
  uint64_t bytes = 0;
  uint64_t frames = 0;  // lost, as the sequence tells; 0: not known
  /// The file just ends too early: a write that never finished, not bytes that changed.
  bool torn = false;
};

/// Reads frames in order and steps over damage.
class FrameReader {
 public:
  explicit FrameReader(std::string_view bytes) : bytes_(bytes) {}
  bool next(Frame& out);
  const std::vector<FrameDamage>& damage() const { return damage_; }
  /// Where next() goes on.
  uint64_t offset() const { return at_; }

 private:
  bool whole_frame_at(uint64_t at, Frame& out) const;
  bool skip_damage(Frame& out);
  bool looks_torn(uint64_t at) const;

  std::string_view bytes_;
  uint64_t at_ = 0;
  bool has_previous_ = false;
  uint32_t previous_ = 0;
  std::vector<FrameDamage> damage_;
};

}  // namespace strata::tsdb
