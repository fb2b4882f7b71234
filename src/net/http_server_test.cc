#include "net/http_server.h"

#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "base/thread_pool.h"
#include "net/gzip.h"
#include "net/peer_for_test.h"

namespace strata::net {
namespace {

using std::chrono::milliseconds;

/// Answers with what it understood: "GET /path query body-size".
void echo(const std::shared_ptr<Exchange>& exchange) {
  const HttpRequest& request = exchange->request();
  exchange->respond(text_response(200, request.method + " " + request.path + " " + request.query +
                                           " " + std::to_string(request.body.size())));
}

class HttpServerTest : public testing::Test {
 protected:
  void start(HttpServerOptions options = {}, HttpHandler handler = echo) {
    auto server = HttpServer::start(loop_, std::move(options), std::move(handler));
    ASSERT_TRUE(server) << server.error().message;
    server_ = *std::move(server);
    loop_.start();
  }
  Peer connect() { return Peer::connect(server_->port()); }
  /// The status line and body of the answer to `request`, and that the connection then closes.
  std::string answer_and_close(std::string_view request) {
    Peer peer = connect();
    peer.send(request);
    auto [header, body] = peer.read_response();
    EXPECT_NE(header.find("Connection: close"), std::string::npos) << header;
    EXPECT_EQ(peer.read_all(), "");
    return header.substr(0, header.find("\r\n")) + " | " + body;
  }
  void wait_until(const std::function<bool()>& condition) {
    while (!condition()) std::this_thread::yield();  // CTest's timeout bounds it
  }

