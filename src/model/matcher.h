// Label matchers: what a selector is made of.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/regex.h"
#include "base/result.h"
#include "model/labels.h"

namespace strata {

/// Immutable after make(); cheap to copy; thread-safe. A missing label matches as "".
class Matcher {
 public:
  enum class Op : uint8_t { kEqual, kNotEqual, kRegex, kNotRegex };

  /// Error: kBadData when the regular expression does not compile.
  static Result<Matcher> make(Op op, std::string name, std::string value);
  static Matcher equal(std::string name, std::string value);

  Op op() const { return op_; }
  const std::string& name() const { return name_; }
  const std::string& value() const { return value_; }

  bool matches(std::string_view value) const;
  bool matches(const Labels& labels) const { return matches(labels.get(name_)); }
  /// Whether a series without the label is selected.
  bool matches_empty() const { return matches_empty_; }

  /// `name="value"`, as PromQL prints it.
  std::string to_string() const;
  friend bool operator==(const Matcher& a, const Matcher& b) {
    return a.op_ == b.op_ && a.name_ == b.name_ && a.value_ == b.value_;
  }

 private:
  Matcher() = default;
  Op op_ = Op::kEqual;
  bool matches_empty_ = false;
  std::string name_;
  std::string value_;
  std::optional<Regex> regex_;
};

}  // namespace strata
