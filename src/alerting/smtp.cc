#include "alerting/smtp.h"

#include <algorithm>

#include "base/base64.h"
#include "base/number.h"
#include "net/hmac.h"

namespace strata::alerting {
namespace {

constexpr size_t kMaxReplyLines = 100;
constexpr size_t kMaxAddresses = 100;
constexpr size_t kLine = 76;  // of quoted-printable, RFC 2045

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) {
    const auto lower = [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 0x20) : c;
    };
    return lower(x) == lower(y);
  });
}

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

// A line that begins with a dot gets another one, and the end its own line (RFC 5321, 4.5.2).
std::string dotted(std::string_view data) {
  std::string out;
  out.reserve(data.size() + 64);
  bool line_begins = true;
  for (const char c : data) {
    if (line_begins && c == '.') out += '.';
    out += c;
    line_begins = c == '\n';
  }
  if (!out.ends_with("\r\n")) out += "\r\n";
  return out + ".\r\n";
}

constexpr std::string_view kHex = "0123456789ABCDEF";

void append_escaped(std::string& out, char c) {
  const auto byte = static_cast<unsigned char>(c);
  ((out += '=') += kHex[byte >> 4]) += kHex[byte & 15];
}

std::string quoted_printable(std::string_view text) {
  std::string out;
  size_t column = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\r' && i + 1 < text.size() && text[i + 1] == '\n') continue;
    if (c == '\n') {
      out += "\r\n";
      column = 0;
      continue;
    }
    const bool last = i + 1 == text.size() || text[i + 1] == '\n' || text[i + 1] == '\r';
    const bool blank = (c == ' ' || c == '\t') && !last;
    const bool plain = blank || (c > ' ' && c < 0x7f && c != '=');
    const size_t width = plain ? 1 : 3;
    if (column + width >= kLine) {
      out += "=\r\n";
      column = 0;
    }
    if (plain)
      out += c;
    else
      append_escaped(out, c);
    column += width;
  }
  return out;
}

// RFC 2047's Q encoding where it is needed; line ends become blanks.
std::string encoded_header(std::string_view text) {
  std::string value(text);
  for (char& c : value) {
    if (c == '\r' || c == '\n') c = ' ';
  }
  const bool ascii =
      std::ranges::all_of(value, [](char c) { return (c >= ' ' && c < 0x7f) || c == '\t'; });
  if (ascii) return value;
  constexpr size_t kWord = 75;
  const std::string_view begin = "=?utf-8?q?";
  std::string out(begin);
  size_t width = begin.size();
  for (size_t i = 0; i < value.size();) {
    // Characters are kept whole.
    size_t length = 1;
    while (i + length < value.size() &&
           (static_cast<unsigned char>(value[i + length]) & 0xc0) == 0x80) {
      ++length;
    }
    std::string piece;
    for (const char c : value.substr(i, length)) {
      if (c == ' ')
        piece += '_';
      else if (c > ' ' && c < 0x7f && c != '=' && c != '?' && c != '_')
        piece += c;
      else
        append_escaped(piece, c);
    }
    if (width + piece.size() + 2 > kWord) {
      (out += "?=\r\n ") += begin;
      width = begin.size();
    }
    out += piece;
    width += piece.size();
    i += length;
  }
  return out + "?=";
}

}  // namespace

net::TcpTurn SmtpDialogue::line(std::string_view line) {
  const auto code = line.size() >= 3 ? parse_uint(line.substr(0, 3)) : std::nullopt;
  const bool more = line.size() > 3 && line[3] == '-';
  if (!code || (line.size() > 3 && line[3] != ' ' && !more) || text_.size() >= kMaxReplyLines) {
    return refuse(ErrorCode::kUnavailable, "the server does not speak SMTP");
  }
  code_ = static_cast<int>(*code);
  text_.emplace_back(line.size() > 4 ? line.substr(4) : std::string_view());
  if (more) return {};
  net::TcpTurn turn = reply();
  text_.clear();
  return turn;
}

net::TcpTurn SmtpDialogue::say(State next, std::string command) {
  state_ = next;
  return {.send = std::move(command) + "\r\n"};
}

