// Tokens, as any client may send them: none of these bytes is signed, so that none is anybody's;
// and, signed with the key, whatever the bytes are.
#include <cstdint>
#include <cstdlib>

#include "base/base64.h"
#include "base/temp_dir.h"
#include "gateway/jwt.h"
#include "net/hmac.h"

namespace {

const std::string kSecret = "a secret for the fuzzer";

strata::gateway::Jwt make() {
  strata::TempDir dir;
  const std::string path = dir.file("secret");
  if (!(*strata::real_fs().create(path))->append(kSecret)) std::abort();
  auto jwt =
      strata::gateway::Jwt::load({.claim = "tenant", .secret_file = path}, strata::real_fs());
  if (!jwt) std::abort();
  return *std::move(jwt);
}

std::string part(std::string_view text) {
  std::string out = strata::base64_encode(text, strata::Base64::kUrl);
  while (out.ends_with('=')) out.pop_back();
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static strata::gateway::Jwt jwt = make();
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (jwt.tenant(bytes, 1)) std::abort();
  const std::string_view header = bytes.substr(0, bytes.find('\n'));
  const std::string_view claims = bytes.substr(std::min(size, header.size() + 1));
  const std::string text = part(header) + "." + part(claims);
  const auto signature = strata::net::hmac_sha256(kSecret, text);
  (void)jwt.tenant(text + "." + part(strata::net::as_text(signature)), 1);
  return 0;
}
