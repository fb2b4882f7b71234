#include "oncall/key_press.h"

#include <algorithm>

#include "base/base64.h"
#include "net/hmac.h"

namespace strata::oncall {
namespace {

// "https://host:8443/ack" as "https://host/ack".
std::string without_port(std::string_view url) {
  const size_t host = url.find("://");
  if (host == std::string_view::npos) return std::string(url);
  const size_t path = std::min(url.find('/', host + 3), url.size());
  const size_t colon = url.substr(0, path).rfind(':');
  if (colon <= host + 2 || url.substr(colon, path - colon).contains(']')) return std::string(url);
  return std::string(url.substr(0, colon)).append(url.substr(path));
}

bool same(std::string_view a, std::string_view b) {
  // Digests of both make the comparison's time say nothing.
  return net::constant_time_equal(net::sha256(a), net::sha256(b));
}

}  // namespace

std::string twilio_signature(std::string_view auth_token, std::string_view url,
                             const net::FormValues& form) {
  std::vector<std::pair<std::string, std::string>> values(form.begin(), form.end());
  std::ranges::stable_sort(values, {}, &std::pair<std::string, std::string>::first);
  std::string text(url);
  for (const auto& [name, value] : values) text.append(name).append(value);
  return base64_encode(net::as_text(net::hmac_sha1(auth_token, text)));
}

bool signed_by_twilio(std::string_view auth_token, std::string_view url,
                      const net::FormValues& form, std::string_view signature) {
  return same(twilio_signature(auth_token, url, form), signature) ||
         same(twilio_signature(auth_token, without_port(url), form), signature);
}

}  // namespace strata::oncall
