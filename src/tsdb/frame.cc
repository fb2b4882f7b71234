#include "tsdb/frame.h"

#include "base/hash.h"
#include "tsdb/record.h"

namespace strata::tsdb {
namespace {

constexpr size_t kLengthAt = 4;
constexpr size_t kSequenceAt = 8;
constexpr size_t kCrcAt = 12;

uint32_t load_u32(const char* at) {
  uint32_t value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

uint32_t frame_crc(std::string_view header, std::string_view payload) {
  return crc32c(payload, crc32c(header.substr(kLengthAt, 8)));
}

}  // namespace

size_t begin_frame(std::string& out) {
  const size_t begin = out.size();
  out.append(kFrameHeader, '\0');
  return begin;
}

void end_frame(std::string& out, size_t begin, uint32_t sequence) {
  char* header = out.data() + begin;
  const auto length = static_cast<uint32_t>(out.size() - begin - kFrameHeader);
  std::memcpy(header, &kFrameMagic, 4);
  std::memcpy(header + kLengthAt, &length, 4);
  std::memcpy(header + kSequenceAt, &sequence, 4);
  const uint32_t crc = frame_crc({header, kFrameHeader}, {header + kFrameHeader, length});
  std::memcpy(header + kCrcAt, &crc, 4);
}

bool FrameReader::whole_frame_at(uint64_t at, Frame& out) const {
  const std::string_view rest = bytes_.substr(at);
  if (rest.size() < kFrameHeader || load_u32(rest.data()) != kFrameMagic) return false;
  const uint32_t length = load_u32(rest.data() + kLengthAt);
  if (length > kMaxFramePayload || length > rest.size() - kFrameHeader) return false;
  const std::string_view payload = rest.substr(kFrameHeader, length);
  if (frame_crc(rest, payload) != load_u32(rest.data() + kCrcAt)) return false;
  out = {at, load_u32(rest.data() + kSequenceAt), payload};
  return true;
}

bool FrameReader::looks_torn(uint64_t at) const {
  const std::string_view rest = bytes_.substr(at);
  // A file system may extend a file before its bytes arrive, and then shows zeros.
  if (rest.find_first_not_of('\0') == std::string_view::npos) return true;
  const size_t magic_bytes = std::min<size_t>(rest.size(), 4);
  if (std::memcmp(rest.data(), &kFrameMagic, magic_bytes) != 0) return false;
  return rest.size() < kFrameHeader ||
         load_u32(rest.data() + kLengthAt) > rest.size() - kFrameHeader;
}

bool FrameReader::skip_damage(Frame& out) {
  const std::string_view magic(reinterpret_cast<const char*>(&kFrameMagic), 4);
  const uint64_t start = at_;
  FrameDamage damage{.offset = start};
  uint64_t found = start;
  do {
    found = bytes_.find(magic, found + 1);
    if (found == std::string_view::npos) {
      damage.bytes = bytes_.size() - start;
      damage.torn = looks_torn(start);
      damage_.push_back(damage);
      at_ = bytes_.size();
      return false;
    }
  } while (!whole_frame_at(found, out));
  damage.bytes = found - start;
  damage.frames = has_previous_ ? out.sequence - previous_ - 1 : 0;
  if (damage.frames > damage.bytes / kFrameHeader + 1) damage.frames = 0;  // the sequence restarted
  damage_.push_back(damage);
  return true;
}

bool FrameReader::next(Frame& out) {
  if (at_ >= bytes_.size()) return false;
  if (!whole_frame_at(at_, out) && !skip_damage(out)) return false;
  at_ = out.offset + kFrameHeader + out.payload.size();
  previous_ = out.sequence;
  has_previous_ = true;
  return true;
}

}  // namespace strata::tsdb
