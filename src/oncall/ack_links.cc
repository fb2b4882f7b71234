#include "oncall/ack_links.h"

#include <sys/stat.h>

#include "base/number.h"
#include "net/hmac.h"

namespace strata::oncall {
namespace {

constexpr size_t kKeySize = 32;

}  // namespace

std::string AckLinks::signature(std::string_view what) const {
  const auto digest = net::hmac_sha256(key_, fmt::format("ack {}", what));
  std::string out;
  for (size_t i = 0; i < 16; ++i) out += fmt::format("{:02x}", digest[i]);
  return out;
}

std::string AckLinks::token(int64_t page, TimestampMs now) const {
  const std::string what = fmt::format("{}-{}", page, (now + kValid.count()) / 1000);
  return what + "-" + signature(what);
}

std::optional<int64_t> AckLinks::page_of(std::string_view token, TimestampMs now) const {
  const size_t last = token.rfind('-');
  const size_t first = token.find('-');
  if (first == last || last == std::string_view::npos) return std::nullopt;
  const auto page = parse_int(token.substr(0, first));
  const auto expiry = parse_int(token.substr(first + 1, last - first - 1));
  if (!page || !expiry) return std::nullopt;
  // Digests of both make the comparison's time say nothing.
  const auto given = net::hmac_sha256(key_, token.substr(last + 1));
  const auto right = net::hmac_sha256(key_, signature(token.substr(0, last)));
  if (!net::constant_time_equal(given, right) || *expiry < now / 1000) return std::nullopt;
  return *page;
}

Result<std::string> load_key(const std::string& path, Fs& fs) {
  if (fs.exists(path)) {
    auto key = TRY(fs.read_file(path));
    if (key.size() == kKeySize) return key;
    return fail(ErrorCode::kCorruption,
                fmt::format("{} is damaged: {} bytes instead of {}; move it away, and links that "
                            "were sent stop working",
                            path, key.size(), kKeySize));
  }
  std::string key(kKeySize, '\0');
  net::random_bytes(key.data(), key.size());
  const std::string made = path + ".tmp";
  {
    auto file = TRY(fs.create(made));
    ::chmod(made.c_str(), S_IRUSR | S_IWUSR);
    TRY(file->append(key));
    TRY(file->sync());
  }
  TRY(fs.rename(made, path));
  TRY(fs.sync_dir(path.substr(0, path.rfind('/'))));
  return key;
}

}  // namespace strata::oncall
