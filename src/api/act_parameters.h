// What a person who acts says of what is to be done, and who it is: parameters of the address, of a
// form, or members of a JSON object in the body, under the same names.
//
// Of one request; it must outlive this.
#pragma once
#include <map>
#include <optional>
#include <string>

#include "api/call.h"
#include "model/sample.h"

namespace strata::api {

class ActParameters {
 public:
  /// Error: kBadData for a body that begins as JSON and is not.
  static Result<ActParameters> read(const Call& call);

  /// A member of the body before a parameter; "" when there is neither.
  std::string get(std::string_view name) const;
  /// None when it is not given. Error: kBadData.
  Result<std::optional<TimestampMs>> time(std::string_view name) const;
  /// Whoever logged in, else the name that is given. Error: kBadData when there is none, or it is
  /// the one of what happens by itself.
  Result<std::string> actor() const;

 private:
  explicit ActParameters(const Call& call) : call_(call) {}
  const Call& call_;
  std::map<std::string, std::string, std::less<>> members_;
};

}  // namespace strata::api