net::TcpTurn SmtpDialogue::refuse(ErrorCode code, std::string why) {
  return {.send = state_ == State::kGreeting ? "" : "QUIT\r\n",
          .ends = true,
          .result = fail(code, std::move(why))};
}

net::TcpTurn SmtpDialogue::refused(std::string_view command) {
  std::string why = fmt::format("{}: {}", command, code_);
  for (const std::string& line : text_) (why += ' ') += line;
  const bool login = code_ == 530 || code_ == 534 || code_ == 535 || code_ == 538;
  return refuse(login              ? ErrorCode::kUnauthorized
                : code_ / 100 == 5 ? ErrorCode::kBadData
                                   : ErrorCode::kUnavailable,
                std::move(why));
}

// The whole reply to the last command is there.
net::TcpTurn SmtpDialogue::reply() {
  const bool fine = code_ / 100 == 2;
  switch (state_) {
    case State::kGreeting:
      return fine ? say(State::kEhlo, "EHLO " + options_.hello) : refused("the greeting");
    case State::kEhlo:
      if (fine) return after_hello();
      if (code_ / 100 == 5 && !secure_) return say(State::kHelo, "HELO " + options_.hello);
      return refused("EHLO");
    case State::kHelo: return fine ? after_hello() : refused("HELO");
    case State::kStartTls: {
      if (!fine) return refused("STARTTLS");
      secure_ = true;
      // After the handshake everything begins anew.
      net::TcpTurn turn;
      turn.start_tls = true;
      turn.send_after_tls = "EHLO " + options_.hello + "\r\n";
      state_ = State::kEhlo;
      return turn;
    }
    case State::kAuth:
      if (code_ == 334) return answer_challenge();
      return fine ? begin_mail() : refused("AUTH " + mechanism_);
    case State::kMail:
      if (!fine) return refused("MAIL");
      return say(State::kRcpt, fmt::format("RCPT TO:<{}>", mail_.to[recipient_]));
    case State::kRcpt:
      if (!fine) return refused(fmt::format("RCPT TO:<{}>", mail_.to[recipient_]));
      if (++recipient_ < mail_.to.size()) {
        return say(State::kRcpt, fmt::format("RCPT TO:<{}>", mail_.to[recipient_]));
      }
      return say(State::kData, "DATA");
    case State::kData:
      if (code_ != 354) return refused("DATA");
      state_ = State::kBody;
      return {.send = dotted(mail_.data)};
    case State::kBody:
      if (!fine) return refused("the mail");
      receipt_ = fmt::format("{} {}", code_, text_.back());
      // Taken: what the server says to the goodbye changes nothing.
      return {.send = "QUIT\r\n", .ends = true};
    case State::kQuit: break;
  }
  return {.ends = true};
}

net::TcpTurn SmtpDialogue::after_hello() {
  const auto extension = [&](std::string_view name) -> const std::string* {
    for (const std::string& line : text_) {
      const std::string_view word = std::string_view(line).substr(0, line.find(' '));
      if (equals_ignoring_case(word, name)) return &line;
    }
    return nullptr;
  };
  if (!secure_ && options_.require_tls) {
    if (extension("STARTTLS") == nullptr) {
      return refuse(ErrorCode::kUnavailable,
                    "require_tls is true, but the server does not offer STARTTLS");
    }
    return say(State::kStartTls, "STARTTLS");
  }
  const std::string* auth = extension("AUTH");
  if (auth == nullptr || options_.login.user.empty()) return begin_mail();
  return authenticate(std::string_view(*auth).substr(4));
}

bool SmtpDialogue::is_local() const {
  return options_.host == "localhost" || options_.host == "127.0.0.1" || options_.host == "::1";
}

