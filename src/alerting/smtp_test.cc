#include "alerting/smtp.h"

#include <gtest/gtest.h>

namespace strata::alerting {
namespace {

// One word of the server's, and what the client answers.
struct Exchange {
  std::vector<std::string> lines;
  std::string want;
};

SmtpOptions options() { return {.host = "mail.example.org", .require_tls = false, .login = {}}; }
Mail mail() { return {.from = "a@x", .to = {"b@x", "c@x"}, .data = "Subject: s\r\n\r\n.dot\r\n"}; }

// Plays the exchanges; the last turn.
net::TcpTurn play(SmtpDialogue& dialogue, const std::vector<Exchange>& exchanges) {
  net::TcpTurn turn;
  for (const Exchange& exchange : exchanges) {
    for (const std::string& line : exchange.lines) turn = dialogue.line(line);
    EXPECT_EQ(turn.send, exchange.want) << exchange.lines[0];
  }
  return turn;
}

TEST(Smtp, BringsOneMailToAllOfItsReaders) {
  SmtpDialogue dialogue(options(), mail());
  const auto last = play(dialogue, {{{"220 hello"}, "EHLO localhost\r\n"},
                                    {{"250-mail", "250 8BITMIME"}, "MAIL FROM:<a@x>\r\n"},
                                    {{"250 ok"}, "RCPT TO:<b@x>\r\n"},
                                    {{"250 ok"}, "RCPT TO:<c@x>\r\n"},
                                    {{"251 ok"}, "DATA\r\n"},
                                    {{"354 go"}, "Subject: s\r\n\r\n..dot\r\n.\r\n"},
                                    {{"250 queued as 7"}, "QUIT\r\n"}});
  EXPECT_TRUE(last.ends);
  EXPECT_TRUE(last.result);
  EXPECT_EQ(dialogue.receipt(), "250 queued as 7");
}

TEST(Smtp, StartsTlsAndThenBeginsAnew) {
  auto with_tls = options();
  with_tls.require_tls = true;
  with_tls.login = {.user = "u", .password = "p", .secret = "", .identity = ""};
  SmtpDialogue dialogue(with_tls, mail());
  auto turn = play(dialogue, {{{"220 hello"}, "EHLO localhost\r\n"},
                              {{"250-mail", "250-AUTH PLAIN", "250 STARTTLS"}, "STARTTLS\r\n"},
                              {{"220 go"}, ""}});
  EXPECT_TRUE(turn.start_tls);
  EXPECT_EQ(turn.send_after_tls, "EHLO localhost\r\n");
  turn = play(dialogue, {{{"250-mail", "250 AUTH LOGIN PLAIN"}, "AUTH LOGIN\r\n"},
                         {{"334 VXNlcm5hbWU6"}, "dQ==\r\n"},
                         {{"334 UGFzc3dvcmQ6"}, "cA==\r\n"},
                         {{"235 welcome"}, "MAIL FROM:<a@x>\r\n"}});
  EXPECT_FALSE(turn.ends);
}

TEST(Smtp, DoesNotGoOnWithoutTheTlsThatIsRequired) {
  auto with_tls = options();
  with_tls.require_tls = true;
  SmtpDialogue dialogue(with_tls, mail());
  const auto last =
      play(dialogue, {{{"220 hello"}, "EHLO localhost\r\n"}, {{"250 mail"}, "QUIT\r\n"}});
  ASSERT_TRUE(last.ends);
  EXPECT_EQ(last.result.error().message,
            "require_tls is true, but the server does not offer STARTTLS");
}

TEST(Smtp, ShowsNoPasswordToTheWire) {
  auto plain = options();
  plain.login = {.user = "u", .password = "p", .secret = "", .identity = ""};
  SmtpDialogue dialogue(plain, mail());
  const auto last = play(dialogue, {{{"220 hello"}, "EHLO localhost\r\n"},
                                    {{"250-mail", "250 AUTH PLAIN"}, "QUIT\r\n"}});
  EXPECT_EQ(last.result.error().code, ErrorCode::kUnauthorized);
  plain.host = "localhost";
  SmtpDialogue local(plain, mail());
  play(local, {{{"220 hello"}, "EHLO localhost\r\n"},
               {{"250-mail", "250 AUTH PLAIN"}, "AUTH PLAIN AHUAcA==\r\n"}});
}

// The example of RFC 2195.
TEST(Smtp, AnswersTheChallengeOfCramMd5) {
  auto cram = options();
  cram.login = {.user = "tim", .password = "", .secret = "tanstaaftanstaaf", .identity = ""};
  SmtpDialogue dialogue(cram, mail());
  play(dialogue, {{{"220 hello"}, "EHLO localhost\r\n"},
                  {{"250-mail", "250 AUTH CRAM-MD5"}, "AUTH CRAM-MD5\r\n"},
                  {{"334 PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+"},
                   "dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw\r\n"}});
}

TEST(Smtp, TellsRefusalsForGoodFromThoseForNow) {
  for (const auto& [reply, code] : {std::pair("550 no such user", ErrorCode::kBadData),
                                    std::pair("451 try again later", ErrorCode::kUnavailable)}) {
    SmtpDialogue dialogue(options(), mail());
    const auto last = play(dialogue, {{{"220 hello"}, "EHLO localhost\r\n"},
                                      {{"250 mail"}, "MAIL FROM:<a@x>\r\n"},
                                      {{"250 ok"}, "RCPT TO:<b@x>\r\n"},
                                      {{reply}, "QUIT\r\n"}});
    EXPECT_EQ(last.result.error().code, code);
    EXPECT_EQ(last.result.error().message, fmt::format("RCPT TO:<b@x>: {}", reply));
  }
  SmtpDialogue other(options(), mail());
  EXPECT_EQ(other.line("HTTP/1.1 400 Bad Request").result.error().message,
            "the server does not speak SMTP");
}

TEST(Smtp, ReadsLists) {
  EXPECT_EQ(*parse_addresses("a@x, \"B, c\" <b@y>,, C <c@z>"),
            (std::vector<std::string>{"a@x", "b@y", "c@z"}));
  for (const auto bad : {"", "a", "a@", "<a@x", "a@x b", "x <a@x\r\nRCPT TO:<b@y>"}) {
    EXPECT_FALSE(parse_addresses(bad)) << bad;
  }
}

TEST(Smtp, EncodesWhatIsNotAscii) {
  const std::string mail = compose_mail({{"Subject",
                                          "Gr\xc3\xbc\xc3\x9f"
                                          "e\r\nBcc: evil@x"},
                                         {"To", "a@x"}},
                                        "a = \xc3\xa9 \nb", "<p>", "frontier");
  EXPECT_EQ(mail,
            "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe__Bcc:_evil@x?=\r\n"
            "To: a@x\r\n"
            "MIME-Version: 1.0\r\n"
            "Content-Type: multipart/alternative; boundary=\"frontier\"\r\n\r\n"
            "--frontier\r\nContent-Type: text/plain; charset=UTF-8\r\n"
            "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
            "a =3D =C3=A9=20\r\nb\r\n"
            "--frontier\r\nContent-Type: text/html; charset=UTF-8\r\n"
            "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
            "<p>\r\n--frontier--\r\n");
}

}  // namespace
}  // namespace strata::alerting
