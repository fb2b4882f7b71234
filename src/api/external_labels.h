// What this server's series are called elsewhere. Pure function.
#pragma once
#include "model/labels.h"

namespace strata::api {

/// `labels`, and those of `external` whose names are not among them.
Labels with_external(const Labels& labels, const Labels& external);

}  // namespace strata::api