// The first mechanism of the server's for which there is what it needs.
net::TcpTurn SmtpDialogue::authenticate(std::string_view mechanisms) {
  const SmtpLogin& login = options_.login;
  bool exposed = false;
  while (!(mechanisms = trimmed(mechanisms)).empty()) {
    const std::string_view word = mechanisms.substr(0, mechanisms.find(' '));
    mechanisms.remove_prefix(word.size());
    mechanism_ = word;
    if (equals_ignoring_case(word, "CRAM-MD5") && !login.secret.empty()) {
      return say(State::kAuth, "AUTH CRAM-MD5");
    }
    const bool plain = equals_ignoring_case(word, "PLAIN");
    if (login.password.empty() || !(plain || equals_ignoring_case(word, "LOGIN"))) continue;
    if (plain && !secure_ && !is_local()) {
      exposed = true;
      continue;
    }
    if (!plain) return say(State::kAuth, "AUTH LOGIN");
    std::string words = login.identity;
    ((words += '\0') += login.user) += '\0';
    return say(State::kAuth, "AUTH PLAIN " + base64_encode(words + login.password));
  }
  return refuse(ErrorCode::kUnauthorized,
                exposed ? "AUTH PLAIN would show the password: the connection is not encrypted"
                        : "the server offers no way of authentication for which there is a "
                          "password or secret");
}

net::TcpTurn SmtpDialogue::answer_challenge() {
  const SmtpLogin& login = options_.login;
  const auto challenge = base64_decode(text_.back());
  if (!challenge) return refuse(ErrorCode::kUnavailable, "AUTH: a challenge that is not base64");
  if (equals_ignoring_case(mechanism_, "CRAM-MD5")) {
    return say(State::kAuth,
               base64_encode(login.user + " " + net::hex(net::hmac_md5(login.secret, *challenge))));
  }
  if (equals_ignoring_case(*challenge, "username:") ||
      equals_ignoring_case(*challenge, "user name")) {
    return say(State::kAuth, base64_encode(login.user));
  }
  if (equals_ignoring_case(*challenge, "password:") ||
      equals_ignoring_case(*challenge, "password")) {
    return say(State::kAuth, base64_encode(login.password));
  }
  return refuse(ErrorCode::kUnavailable, "AUTH: a challenge that is not known");
}

net::TcpTurn SmtpDialogue::begin_mail() {
  return say(State::kMail, fmt::format("MAIL FROM:<{}>", mail_.from));
}

Result<std::vector<std::string>> parse_addresses(std::string_view list) {
  std::vector<std::string> out;
  std::string_view rest = list;
  while (!rest.empty()) {
    // A comma within quotes is part of a name.
    size_t end = 0;
    bool quoted = false;
    for (; end < rest.size() && (quoted || rest[end] != ','); ++end) {
      if (rest[end] == '\\' && end + 1 < rest.size())
        ++end;
      else if (rest[end] == '"')
        quoted = !quoted;
    }
    std::string_view one = trimmed(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (one.empty()) continue;
    if (one.ends_with('>')) {
      const size_t open = one.rfind('<');
      if (open == std::string_view::npos || open != one.find('<')) {
        return bad_data(fmt::format("\"{}\" is no mail address", one));
      }
      one = trimmed(one.substr(open + 1, one.size() - open - 2));
    }
    const size_t at = one.rfind('@');
    const bool clean = std::ranges::none_of(one, [](char c) {
      return c == '<' || c == '>' || c == ' ' || static_cast<unsigned char>(c) < 0x20;
    });
    if (at == std::string_view::npos || at == 0 || at + 1 == one.size() || !clean) {
      return bad_data(fmt::format("\"{}\" is no mail address", one));
    }
    out.emplace_back(one);
    if (out.size() > kMaxAddresses) {
      return bad_data(fmt::format("more than {} mail addresses", kMaxAddresses));
    }
  }
  if (out.empty()) return bad_data("there is no mail address");
  return out;
}

std::string compose_mail(const std::vector<std::pair<std::string, std::string>>& headers,
                         std::string_view text, std::string_view html, std::string_view boundary) {
  std::string out;
  for (const auto& [name, value] : headers) {
    out += fmt::format("{}: {}\r\n", name, encoded_header(value));
  }
  out += fmt::format(
      "MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=\"{}\"\r\n\r\n",
      boundary);
  // The best one last (RFC 2046, 5.1.4).
  for (const auto& [type, body] : {std::pair("plain", text), std::pair("html", html)}) {
    if (body.empty()) continue;
    out += fmt::format(
        "--{}\r\nContent-Type: text/{}; charset=UTF-8\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n{}\r\n",
        boundary, type, quoted_printable(body));
  }
  return out + fmt::format("--{}--\r\n", boundary);
}

}  // namespace strata::alerting
