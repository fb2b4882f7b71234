// Whether a key press comes from the phone provider that made the call.
//
// Twilio signs what it posts (X-Twilio-Signature): base64 of HMAC-SHA-1, keyed with the account's
// auth token, over the address that it was given followed by the form's names and values, sorted by
// name. Pure.
#pragma once
#include <string>
#include <string_view>

#include "net/url.h"

namespace strata::oncall {

std::string twilio_signature(std::string_view auth_token, std::string_view url,
                             const net::FormValues& form);

/// With or without the port in the address: Twilio leaves out some ports, and a proxy in front of
/// us may have added one.
bool signed_by_twilio(std::string_view auth_token, std::string_view url,
                      const net::FormValues& form, std::string_view signature);

}  // namespace strata::oncall
