// How Prometheus and Alertmanager name a label set in one number (common/model: Fingerprint).
#pragma once
#include <cstdint>

#include "model/labels.h"

namespace strata {

/// 64-bit FNV-1a over names and values, each followed by 0xff. Pure.
uint64_t fingerprint(const Labels& labels);

}  // namespace strata
