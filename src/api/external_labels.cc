#include "api/external_labels.h"

namespace strata::api {

Labels with_external(const Labels& labels, const Labels& external) {
  if (external.empty()) return labels;
  LabelsBuilder all(labels);
  for (const auto& label : external) {
    if (!labels.has(label.name)) all.set(label.name, label.value);
  }
  return all.build();
}

}  // namespace strata::api
