// What handlers under Grafana's paths have in common.
#pragma once
#include <string>

#include "api/call.h"
#include "api/reply.h"

namespace strata::api {

/// {"message": …}; 412 for kConflict, with a "status" that tells a client which of two it is.
Reply grafana_refusal(const Error& error);
/// Whoever logged in; "" where nobody has to.
std::string logged_in(const Call& call);

}  // namespace strata::api
