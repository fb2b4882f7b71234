// Finds a few members of a JSON object while its bytes come by, cut anywhere, without a DOM and
// without keeping them: `model` and `stream` of a prompt of 64 MiB, `usage` of an answer. What is
// not asked for is skipped at the speed of json_bytes.h.
//
// Not thread-safe. Bounds: kMaxValue bytes a value are kept; a longer one is found, and cut. It
// does not validate: whoever the bytes are for does. Of a key that comes twice the last counts, as
// with the parsers that the engines use; FoundMember::times tells.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace strata::gateway {

/// A member of the object, or of the object that is its member `parent`.
struct WantedMember {
  std::string_view key;
  std::string_view parent = {};
};

struct FoundMember {
  uint32_t times = 0;
  uint64_t begin = 0;  // where the value stands in the body
  uint64_t end = 0;
  std::string value;  // as written; at most BodyScanner::kMaxValue bytes of it
  bool cut = false;

  /// Found, and kept whole.
  bool there() const { return times > 0 && !cut; }
};

class BodyScanner {
 public:
  static constexpr size_t kMaxValue = size_t{16} << 10;

  /// `wanted` must outlive this.
  explicit BodyScanner(std::span<const WantedMember> wanted)
      : wanted_(wanted), found_(wanted.size()) {}

  void feed(std::string_view bytes);
  /// As at the beginning.
  void reset();

  /// In the order of `wanted`.
  const FoundMember& operator[](size_t i) const { return found_[i]; }
  /// Just after the object's '{'; 0 when the body is no object, or nothing came yet.
  uint64_t inside() const { return inside_; }
  /// The object ended.
  bool whole() const { return whole_; }
  /// Whether the object has no members.
  bool bare() const { return !any_key_; }

 private:
  enum class State : uint8_t {
    kStart,   // before the '{'
    kKey,     // before a key
    kInKey,   // in one
    kColon,   // behind one
    kValue,   // before a value
    kScalar,  // in a number or a word
    kString,  // in a string that is a value at a watched level
    kNested,  // in a container that is not watched
    kComma,   // behind a value
    kDone,
  };
  static constexpr size_t kNone = SIZE_MAX;
  static constexpr size_t kMaxKey = 64;

  const char* step(const char* p, const char* end);
  const char* in_string(const char* p, const char* end);
  const char* nested(const char* p, const char* end);
  const char* begin_value(const char* p);
  void end_value(const char* p);
  void key_ended();
  void keep(const char* end);
  uint64_t offset(const char* p) const { return base_ + static_cast<uint64_t>(p - chunk_); }

  std::span<const WantedMember> wanted_;
  std::vector<FoundMember> found_;
  State state_ = State::kStart;
  bool in_string_ = false;  // while kNested
  bool escaped_ = false;
  bool in_parent_ = false;  // the watched level is that of a parent's members
  bool descends_ = false;   // the key's value is a parent of wanted members
  bool whole_ = false;
  bool any_key_ = false;
  uint32_t depth_ = 0;  // while kNested
  uint64_t inside_ = 0;
  uint64_t base_ = 0;  // offset of the piece that is being read
  const char* chunk_ = nullptr;
  const char* keep_from_ = nullptr;
  size_t capturing_ = kNone;
  std::string key_;
  std::string parent_;
};

}  // namespace strata::gateway
