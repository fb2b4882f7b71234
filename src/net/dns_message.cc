#include "net/dns_message.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <span>

#include "base/number.h"

namespace strata::net {
namespace {

constexpr size_t kMaxName = 253;  // in text, without the last dot
constexpr size_t kMaxLabel = 63;
constexpr size_t kMaxServers = 3;  // as the C library reads (resolv.conf(5))
constexpr size_t kMaxSearch = 32;
constexpr uint16_t kInternet = 1;
constexpr uint16_t kOpt = 41;
constexpr uint16_t kUdpSize = 4096;

void put16(std::string& out, uint16_t value) {
  out.push_back(static_cast<char>(value >> 8));
  out.push_back(static_cast<char>(value & 0xff));
}

/// Reads big-endian numbers and names. Past the end everything is zero and ok() false.
class Cursor {
 public:
  explicit Cursor(std::string_view message) : message_(message) {}

  bool ok() const { return ok_; }
  size_t at() const { return at_; }
  void seek(size_t to) { at_ = to; }
  bool skip(size_t bytes) {
    if (bytes > message_.size() - at_) return fail();
    at_ += bytes;
    return true;
  }
  uint8_t u8() {
    if (at_ >= message_.size()) return fail(), uint8_t{0};
    return static_cast<uint8_t>(message_[at_++]);
  }
  uint16_t u16() {
    const auto high = u8();
    return static_cast<uint16_t>(high << 8 | u8());
  }
  std::string_view bytes(size_t count) {
    const size_t from = at_;
    return skip(count) ? message_.substr(from, count) : std::string_view();
  }

  /// A name in text with its last dot. A pointer leads strictly backwards, so that they end.
  std::string name() {
    std::string out;
    size_t limit = at_;  // pointers must lead before this
    size_t resume = 0;
    while (ok_) {
      const uint8_t length = u8();
      if (length == 0) break;
      if ((length & 0xc0) == 0xc0) {
        const size_t to = static_cast<size_t>(length & 0x3f) << 8 | u8();
        if (resume == 0) resume = at_;
        if (to >= limit) return fail(), "";
        limit = at_ = to;
        continue;
      }
      if (length > kMaxLabel || out.size() + length > kMaxName) return fail(), "";
      append_label(out, bytes(length));
    }
    if (resume != 0) at_ = resume;
    return out.empty() ? "." : out;
  }

 private:
  bool fail() {
    ok_ = false;
    return false;
  }
  /// Bytes that would be read as something else are escaped, as in zone files (RFC 1035, 5.1).
  static void append_label(std::string& out, std::string_view label) {
    for (const char c : label) {
      const auto byte = static_cast<uint8_t>(c);
      if (c == '.' || c == '\\') {
        out.append({'\\', c});
      } else if (byte <= ' ' || byte >= 0x7f) {
        const std::string digits = std::to_string(1000 + byte);  // three, with zeros before
        out.append("\\").append(digits, 1);
      } else {
        out.push_back(c);
      }
    }
    out.push_back('.');
  }

  const std::string_view message_;
  size_t at_ = 0;
  bool ok_ = true;
};

std::string address_text(int family, std::string_view bytes) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(family, bytes.data(), text.data(), text.size());
  return text.data();
}

/// The record's data, whose length is `length`; false: not one of ours, or malformed.
bool read_data(Cursor& in, uint16_t type, size_t length, DnsRecord& record) {
  record.type = static_cast<DnsType>(type);
  switch (record.type) {
    case DnsType::kA:
    case DnsType::kAaaa: {
      const bool v4 = record.type == DnsType::kA;
      if (length != (v4 ? 4 : 16)) return false;
      const std::string_view bytes = in.bytes(length);
      if (!in.ok()) return false;
      record.target = address_text(v4 ? AF_INET : AF_INET6, bytes);
      return true;
    }
    case DnsType::kNs:
    case DnsType::kCname: record.target = in.name(); return in.ok();
    case DnsType::kMx:
      in.u16();  // preference
      record.target = in.name();
      return in.ok();
    case DnsType::kSrv:
      in.u16();  // priority
      in.u16();  // weight
      record.port = in.u16();
      record.target = in.name();
      return in.ok();
  }
  return false;
}

std::string lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return text;
}

