// Reads JSON (RFC 8259) from a text that the caller owns, one value after another, without a tree:
// a Kubernetes list of a hundred megabytes is mostly fields that nobody here asks for. The reader
// who knows the shape drives:
//
//   reader.object([&](std::string_view key) {
//     if (key == "name") reader.string(name);
//     else reader.skip();
//   });
//
// The first thing that is not as asked for stops it: whatever is called after that reads nothing,
// and finish() says what and where. One thread. Bound: kMaxDepth levels.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace strata::discover {

class JsonReader {
 public:
  static constexpr int kMaxDepth = 100;

  explicit JsonReader(std::string_view text) : text_(text) {}

  bool ok() const { return what_ == nullptr; }
  /// Nothing may follow. Error: kBadData, with the byte at which reading stopped.
  Result<> finish();

  /// Whether a null stands here; then it is read.
  bool null();
  /// Calls `member(key)` for each; it must read one value. A null is an object without members.
  template <class Member>
  void object(Member&& member);
  /// Calls `item()` for each; it must read one value. A null is an array without items.
  template <class Item>
  void array(Item&& item);
  /// Replaces `out`; a null leaves it as it is. Likewise for the other values.
  void string(std::string& out);
  void boolean(bool& out);
  /// A number without fraction.
  void integer(int64_t& out);
  /// Reads a value of any kind. Its text, when somebody may want to read it later.
  std::string_view skip();

 private:
  void fail(const char* what);
  char peek();  // the next byte that is no space; 0 at the end
  bool take(char c);
  bool take_word(std::string_view word);
  bool enter(char open);
  bool next(char close, bool first);
  bool escape(std::string& out);
  bool hex4(uint32_t& out);
  void skip_string();
  void skip_number();

  const std::string_view text_;
  size_t at_ = 0;
  int depth_ = 0;
  const char* what_ = nullptr;  // went wrong
};

template <class Member>
void JsonReader::object(Member&& member) {
  if (null() || !enter('{')) return;
  std::string key;
  for (bool first = true; next('}', first); first = false) {
    if (peek() != '"') return fail("expected a member's name");
    string(key);
    if (!take(':')) return fail("expected ':'");
    member(std::string_view(key));
  }
}

template <class Item>
void JsonReader::array(Item&& item) {
  if (null() || !enter('[')) return;
  for (bool first = true; next(']', first); first = false) item();
}

}  // namespace strata::discover
