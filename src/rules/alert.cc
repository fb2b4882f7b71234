#include "rules/alert.h"

namespace strata::rules {

std::string_view to_string(AlertState state) {
  switch (state) {
    case AlertState::kInactive: return "inactive";
    case AlertState::kPending: return "pending";
    case AlertState::kFiring: return "firing";
  }
  return "";
}

}  // namespace strata::rules