/// The words of a line, without its comment.
std::vector<std::string_view> words_of(std::string_view line) {
  line = line.substr(0, line.find_first_of("#;"));
  std::vector<std::string_view> words;
  while (true) {
    const size_t start = line.find_first_not_of(" \t\r");
    if (start == std::string_view::npos) return words;
    line.remove_prefix(start);
    const size_t end = std::min(line.find_first_of(" \t\r"), line.size());
    words.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
}

std::string_view without_last_dot(std::string_view name) {
  return name.ends_with('.') ? name.substr(0, name.size() - 1) : name;
}

void read_setting(std::span<const std::string_view> words, DnsSettings& settings) {
  if (words.size() < 2) return;
  if (words[0] == "nameserver" && settings.servers.size() < kMaxServers) {
    settings.servers.emplace_back(words[1]);
  } else if (words[0] == "domain") {
    settings.search.assign(1, std::string(without_last_dot(words[1])));
  } else if (words[0] == "search") {
    settings.search.clear();
    for (const std::string_view word : words.subspan(1)) {
      const std::string_view domain = without_last_dot(word);
      if (!domain.empty() && settings.search.size() < kMaxSearch) {
        settings.search.emplace_back(domain);
      }
    }
  } else if (words[0] == "options") {
    for (const std::string_view option : words.subspan(1)) {
      if (!option.starts_with("ndots:")) continue;
      settings.ndots = std::min<size_t>(parse_uint(option.substr(6)).value_or(1), 15);
    }
  }
}

}  // namespace

std::string_view to_string(DnsType type) {
  switch (type) {
    case DnsType::kA: return "A";
    case DnsType::kNs: return "NS";
    case DnsType::kCname: return "CNAME";
    case DnsType::kMx: return "MX";
    case DnsType::kAaaa: return "AAAA";
    case DnsType::kSrv: return "SRV";
  }
  return "";
}

Result<std::string> dns_query(uint16_t id, std::string_view name, DnsType type, bool edns) {
  std::string out;
  put16(out, id);
  put16(out, 0x0100);                                                     // recursion desired
  for (const bool count : {true, false, false, edns}) put16(out, count);  // of each section
  std::string_view rest = without_last_dot(name);
  if (rest.size() > kMaxName)
    return bad_data("\"" + std::string(name) + "\" is too long for a name");
  while (!rest.empty()) {
    const size_t dot = std::min(rest.find('.'), rest.size());
    if (dot == 0 || dot > kMaxLabel || dot + 1 == rest.size()) {
      return bad_data("\"" + std::string(name) + "\" is not a name that DNS can have");
    }
    out.push_back(static_cast<char>(dot));
    out.append(rest.substr(0, dot));
    rest.remove_prefix(std::min(dot + 1, rest.size()));
  }
  out.push_back('\0');
  put16(out, static_cast<uint16_t>(type));
  put16(out, kInternet);
  if (edns) {  // RFC 6891, 6.1.2: root, OPT, size, no flags, no options
    out.push_back('\0');
    for (const uint16_t field : {kOpt, kUdpSize, uint16_t{0}, uint16_t{0}, uint16_t{0}}) {
      put16(out, field);
    }
  }
  return out;
}

Result<DnsMessage> parse_dns_message(std::string_view bytes) {
  Cursor in(bytes);
  DnsMessage message;
  message.id = in.u16();
  const uint16_t flags = in.u16();
  message.is_response = (flags & 0x8000) != 0;
  message.truncated = (flags & 0x0200) != 0;
  message.rcode = flags & 0x000f;
  const uint16_t questions = in.u16();
  const uint16_t answers = in.u16();
  in.skip(4);  // counts of the sections that we do not read
  if (!in.ok() || questions > 1) return bad_data("not a DNS message");
  if (questions == 1) {
    message.question = lower(in.name());
    message.question_type = in.u16();
    in.u16();
  }
  for (uint16_t i = 0; i < answers && in.ok(); ++i) {
    in.name();
    const uint16_t type = in.u16();
    const uint16_t dns_class = in.u16();
    in.skip(4);  // time to live
    const uint16_t length = in.u16();
    const size_t end = in.at() + length;
    if (!in.ok() || end > bytes.size()) break;
    if (DnsRecord record; dns_class == kInternet && read_data(in, type, length, record)) {
      message.answers.push_back(std::move(record));
    }
    if (in.ok()) in.seek(end);
  }
  // What was cut off, and said so, is asked for again over TCP.
  if (!in.ok() && !message.truncated) return bad_data("malformed DNS message");
  return message;
}

DnsSettings parse_resolv_conf(std::string_view text) {
  DnsSettings settings;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    read_setting(words_of(text.substr(0, end)), settings);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (settings.servers.empty()) settings.servers.emplace_back("127.0.0.1");
  return settings;
}

std::vector<std::string> dns_candidates(const DnsSettings& settings, std::string_view name) {
  if (name.ends_with('.')) return {std::string(name)};
  const std::string absolute = std::string(name) + '.';
  std::vector<std::string> names;
  const auto dots = static_cast<size_t>(std::ranges::count(name, '.'));
  if (dots >= settings.ndots) names.push_back(absolute);
  for (const std::string& domain : settings.search) names.push_back(absolute + domain + '.');
  if (dots < settings.ndots) names.push_back(absolute);
  return names;
}

}  // namespace strata::net
