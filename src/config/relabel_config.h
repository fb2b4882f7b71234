// One relabelling rule, as relabel_configs and metric_relabel_configs have them. discover/relabel.h
// applies it.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/regex.h"

namespace strata::config {

/// Which names are valid: any UTF-8, or [a-zA-Z_][a-zA-Z0-9_]* only.
enum class NameValidation : uint8_t { kUtf8, kLegacy };

enum class RelabelAction : uint8_t {
  kReplace,
  kKeep,
  kDrop,
  kKeepEqual,
  kDropEqual,
  kHashMod,
  kLabelMap,
  kLabelDrop,
  kLabelKeep,
  kLowercase,
  kUppercase,
};

/// "replace", "keepequal", …
std::string_view to_string(RelabelAction action);

/// (.*), compiled once.
const Regex& match_all();

struct RelabelConfig {
  std::vector<std::string> source_labels;
  std::string separator = ";";
  Regex regex = match_all();
  uint64_t modulus = 0;
  std::string target_label;
  std::string replacement = "$1";
  RelabelAction action = RelabelAction::kReplace;
  /// From the scrape config; decides which target names a replace may produce.
  NameValidation name_validation = NameValidation::kUtf8;
};

/// Whether `name` may be a label name under `validation`; never when empty.
bool is_label_name(NameValidation validation, std::string_view name);

}  // namespace strata::config
