#include "net/http_client.h"

#include <gtest/gtest.h>
#include <sys/un.h>

#include <future>

#include "base/temp_dir.h"
#include "net/basic_auth.h"
#include "net/gzip.h"
#include "net/http_server.h"
#include "net/peer_for_test.h"

namespace strata::net {
namespace {

using std::chrono::milliseconds;

class HttpClientTest : public testing::Test {
 protected:
  HttpClientTest() { loop_.start(); }

  Result<ClientResponse> get(std::string url) {
    return client_.fetch_sync({.url = std::move(url)});
  }
  std::string error_of(ClientRequest request, ErrorCode code) {
    const auto response = client_.fetch_sync(std::move(request));
    if (response) return "status " + std::to_string(response->status);
    EXPECT_EQ(response.error().code, code) << response.error().message;
    return response.error().message;
  }
  /// A server of ours that answers with `handler`; its URL.
  std::string serve(HttpHandler handler) {
    servers_.push_back(*HttpServer::start(loop_, {}, std::move(handler)));
    return "http://" + servers_.back()->address();
  }

  Loop loop_;
  HttpClient client_{loop_};
  std::vector<std::unique_ptr<HttpServer>> servers_;
};

std::string plain(std::string_view body) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         std::string(body);
}

TEST_F(HttpClientTest, SendsWhatItIsAskedToAndKeepsTheConnection) {
  const ScriptedServer server([](Peer& peer, int) {
    while (true) {
      const std::string header = peer.read_until("\r\n\r\n");
      if (header.empty()) return;
      const bool post = header.starts_with("POST");
      peer.send(plain(header + (post ? peer.read(4) : "")));
    }
  });
  const auto first = get(server.url("/a?b=c"));
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(first->status, 200);
  EXPECT_EQ(first->body, "GET /a?b=c HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(server.port()) +
                             "\r\nUser-Agent: strata\r\nAccept-Encoding: gzip\r\n\r\n");
  EXPECT_EQ(first->wire_bytes, first->body.size());
  const auto second = client_.fetch_sync({.method = "POST",
                                          .url = server.url(),
                                          .headers = {{"X-A", "b"}, {"Host", "other"}},
                                          .body = "body",
                                          .accept_gzip = false});
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_EQ(second->body,
            "POST / HTTP/1.1\r\nX-A: b\r\nHost: other\r\nUser-Agent: strata\r\n"
            "Content-Length: 4\r\n\r\nbody");
  EXPECT_EQ(client_.stats().connections, 1U);
  EXPECT_EQ(client_.stats().reused, 1U);
  EXPECT_EQ(client_.stats().idle, 1U);
}

TEST_F(HttpClientTest, ABodyIsTheSameHoweverItArrives) {
  std::string body(300'000, 'x');
  for (size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>('a' + i * 7 % 26);
  for (const size_t piece : {size_t{1'000}, size_t{2'048}, size_t{70'000}, body.size() * 2}) {
    const ScriptedServer server([&](Peer& peer, int) {
      while (!peer.read_until("\r\n\r\n").empty()) {
        const std::string answer = plain(body);
        for (size_t at = 0; at < answer.size(); at += piece) peer.send(answer.substr(at, piece));
      }
    });
    for (int i = 0; i < 2; ++i) {
      const auto response = get(server.url());
      ASSERT_TRUE(response) << response.error().message;
      EXPECT_EQ(response->body, body) << "in pieces of " << piece;
      EXPECT_EQ(response->wire_bytes, body.size());
    }
  }
  EXPECT_EQ(client_.stats().connections, 4U);  // each served twice
}

TEST_F(HttpClientTest, ABodyThatIsCutShortIsAnErrorWhereverItIsCut) {
  for (const size_t sent : {size_t{0}, size_t{10}, size_t{2'000}, size_t{99'999}}) {
    const ScriptedServer server([&](Peer& peer, int) {
      peer.read_until("\r\n\r\n");
      const std::string answer = plain(std::string(100'000, 'x'));
      peer.send(answer.substr(0, answer.size() - 100'000 + sent));
      peer.close();
    });
    const auto error = error_of({.url = server.url()}, ErrorCode::kUnavailable);
    EXPECT_NE(error.find("after " + std::to_string(sent) + " bytes of 100000"), std::string::npos)
        << error;
  }
}

TEST_F(HttpClientTest, AHeadRequestHasNoBodyWhateverItsLengthSays) {
  const ScriptedServer server([](Peer& peer, int) {
    while (!peer.read_until("\r\n\r\n").empty()) {
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    }
  });
  const auto response = client_.fetch_sync({.method = "HEAD", .url = server.url()});
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->body, "");
}

TEST_F(HttpClientTest, TracesWhereTheTimeWent) {
  const auto url = serve([](std::shared_ptr<Exchange> exchange) {
    if (exchange->request().path == "/moved") {
      HttpResponse moved{.status = 302};
      moved.headers.set("Location", "/");
      return exchange->respond(std::move(moved));
    }
    exchange->respond(text_response(200, "x"));
  });
  const auto trace = std::make_shared<RequestTrace>();
  ASSERT_TRUE(client_.fetch_sync({.url = url + "/moved", .trace = trace}));
  EXPECT_EQ(trace->address, "127.0.0.1");
  EXPECT_EQ(trace->http_version, 11);
  EXPECT_EQ(trace->redirects, 1U);
  EXPECT_FALSE(trace->tls);
  EXPECT_GT(trace->in(Phase::kConnect).count(), 0);
  EXPECT_GT(trace->in(Phase::kWait).count(), 0);

  const ScriptedServer silent([](Peer& peer, int) { peer.read_until("never"); });
  const auto late = std::make_shared<RequestTrace>();
  EXPECT_FALSE(
      client_.fetch_sync({.url = silent.url(), .timeout = milliseconds(50), .trace = late}));
  EXPECT_GT(late->in(Phase::kWait), milliseconds(10));
}

TEST_F(HttpClientTest, UsesTheCallersBufferAgain) {
  const ScriptedServer server([](Peer& peer, int) {
    while (!peer.read_until("\r\n\r\n").empty()) peer.send(plain(std::string(60'000, 'x')));
  });
  std::string buffer;
  buffer.reserve(100'000);
  const char* memory = buffer.data();
  for (int i = 0; i < 3; ++i) {
    auto response = client_.fetch_sync({.url = server.url(), .body_buffer = std::move(buffer)});
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->body.size(), 60'000U);
    EXPECT_EQ(response->body.data(), memory);
    buffer = std::move(response->body);
  }
}

TEST_F(HttpClientTest, ReadsEveryFormOfBody) {
  const std::string packed = gzip_compress("hello hello");
  for (const auto& [response, body] : std::initializer_list<std::pair<std::string, std::string>>{
           {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n",
            "abcd"},
           {"HTTP/1.1 200 OK\r\n\r\nuntil the end", "until the end"},
           {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", "ok"},
           {"HTTP/1.1 204 No Content\r\n\r\n", ""},
           {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nA: b\r\n\r\n" + plain("x"), "x"},
           {"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: " +
                std::to_string(packed.size()) + "\r\n\r\n" + packed,
            "hello hello"},
       }) {
    const ScriptedServer server([&](Peer& peer, int) {
      peer.read_until("\r\n\r\n");
      for (const char c : response) peer.send(std::string_view(&c, 1));
    });
    const auto got = get(server.url());
    ASSERT_TRUE(got) << got.error().message;
    EXPECT_EQ(got->body, body);
    EXPECT_FALSE(got->headers.contains("A"));  // a 1xx's headers are not the response's
  }
}

TEST_F(HttpClientTest, GzipStaysAsItIsWhenNotAskedFor) {
  const std::string packed = gzip_compress("text");
  const ScriptedServer server([&](Peer& peer, int) {
    peer.read_until("\r\n\r\n");
    peer.send("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + packed);
  });
  EXPECT_EQ(client_.fetch_sync({.url = server.url(), .accept_gzip = false})->body, packed);
}

struct BrokenCase {
  std::string response;
  ErrorCode code;
  std::string_view message;  // is in the error
};

TEST_F(HttpClientTest, SaysWhatIsWrongWithAResponse) {
  const std::string packed = gzip_compress(std::string(200'000, 'x'));
  const std::string gzip = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n";
  std::string endless = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 200; ++i) endless += "400\r\n" + std::string(1024, 'x') + "\r\n";
  using enum ErrorCode;
  for (const auto& [response, code, message] : std::initializer_list<BrokenCase>{
           {"", kUnavailable, "connection closed without a response"},
           {"HTTP/1.1 200 OK\r\nConte", kUnavailable, "closed in the response's header"},
           {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", kUnavailable,
            "body cut short: connection closed after 3 bytes of 10"},
           {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc", kUnavailable,
            "body cut short"},
           {"SSH-2.0-OpenSSH\r\n", kBadData, "no valid HTTP"},
           {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", kBadData,
            "no valid HTTP"},
           {"HTTP/1.1 200 OK\r\nContent-Length: 100001\r\n\r\n", kLimit,
            "body exceeds the limit of 100000 bytes"},
           {"HTTP/1.1 200 OK\r\n\r\n" + std::string(100'001, 'x'), kLimit, "limit of 100000 bytes"},
           {endless, kLimit, "limit of 100000 bytes"},
           {gzip + packed, kLimit, "limit of 100000 bytes"},
           {gzip + gzip_compress("cut").substr(0, 12), kBadData, "gzip"},
           {gzip + "no gzip", kBadData, "gzip"},
           {"HTTP/1.1 200 OK\r\nX: " + std::string(70'000, 'x'), kLimit,
            "response header exceeds the limit of 65536 bytes"},
       }) {
    const ScriptedServer server([&](Peer& peer, int) {
      peer.read_until("\r\n\r\n");
      peer.send(response);
      peer.shutdown_write();
      peer.read_all();
    });
    const std::string error = error_of({.url = server.url(), .max_body_bytes = 100'000}, code);
    EXPECT_NE(error.find(message), std::string::npos) << error << " for " << response.substr(0, 80);
  }
}

TEST_F(HttpClientTest, ATimeoutSaysWhatItWaitedFor) {
  const ScriptedServer server([&](Peer& peer, int connection) {
    peer.read_until("\r\n\r\n");
    if (connection == 1) peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
    peer.read_all();
  });
  const std::string host = "127.0.0.1:" + std::to_string(server.port());
  const ClientRequest request{.url = server.url(), .timeout = milliseconds(40)};
  EXPECT_EQ(error_of(request, ErrorCode::kTimeout),
            "timeout after 40ms while waiting for a response from " + host);
  EXPECT_EQ(error_of(request, ErrorCode::kTimeout),
            "timeout after 40ms while reading the response from " + host +
                " (after 3 bytes of the body)");
}

TEST_F(HttpClientTest, ARefusedConnectionSaysSo) {
  uint16_t port = 0;
  {
    const ScriptedServer gone([](Peer&, int) {});
    port = gone.port();
  }
  const std::string host = "127.0.0.1:" + std::to_string(port);
  EXPECT_EQ(error_of({.url = "http://" + host}, ErrorCode::kUnavailable),
            "connect " + host + ": connection refused");
}

TEST_F(HttpClientTest, NamesAreResolvedAndAllAddressesTried) {
  // localhost is ::1 first on most machines, and only 127.0.0.1 listens.
  const ScriptedServer server([](Peer& peer, int) {
    peer.read_until("\r\n\r\n");
    peer.send(plain("ok"));
  });
  const auto response = get("http://localhost:" + std::to_string(server.port()));
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->body, "ok");
}

TEST_F(HttpClientTest, RequestsThatCannotBeSentAreErrors) {
  EXPECT_NE(error_of({.url = "nonsense"}, ErrorCode::kBadData).find("http://"), std::string::npos);
  error_of({.method = "G T", .url = "http://127.0.0.1/"}, ErrorCode::kBadData);
  error_of({.url = "http://127.0.0.1/", .headers = {{"A", "b\r\nC: d"}}}, ErrorCode::kBadData);
  error_of({.url = "http://127.0.0.1/", .proxy_url = "socks://x"}, ErrorCode::kBadData);
  error_of({.url = "https://127.0.0.1/", .tls = {.cert_pem = "x"}}, ErrorCode::kUnavailable);
}

TEST_F(HttpClientTest, AStaleConnectionIsRetriedOnce) {
  // Each connection serves one request, then closes when the next one arrives.
  const ScriptedServer server([](Peer& peer, int) {
    peer.read_until("\r\n\r\n");
    peer.send(plain("ok"));
    peer.read_until("\r\n\r\n");
  });
  EXPECT_TRUE(get(server.url()));
  EXPECT_TRUE(get(server.url()));
  EXPECT_EQ(client_.stats().retried, 1U);
  // A POST may have been acted upon: it is not sent twice.
  error_of({.method = "POST", .url = server.url()}, ErrorCode::kUnavailable);
  EXPECT_EQ(client_.stats().retried, 1U);
}

TEST_F(HttpClientTest, IdleConnectionsExpire) {
  HttpClient client(loop_, {.idle_timeout = milliseconds(10)});
  std::promise<void> closed;
  const ScriptedServer server([&](Peer& peer, int) {
    peer.read_until("\r\n\r\n");
    peer.send(plain("ok"));
    EXPECT_EQ(peer.read_all(), "");
    closed.set_value();
  });
  EXPECT_TRUE(client.fetch_sync({.url = server.url()}));
  closed.get_future().get();
}

TEST_F(HttpClientTest, ConnectionsAreNotKeptWhenEitherSideSaysSo) {
  const ScriptedServer server([](Peer& peer, int connection) {
    const std::string header = peer.read_until("\r\n\r\n");
    EXPECT_EQ(header.contains("Connection: close"), connection == 1);
    peer.send(connection == 0 ? "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
                              : plain(""));
    EXPECT_EQ(peer.read_all(), "");
  });
  EXPECT_TRUE(get(server.url()));
  EXPECT_TRUE(client_.fetch_sync({.url = server.url(), .keep_alive = false}));
  EXPECT_EQ(client_.stats().idle, 0U);
}

TEST_F(HttpClientTest, RedirectsAreFollowedUpToALimit) {
  const std::string url = serve([](const std::shared_ptr<Exchange>& exchange) {
    const HttpRequest& request = exchange->request();
    if (request.path == "/end") {
      return exchange->respond(text_response(200, request.method + request.body));
    }
    const int status = std::stoi(request.query);
    exchange->respond({status, {{"Location", status == 399 ? "?399" : "end"}}, "moved"});
  });
  for (const auto& [status, body] : std::initializer_list<std::pair<int, const char*>>{
           {301, "GET"}, {302, "GET"}, {303, "GET"}, {307, "POSTbody"}, {308, "POSTbody"}}) {
    const auto response = client_.fetch_sync(
        {.method = "POST", .url = url + "/start?" + std::to_string(status), .body = "body"});
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->body, body) << status;
    EXPECT_EQ(response->url, url + "/end");
  }
  EXPECT_EQ(client_.fetch_sync({.url = url + "/?302", .follow_redirects = false})->status, 302);
  const std::string round = serve([](const std::shared_ptr<Exchange>& exchange) {
    exchange->respond({302, {{"Location", "/round"}}, ""});
  });
  EXPECT_NE(error_of({.url = round}, ErrorCode::kLimit).find("stopped after 10 redirects"),
            std::string::npos);
}

TEST_F(HttpClientTest, CredentialsStayOnTheirHost) {
  const std::string there = serve([](const std::shared_ptr<Exchange>& exchange) {
    const Headers& headers = exchange->request().headers;
    exchange->respond(text_response(200, std::string(headers.value("authorization")) + "|" +
                                             std::string(headers.value("cookie"))));
  });
  const size_t port = there.rfind(':') + 1;
  const std::string here = serve([&](const std::shared_ptr<Exchange>& exchange) {
    const std::string host = exchange->request().path == "/same" ? "127.0.0.1" : "localhost";
    exchange->respond({302, {{"Location", "http://" + host + ":" + there.substr(port)}}, ""});
  });
  const Headers secret{{"Authorization", "Bearer s"}, {"Cookie", "c"}};
  EXPECT_EQ(client_.fetch_sync({.url = here + "/same", .headers = secret})->body, "Bearer s|c");
  EXPECT_EQ(client_.fetch_sync({.url = here + "/other", .headers = secret})->body, "|");
  std::string with_user = here;
  with_user.insert(7, "u:p@");
  EXPECT_EQ(get(with_user + "/same")->body, basic_authorization("u:p") + "|");
  EXPECT_EQ(get(with_user + "/other")->body, "|");
}

TEST_F(HttpClientTest, AProxyGetsTheAbsoluteForm) {
  const ScriptedServer proxy(
      [](Peer& peer, int) { peer.send(plain(peer.read_until("\r\n\r\n"))); });
  const auto response =
      client_.fetch_sync({.url = "http://target.invalid:81/x",
                          .proxy_url = "http://u:p@127.0.0.1:" + std::to_string(proxy.port())});
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_TRUE(response->body.starts_with("GET http://target.invalid:81/x HTTP/1.1\r\n"));
  EXPECT_TRUE(response->body.contains("Proxy-Authorization: " + basic_authorization("u:p")));
}

TEST_F(HttpClientTest, AProxyThatRefusesATunnelIsAnError) {
  const ScriptedServer proxy([](Peer& peer, int) {
    EXPECT_TRUE(peer.read_until("\r\n\r\n").starts_with("CONNECT target.invalid:443 HTTP/1.1\r\n"));
    peer.send("HTTP/1.1 403 Forbidden\r\n\r\n");
  });
  EXPECT_TRUE(error_of({.url = "https://target.invalid/",
                        .proxy_url = "http://127.0.0.1:" + std::to_string(proxy.port())},
                       ErrorCode::kUnavailable)
                  .ends_with("answered 403 to CONNECT target.invalid:443"));
}

TEST_F(HttpClientTest, HostsOfNoProxyAreReachedDirectly) {
  const ScriptedServer proxy([](Peer& peer, int) { peer.send(plain("by proxy")); });
  const ScriptedServer target([](Peer& peer, int) { peer.send(plain("direct")); });
  const std::string proxy_url = "http://127.0.0.1:" + std::to_string(proxy.port());
  const auto fetch = [&](std::string no_proxy) {
    return client_
        .fetch_sync({.url = target.url(), .proxy_url = proxy_url, .no_proxy = std::move(no_proxy)})
        ->body;
  };
  EXPECT_EQ(fetch(""), "by proxy");
  EXPECT_EQ(fetch("example.com"), "direct") << "loopback is excepted once there are exceptions";
}

TEST_F(HttpClientTest, AnotherProxyHeaderIsAnotherTunnel) {
  std::vector<std::string> seen;
  {
    const ScriptedServer proxy([&](Peer& peer, int) {
      seen.push_back(peer.read_until("\r\n\r\n"));
      peer.send("HTTP/1.1 502 Bad Gateway\r\n\r\n");
    });
    for (const char* value : {"a", "b"}) {
      error_of({.url = "https://target.invalid/",
                .proxy_url = "http://127.0.0.1:" + std::to_string(proxy.port()),
                .proxy_connect_headers = {{"X-Team", value}}},
               ErrorCode::kUnavailable);
    }
  }
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_TRUE(seen[0].contains("\r\nX-Team: a\r\n"));
  EXPECT_TRUE(seen[1].contains("\r\nX-Team: b\r\n"));
}

TEST_F(HttpClientTest, HandsOverABodyInPieces) {
  std::promise<void> first_came;
  const ScriptedServer server([&](Peer& peer, int) {
    peer.read_until("\r\n\r\n");
    peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\none\n\r\n");
    first_came.get_future().wait();  // the response goes on only when its first piece is there
    peer.send("4\r\ntwo\n\r\n0\r\n\r\n");
  });
  std::string got;
  const auto response = client_.fetch_sync({.url = server.url(), .on_body = [&](auto piece) {
                                              got += piece;
                                              if (got == "one\n") first_came.set_value();
                                            }});
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(got, "one\ntwo\n");
  EXPECT_EQ(response->body, "");
  EXPECT_EQ(response->wire_bytes, 8U);
}

TEST_F(HttpClientTest, ABodyOfAnErrorIsNotHandedOver) {
  const ScriptedServer server([](Peer& peer, int) {
    peer.read_until("\r\n\r\n");
    peer.send("HTTP/1.1 410 Gone\r\nContent-Length: 4\r\n\r\ngone");
  });
  std::string got;
  const auto response =
      client_.fetch_sync({.url = server.url(), .on_body = [&](auto piece) { got += piece; }});
  ASSERT_TRUE(response);
  EXPECT_EQ(response->body, "gone");
  EXPECT_EQ(got, "");
}

TEST_F(HttpClientTest, SpeaksOverUnixSockets) {
  const TempDir dir;
  const std::string path = dir.file("s");
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(fd, 1), 0);
  std::jthread server([&] {
    Peer peer(::accept(fd, nullptr, nullptr));
    peer.send(plain(peer.read_until("\r\n\r\n")));
  });
  const auto response = client_.fetch_sync({.url = "http://docker/x", .unix_socket = path});
  server.join();
  ::close(fd);
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_TRUE(response->body.starts_with("GET /x HTTP/1.1\r\nHost: docker\r\n"));
  EXPECT_TRUE(
      error_of({.url = "http://docker/", .unix_socket = dir.file("none")}, ErrorCode::kUnavailable)
          .contains("no such file"));
}

TEST_F(HttpClientTest, GivesUpWhenAskedTo) {
  std::promise<void> asked;
  const ScriptedServer server([&](Peer& peer, int) {
    peer.read_until("\r\n\r\n");
    asked.set_value();
    peer.read_all();
  });
  std::stop_source stop;
  std::promise<Result<ClientResponse>> result;
  client_.fetch({.url = server.url(), .stop = stop.get_token()},
                [&](Result<ClientResponse> r) { result.set_value(std::move(r)); });
  asked.get_future().get();
  stop.request_stop();
  EXPECT_EQ(result.get_future().get().error().code, ErrorCode::kCanceled);
}

TEST_F(HttpClientTest, DestroyingItEndsWhatIsInFlight) {
  std::promise<void> asked;
  const ScriptedServer server([&](Peer& peer, int) {
    peer.read_until("\r\n\r\n");
    asked.set_value();
    peer.read_all();
  });
  std::optional<ErrorCode> code;
  {
    HttpClient client(loop_);
    client.fetch({.url = server.url()},
                 [&](const Result<ClientResponse>& r) { code = r.error().code; });
    asked.get_future().get();
  }
  EXPECT_EQ(code, ErrorCode::kCanceled);
}

TEST_F(HttpClientTest, ManyRequestsAtOnce) {
  const std::string url = serve([](const std::shared_ptr<Exchange>& exchange) {
    exchange->respond(text_response(200, exchange->request().path));
  });
  constexpr int kMany = 300;
  std::promise<void> all;
  int done = 0;  // on the loop's thread
  for (int i = 0; i < kMany; ++i) {
    const std::string path = "/" + std::to_string(i);
    client_.fetch({.url = url + path}, [&, path](const Result<ClientResponse>& response) {
      EXPECT_TRUE(response && response->body == path);
      if (++done == kMany) all.set_value();
    });
  }
  all.get_future().get();
  EXPECT_LE(client_.stats().idle, 100U);
}

}  // namespace
}  // namespace strata::net
