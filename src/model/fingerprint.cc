#include "model/fingerprint.h"

namespace strata {

uint64_t fingerprint(const Labels& labels) {
  uint64_t hash = 14'695'981'039'346'656'037ULL;
  const auto add = [&](std::string_view text) {
    for (const char c : text) {
      hash = (hash ^ static_cast<unsigned char>(c)) * 1'099'511'628'211ULL;
    }
    hash = (hash ^ 0xff) * 1'099'511'628'211ULL;
  };
  for (const Label& label : labels) {
    add(label.name);
    add(label.value);
  }
  return hash;
}

}  // namespace strata
