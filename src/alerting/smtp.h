// What an SMTP client says to each line of a server (RFC 5321): greeting, STARTTLS (RFC 3207),
// authentication (RFC 4954: PLAIN, LOGIN, CRAM-MD5), one mail, goodbye. No I/O of its own:
// net::TcpClient brings lines and sends answers. One dialogue, one mail; not thread-safe.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/tcp_client.h"

namespace strata::alerting {

struct Mail {
  std::string from;             // an address
  std::vector<std::string> to;  // addresses; at least one
  std::string data;             // headers and body, lines ending in CRLF
};

struct SmtpLogin {
  std::string user;      // empty: no authentication
  std::string password;  // for PLAIN and LOGIN
  std::string secret;    // for CRAM-MD5
  std::string identity;
};

struct SmtpOptions {
  std::string host;  // as the configuration has it
  std::string hello = "localhost";
  bool require_tls = true;    // STARTTLS, unless the connection is in TLS
  bool implicit_tls = false;  // the connection is in TLS from its beginning
  SmtpLogin login;
};

class SmtpDialogue {
 public:
  SmtpDialogue(SmtpOptions options, Mail mail)
      : options_(std::move(options)), mail_(std::move(mail)), secure_(options_.implicit_tls) {}

  /// Errors of the dialogue: kUnavailable when trying again may help (4xx, and what the server
  /// should offer but does not), kUnauthorized, kBadData when the server refuses for good (5xx).
  net::TcpTurn line(std::string_view line);
  /// What the server said when it took the mail.
  const std::string& receipt() const { return receipt_; }

 private:
  enum class State : uint8_t {
    kGreeting,
    kEhlo,
    kHelo,
    kStartTls,
    kAuth,
    kMail,
    kRcpt,
    kData,
    kBody,
    kQuit,
  };

  net::TcpTurn reply();
  net::TcpTurn say(State next, std::string command);
  net::TcpTurn refuse(ErrorCode code, std::string why);
  net::TcpTurn refused(std::string_view command);
  net::TcpTurn after_hello();
  net::TcpTurn authenticate(std::string_view mechanisms);
  net::TcpTurn answer_challenge();
  net::TcpTurn begin_mail();
  bool is_local() const;

  const SmtpOptions options_;
  const Mail mail_;
  State state_ = State::kGreeting;
  bool secure_;
  int code_ = 0;
  std::vector<std::string> text_;  // of the reply that is coming, a line each
  std::string mechanism_;
  size_t recipient_ = 0;
  std::string receipt_;
};

/// "a@b, Name <c@d>" as addresses (RFC 5322, without groups and comments). Error: kBadData.
Result<std::vector<std::string>> parse_addresses(std::string_view list);

/// A message of two alternatives, text and HTML, either of which may be empty. `headers` in their
/// order; values are encoded (RFC 2047) and cannot bring headers of their own. `boundary` stands in
/// neither text.
std::string compose_mail(const std::vector<std::pair<std::string, std::string>>& headers,
                         std::string_view text, std::string_view html, std::string_view boundary);

}  // namespace strata::alerting
