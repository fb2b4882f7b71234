// One list of models of the lists of several engines (OpenAI's GET /v1/models). A value that one
// thread fills. Bounds: kMaxModels items; items are kept as their engine wrote them.
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <unordered_set>

namespace strata::gateway {

class ModelList {
 public:
  static constexpr size_t kMaxModels = 10'000;

  /// Takes the items of an engine's answer whose id `serves`, but for those that are there already.
  /// False: the answer is no list of models.
  bool add(std::string_view json, const std::function<bool(const std::string& id)>& serves);
  /// {"object":"list","data":[…]}
  std::string json() const;

 private:
  std::unordered_set<std::string> ids_;
  std::string items_;
};

}  // namespace strata::gateway
