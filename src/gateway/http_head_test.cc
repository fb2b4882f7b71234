#include "gateway/http_head.h"

#include <gtest/gtest.h>

#include "gateway/chunked.h"

namespace strata::gateway {
namespace {

int status_of(std::string_view lines) {
  RequestHead head;
  const std::string text = std::string(lines) + "\r\n\r\n";
  EXPECT_EQ(head_size(text), text.size());
  const auto fault = parse_request_head(text, head);
  return fault ? fault->status : 0;
}

TEST(RequestHead, ReadsWhatAClientSends) {
  RequestHead head;
  const std::string text =
      "POST /v1/chat/completions?a=1 HTTP/1.1\r\nHost: x\r\nContent-length:\t12 \r\n"
      "Connection: close, X-Mine\r\nx-mine: 1\r\n\r\n";
  ASSERT_FALSE(parse_request_head(text, head));
  EXPECT_EQ(head.method, "POST");
  EXPECT_EQ(head.path(), "/v1/chat/completions");
  EXPECT_EQ(head.framing, Framing::kLength);
  EXPECT_EQ(head.length, 12u);
  EXPECT_FALSE(head.keep_alive);
  EXPECT_EQ(head.value("HOST"), "x");
  EXPECT_TRUE(is_hop_by_hop(head, "X-MINE"));
  EXPECT_FALSE(is_hop_by_hop(head, "Host"));
}

TEST(RequestHead, RefusesWhatCanBeReadInTwoWays) {
  const std::string post = "POST / HTTP/1.1\r\nHost: x\r\n";
  EXPECT_EQ(status_of(post + "Content-Length: 4"), 0);
  EXPECT_EQ(status_of(post + "Content-Length: 4\r\nTransfer-Encoding: chunked"), 400);
  EXPECT_EQ(status_of(post + "Content-Length: 4\r\nContent-Length: 4"), 400);
  EXPECT_EQ(status_of(post + "Content-Length: 4, 4"), 400);
  EXPECT_EQ(status_of(post + "Content-Length: +4"), 400);
  EXPECT_EQ(status_of(post + "Content-Length: 0x4"), 400);
  EXPECT_EQ(status_of(post + "Content-Length:"), 400);
  EXPECT_EQ(status_of(post + "Content-Length: 99999999999999999999"), 400);
  EXPECT_EQ(status_of(post + "Content-Length : 4"), 400);
  EXPECT_EQ(status_of(post + "X: a\r\n folded"), 400);
  EXPECT_EQ(status_of(post + "Transfer-Encoding: gzip, chunked"), 501);
  EXPECT_EQ(status_of(post + "Transfer-Encoding: xchunked"), 501);
  EXPECT_EQ(status_of(post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"), 400);
  EXPECT_EQ(status_of("POST / HTTP/1.0\r\nTransfer-Encoding: chunked"), 400);
  EXPECT_EQ(status_of(post + "Host: y"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nAccept: x"), 400);
  EXPECT_EQ(status_of("GET / HTTP/2.0\r\nHost: x"), 505);
  EXPECT_EQ(status_of("GET  / HTTP/1.1\r\nHost: x"), 400);
  EXPECT_EQ(status_of("GET http://a/ HTTP/1.1\r\nHost: x"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: x\r\nA: b\nC: d"), 400);
  EXPECT_EQ(status_of("GET /"), 400);
}

TEST(ResponseHead, KnowsHowItsBodyEnds) {
  const auto framing_of = [](std::string_view lines, bool to_head = false) {
    ResponseHead head;
    const std::string text = std::string(lines) + "\r\n\r\n";
    EXPECT_FALSE(parse_response_head(text, to_head, head)) << lines;
    return head.framing;
  };
  EXPECT_EQ(framing_of("HTTP/1.1 200 OK\r\nContent-Length: 4"), Framing::kLength);
  EXPECT_EQ(framing_of("HTTP/1.1 200\r\nTransfer-Encoding: chunked"), Framing::kChunked);
  EXPECT_EQ(framing_of("HTTP/1.0 200 OK"), Framing::kClose);
  EXPECT_EQ(framing_of("HTTP/1.1 304 Not Modified\r\nContent-Length: 4"), Framing::kNone);
  EXPECT_EQ(framing_of("HTTP/1.1 200 OK\r\nContent-Length: 4", true), Framing::kNone);
}

/// The payload of a body that comes in two pieces; "failed" when it is none.
std::string decoded(std::string body, size_t cut, std::string_view rest = {}) {
  ChunkedDecoder decoder;
  std::string out;
  size_t used = 0;
  for (const size_t end : {cut, body.size()}) {
    std::string piece = body.substr(used, end - used);
    const auto got = decoder.decode(piece);
    used += got.used;
    out += piece.substr(0, got.payload);
  }
  if (decoder.failed()) return "failed";
  EXPECT_EQ(body.substr(used), rest);
  return decoder.done() ? out : out + "…";
}

TEST(ChunkedDecoder, UndoesChunksWhereverTheyAreCut) {
  const std::string body =
      "4;x=y\r\nWiki\r\n5\r\npedia\r\n0A \r\n0123456789\r\n0\r\nT: 1\r\n\r\nGET";
  for (size_t cut = 0; cut <= body.size(); ++cut) {
    ASSERT_EQ(decoded(body, cut, "GET"), "Wikipedia0123456789") << cut;
  }
}

TEST(ChunkedDecoder, RefusesWhatIsNoChunk) {
  for (const char* body : {"x\r\n", "\r\n", "4\nWiki", "4\r\nWikiX", "fffffffffffffffff\r\n",
                           "4;\n\r\nWiki\r\n", "-1\r\n", "0\r\n\nX"}) {
    EXPECT_EQ(decoded(body, 0), "failed") << body;
  }
  EXPECT_EQ(decoded("5\r\nab", 1), "ab…");
  EXPECT_EQ(decoded("1;" + std::string(5000, 'x') + "\r\n", 9), "failed");
}

}  // namespace
}  // namespace strata::gateway
