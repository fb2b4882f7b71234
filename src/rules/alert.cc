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

uint64_t fingerprint(const Labels& labels) {
  uint64_t hash = 14695981039346656037u;
  const auto add = [&](std::string_view text) {
    for (const char c : text) {
      hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
    }
    hash = (hash ^ 0xff) * 1099511628211u;
  };
  for (const Label& label : labels) {
    add(label.name);
    add(label.value);
  }
  return hash;
}

}  // namespace strata::rules
