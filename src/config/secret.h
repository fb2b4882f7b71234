// A password, token or key: text that must reach the wire and nothing else.
#pragma once
#include <string>
#include <utility>

namespace strata::config {

/// Everything that prints configuration prints kHidden instead of the value; only the code that
/// sends the secret calls reveal().
class Secret {
 public:
  static constexpr const char* kHidden = "<secret>";

  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}

  const std::string& reveal() const { return value_; }
  bool empty() const { return value_.empty(); }
  friend bool operator==(const Secret&, const Secret&) = default;

 private:
  std::string value_;
};

}  // namespace strata::config