  Loop loop_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpServerTest, AnswersAndKeepsTheConnection) {
  start();
  Peer peer = connect();
  for (int i = 0; i < 3; ++i) {
    peer.send("GET /a%20b?x=1 HTTP/1.1\r\nHost: h\r\n\r\n");
    const auto [header, body] = peer.read_response();
    EXPECT_TRUE(header.starts_with("HTTP/1.1 200 OK\r\n")) << header;
    EXPECT_NE(header.find("\r\nServer: strata\r\n"), std::string::npos);
    EXPECT_NE(header.find("\r\nDate: "), std::string::npos);
    EXPECT_EQ(body, "GET /a b x=1 0");
  }
  EXPECT_EQ(server_->stats().accepted, 1U);
  EXPECT_EQ(server_->stats().requests, 3U);
}

TEST_F(HttpServerTest, PipelinedRequestsAreAnsweredInOrder) {
  ThreadPool pool("test", 4);
  start({}, [&](std::shared_ptr<Exchange> exchange) {
    ASSERT_TRUE(pool.submit(Lane::kQuery, [exchange = std::move(exchange)] { echo(exchange); }));
  });
  Peer peer = connect();
  std::string requests;
  for (int i = 0; i < 50; ++i) {
    requests +=
        "POST /" + std::to_string(i) + " HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc\r\n";
  }
  peer.send(requests);
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(peer.read_response().second, "POST /" + std::to_string(i) + "  3");
  }
}

TEST_F(HttpServerTest, ARequestMayComeByteByByte) {
  start();
  Peer peer = connect();
  for (const char c :
       std::string_view("POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n"
                        "\r\n3;ext=1\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: t\r\n\r\n")) {
    peer.send(std::string_view(&c, 1));
  }
  EXPECT_EQ(peer.read_response().second, "POST /x  5");
}

TEST_F(HttpServerTest, HeadHasNoBody) {
  start();
  Peer peer = connect();
  peer.send("HEAD / HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_NE(peer.read_until("\r\n\r\n").find("Content-Length: 9\r\n"), std::string::npos);
  EXPECT_EQ(peer.read_response().second, "GET /  0");
}

TEST_F(HttpServerTest, Http10ClosesUnlessAsked) {
  start();
  Peer old = connect();
  old.send("GET / HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(old.read_all().ends_with("GET /  0"));
  Peer kept = connect();
  for (int i = 0; i < 2; ++i) {
    kept.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_NE(kept.read_response().first.find("Connection: keep-alive"), std::string::npos);
  }
}

TEST_F(HttpServerTest, ConnectionCloseIsHonoured) {
  start();
  EXPECT_EQ(answer_and_close("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"),
            "HTTP/1.1 200 OK | GET /  0");
}

TEST_F(HttpServerTest, ContinueIsSentBeforeTheBody) {
  start();
  Peer peer = connect();
  peer.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(peer.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  peer.send("ab");
  EXPECT_EQ(peer.read_response().second, "POST /  2");
}

struct RefusedCase {
  std::string_view request;
  std::string_view status;
};

TEST_F(HttpServerTest, WhatTwoReadersCouldReadDifferentlyIsRefused) {
  start({.max_header_bytes = 2000, .max_body_bytes = 1000});
  const std::string long_header =
      "GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(3000, 'x') + "\r\n\r\n";
  std::string many_headers = "GET / HTTP/1.1\r\nHost: h\r\n";
  for (int i = 0; i < 500; ++i) many_headers += "X-" + std::to_string(i) + ": y\r\n";
  const std::string long_chunk_header =
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1;" + std::string(4000, 'x');
  const std::string host = " HTTP/1.1\r\nHost: h\r\n";
  for (const auto& [request, status] : std::initializer_list<RefusedCase>{
           {"nonsense\r\n\r\n", "400"},
           {"GET /\r\n\r\n", "400"},
           {"GET / HTTP/2.0\r\nHost: h\r\n\r\n", "505"},
           {"GET / HTTP/1.1\r\n\r\n", "400"},
           {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400"},
           {"GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
           {"GET / HTTP/1.1\r\nHost: h\r\nBad Name: x\r\n\r\n", "400"},
           {"GET / HTTP/1.1\r\nHost: h\r\nName : x\r\n\r\n", "400"},
           {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: "
            "chunked\r\n\r\n0\r\n\r\n",
            "400"},
           {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: "
            "3\r\n\r\n0\r\n\r\n",
            "400"},
           {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
            "400"},
           {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +3\r\n\r\nabc", "400"},
           {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n", "400"},
           {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0x3\r\n\r\nabc", "400"},
           {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n", "501"},
           {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n", "501"},
           {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, chunked\r\n\r\n", "501"},
           {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
           {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "400"},
           {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcXYZ\r\n",
            "400"},
           {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: "
            "chunked\r\n\r\nffffffffffffffffff\r\n",
            "400"},
           {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n", "413"},
           {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1001\r\n\r\n", "413"},
           {"POST / HTTP/1.1\r\nHost: h\r\nExpect: magic\r\nContent-Length: 1\r\n\r\n", "417"},
           {long_header, "431"},
           {many_headers, "431"},
           {long_chunk_header, "431"},
       }) {
    EXPECT_EQ(answer_and_close(request).substr(0, 12), "HTTP/1.1 " + std::string(status))
        << request.substr(0, 200);
  }
  EXPECT_EQ(server_->stats().requests, 0U);
  EXPECT_EQ(server_->stats().rejected, 27U);
}

TEST_F(HttpServerTest, ABodyUpToTheLimitIsTaken) {
  start({.max_body_bytes = 5'000'000});
  Peer peer = connect();
  const std::string body(5'000'000, 'b');
  std::thread sender([&] {
    peer.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5000000\r\n\r\n");
    peer.send(body);
  });
  sender.join();
  EXPECT_EQ(peer.read_response().second, "POST /  5000000");
}

TEST_F(HttpServerTest, SlowClientsAreToldAndCut) {
  start({.header_timeout = milliseconds(30), .body_timeout = milliseconds(30)});
  EXPECT_EQ(answer_and_close("GET / HTTP/1.1\r\nHo"),
            "HTTP/1.1 408 Request Timeout | the header took too long\n");
  EXPECT_EQ(answer_and_close("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc"),
            "HTTP/1.1 408 Request Timeout | the body took too long\n");
}

TEST_F(HttpServerTest, IdleConnectionsAreClosed) {
  start({.idle_timeout = milliseconds(20)});
  Peer peer = connect();
  peer.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  peer.read_response();
  EXPECT_EQ(peer.read_all(), "");
}

TEST_F(HttpServerTest, AClientThatDoesNotReadIsCut) {
  std::promise<void> stopped;
  start({.write_timeout = milliseconds(50)}, [&](const std::shared_ptr<Exchange>& exchange) {
    static std::optional<std::stop_callback<std::function<void()>>> on_stop;
    on_stop.emplace(exchange->stop_token(), [&] { stopped.set_value(); });
    exchange->respond(text_response(200, std::string(50'000'000, 'x')));
  });
  Peer peer = connect();
  peer.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  stopped.get_future().get();
  EXPECT_LT(peer.read_all().size(), 50'000'000U);
}

TEST_F(HttpServerTest, TheStopTokenFiresWhenTheClientLeaves) {
  std::promise<std::shared_ptr<Exchange>> got;
  start({}, [&](std::shared_ptr<Exchange> exchange) { got.set_value(std::move(exchange)); });
  Peer peer = connect();
  peer.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  auto exchange = got.get_future().get();
  std::promise<void> stopped;
  EXPECT_FALSE(exchange->stop_token().stop_requested());
  const std::stop_callback on_stop(exchange->stop_token(), [&] { stopped.set_value(); });
  peer.close();
  stopped.get_future().get();
  exchange->respond(text_response(200, "to nobody"));
  exchange.reset();
  wait_until([&] { return server_->stats().open == 0; });
}

TEST_F(HttpServerTest, AClientThatOnlyClosedItsSideIsAnswered) {
  ThreadPool pool("test", 1);
  start({}, [&](std::shared_ptr<Exchange> exchange) {
    ASSERT_TRUE(pool.submit(Lane::kQuery, [exchange = std::move(exchange)] { echo(exchange); }));
  });
  Peer peer = connect();
  peer.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  peer.shutdown_write();
  EXPECT_TRUE(peer.read_all().ends_with("GET /  0"));
}

TEST_F(HttpServerTest, ADroppedExchangeIsAnsweredWith500) {
  start({}, [](const std::shared_ptr<Exchange>&) {});
  Peer peer = connect();
  for (int i = 0; i < 2; ++i) {
    peer.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_TRUE(peer.read_response().first.starts_with("HTTP/1.1 500 "));
  }
}

TEST_F(HttpServerTest, AHeaderThatWouldSplitTheAnswerIsLeftOut) {
  start({}, [](const std::shared_ptr<Exchange>& exchange) {
    HttpResponse response = text_response(200, "ok");
    response.headers.add("X-Evil", "a\r\nSet-Cookie: b");
    exchange->respond(std::move(response));
  });
  Peer peer = connect();
  peer.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(peer.read_response().first.find("Set-Cookie"), std::string::npos);
}

/// Writes `total` bytes in pieces as fast as the client reads, from whatever thread calls it.
struct Streamer : std::enable_shared_from_this<Streamer> {
  std::shared_ptr<Exchange> exchange;
  size_t left = 0;
  size_t full = 0;
  std::function<void(Streamer&)> done;

  void run() {
    const std::string piece(10'000, 's');
    while (left > 0) {
      const auto wrote = exchange->write(std::string_view(piece).substr(0, left));
      if (wrote == Exchange::Wrote::kGone) return done(*this);
      if (wrote == Exchange::Wrote::kFull) {
        ++full;
        return exchange->when_writable([self = shared_from_this()] { self->run(); });
      }
      left -= std::min(left, piece.size());
    }
    exchange->end();
    done(*this);
  }
};

TEST_F(HttpServerTest, StreamsWithBackPressure) {
  std::promise<size_t> full;
  start({.max_buffered_bytes = 65'536}, [&](std::shared_ptr<Exchange> exchange) {
    exchange->begin(200, {{"Content-Type", "text/plain"}});
    auto streamer = std::make_shared<Streamer>();
    streamer->exchange = std::move(exchange);
    streamer->left = 30'000'000;
    streamer->done = [&](Streamer& s) { full.set_value(s.full); };
    streamer->run();
  });
  Peer peer = connect();
  peer.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_NE(peer.read_until("\r\n\r\n").find("Transfer-Encoding: chunked"), std::string::npos);
  size_t total = 0;
  while (true) {
    const size_t size = std::stoul(peer.read_until("\r\n"), nullptr, 16);
    if (size == 0) break;
    total += size;
    EXPECT_EQ(peer.read(size).find_first_not_of('s'), std::string::npos);
    EXPECT_EQ(peer.read(2), "\r\n");
  }
  EXPECT_EQ(total, 30'000'000U);
  EXPECT_EQ(peer.read(2), "\r\n");
  EXPECT_GT(full.get_future().get(), 0U);
}

TEST_F(HttpServerTest, AStreamFromAnotherThreadEndsWhenTheClientLeaves) {
  ThreadPool pool("test", 1);
  std::promise<size_t> left;
  start({}, [&](std::shared_ptr<Exchange> exchange) {
    auto streamer = std::make_shared<Streamer>();
    streamer->exchange = std::move(exchange);
    streamer->left = size_t{1} << 40;
    streamer->done = [&](Streamer& s) { left.set_value(s.left); };
    ASSERT_TRUE(pool.submit(Lane::kQuery, [streamer = std::move(streamer)] {
      streamer->exchange->begin(200, {});
      streamer->run();
    }));
  });
  Peer peer = connect();
  peer.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  peer.read(1'000'000);
  peer.reset();
  EXPECT_GT(left.get_future().get(), 0U);
}

TEST_F(HttpServerTest, AStreamThatIsDroppedIsVisiblyCutShort) {
  start({}, [](const std::shared_ptr<Exchange>& exchange) {
    exchange->begin(200, {});
    EXPECT_EQ(exchange->write("half"), Exchange::Wrote::kTaken);
  });
  Peer peer = connect();
  peer.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(peer.read_all().ends_with("4\r\nhalf\r\n"));
}

TEST_F(HttpServerTest, AStreamToHttp10EndsWithTheConnection) {
  start({}, [](const std::shared_ptr<Exchange>& exchange) {
    exchange->begin(200, {});
    EXPECT_EQ(exchange->write("all"), Exchange::Wrote::kTaken);
    exchange->end();
  });
  Peer peer = connect();
  peer.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_TRUE(peer.read_all().ends_with("\r\n\r\nall"));
}

TEST_F(HttpServerTest, APortInUseIsOneClearError) {
  start();
  const auto second = HttpServer::start(loop_, {.listen = server_->address()}, echo);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kConflict);
  EXPECT_TRUE(second.error().message.starts_with("listen " + server_->address() +
                                                 ": address already in use; another program"))
      << second.error().message;
}

TEST_F(HttpServerTest, BadListenAddressesAreErrors) {
  for (const char* listen : {"9090", "localhost", "a b:1", "127.0.0.1:x", "127.0.0.1:70000"}) {
    const auto server = HttpServer::start(loop_, {.listen = listen}, echo);
    ASSERT_FALSE(server) << listen;
    EXPECT_EQ(server.error().code, ErrorCode::kBadData) << server.error().message;
  }
}

TEST_F(HttpServerTest, EveryAddressIncludesIpv4) {
  start({.listen = ":0"});
  Peer peer = connect();
  peer.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(peer.read_response().second, "GET /  0");
}

TEST_F(HttpServerTest, ConnectionsAboveTheLimitAreTurnedAway) {
  start({.max_connections = 2});
  Peer first = connect();
  Peer second = connect();
  first.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  first.read_response();
  second.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  second.read_response();
  Peer third = connect();
  EXPECT_TRUE(third.read_all().starts_with("HTTP/1.1 503 "));
  EXPECT_EQ(server_->stats().refused, 1U);
  first.close();
  wait_until([&] { return server_->stats().open < 2; });
  Peer fourth = connect();
  fourth.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(fourth.read_response().second, "GET /  0");
}

TEST_F(HttpServerTest, AThousandIdleConnectionsCostTheOthersNothing) {
  start({.max_connections = 1100});
  std::vector<Peer> idle;
  for (int i = 0; i < 1000; ++i) {
    idle.push_back(connect());
    if (i % 2 == 0) {
      idle.back().send("GET /idle HTTP/1.1\r\nHost: h\r\n\r\n");
      EXPECT_EQ(idle.back().read_response().second, "GET /idle  0");
    }
  }
  Peer busy = connect();
  for (int i = 0; i < 100; ++i) {
    busy.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(busy.read_response().second, "GET /  0");
  }
  wait_until([&] { return server_->stats().open == 1001; });
  server_->stop(milliseconds(5000));
  EXPECT_EQ(server_->stats().open, 0U);
}

TEST_F(HttpServerTest, StopFinishesWhatIsUnderWay) {
  std::promise<std::shared_ptr<Exchange>> got;
  start({}, [&](std::shared_ptr<Exchange> exchange) { got.set_value(std::move(exchange)); });
  Peer idle = connect();
  Peer busy = connect();
  busy.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  auto exchange = got.get_future().get();
  std::thread stopper([&] { server_->stop(std::chrono::minutes(1)); });
  EXPECT_EQ(idle.read_all(), "");  // closed although one is busy
  exchange->respond(text_response(200, "done"));
  const auto [header, body] = busy.read_response();
  EXPECT_NE(header.find("Connection: close"), std::string::npos);
  EXPECT_EQ(body, "done");
  busy.close();
  stopper.join();
  EXPECT_EQ(server_->stats().open, 0U);
}

TEST_F(HttpServerTest, StopCutsWhatDoesNotFinish) {
  std::promise<std::shared_ptr<Exchange>> got;
  start({}, [&](std::shared_ptr<Exchange> exchange) { got.set_value(std::move(exchange)); });
  Peer peer = connect();
  peer.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  auto exchange = got.get_future().get();
  server_->stop(milliseconds(10));
  EXPECT_TRUE(exchange->stop_token().stop_requested());
  EXPECT_EQ(peer.read_all(), "");
  server_.reset();
  loop_.stop();
  exchange->respond(text_response(200, "too late"));  // after loop and server
}

TEST_F(HttpServerTest, AnExchangeMayOutliveTheLoop) {
  std::promise<std::shared_ptr<Exchange>> got;
  auto loop = std::make_unique<Loop>();
  auto server = HttpServer::start(
      *loop, {}, [&](std::shared_ptr<Exchange> exchange) { got.set_value(std::move(exchange)); });
  ASSERT_TRUE(server);
  loop->start();
  Peer peer = Peer::connect((*server)->port());
  peer.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  auto exchange = got.get_future().get();
  loop->stop();  // without stopping the server first
  server->reset();
  loop.reset();
  exchange->begin(200, {});
  EXPECT_EQ(exchange->write("x"), Exchange::Wrote::kGone);
  bool ready = false;
  exchange->when_writable([&] { ready = true; });
  EXPECT_TRUE(ready);
}

}  // namespace
}  // namespace strata::net
