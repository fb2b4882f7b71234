// Headers, URLs, forms, targets, gzip, dates, Basic authorization: text in, text out.
#include <gtest/gtest.h>

#include <random>

#include "base/base64.h"
#include "net/basic_auth.h"
#include "net/gzip.h"
#include "net/http.h"
#include "net/http_date.h"

namespace strata::net {
namespace {

TEST(Headers, KeepOrderAndIgnoreCase) {
  Headers headers{{"Accept", "text/plain"}, {"X-A", "1"}, {"x-a", "2"}};
  EXPECT_EQ(headers.value("ACCEPT"), "text/plain");
  EXPECT_EQ(headers.value("X-a"), "1");
  EXPECT_FALSE(headers.contains("Host"));
  headers.set("X-A", "3");
  EXPECT_EQ(headers.size(), 2U);
  EXPECT_EQ(headers.value("x-A"), "3");
  EXPECT_EQ(headers.remove("accept"), 1U);
  EXPECT_EQ(headers[0].name, "X-A");
}

TEST(Headers, SetToAViewOfThemselves) {
  Headers headers{{"A", "a value that is long enough to be on the heap"}, {"B", "b"}};
  headers.set(headers[1].name, headers.value("A"));
  EXPECT_EQ(headers.value("b"), headers.value("a"));
}

TEST(Headers, FindTokensInLists) {
  const Headers headers{{"Connection", "Keep-Alive, Upgrade"}, {"Connection", " close "}};
  EXPECT_TRUE(headers.has_token("connection", "upgrade"));
  EXPECT_TRUE(headers.has_token("connection", "close"));
  EXPECT_FALSE(headers.has_token("connection", "keep"));
}

TEST(Headers, RefuseWhatWouldSplitAMessage) {
  EXPECT_TRUE(is_header_name("X-Prometheus_1"));
  EXPECT_FALSE(is_header_name("X Y"));
  EXPECT_FALSE(is_header_name(""));
  EXPECT_TRUE(is_header_value("caf\xc3\xa9\t1"));
  EXPECT_FALSE(is_header_value("a\r\nSet-Cookie: b"));
}

struct UrlCase {
  std::string_view text;
  std::string_view is;  // to_string(), or what the error contains
  std::string_view user_info = "";
};

TEST(Url, AreTakenApart) {
  for (const auto& [text, is, user_info] : std::initializer_list<UrlCase>{
           {"http://a", "http://a/"},
           {"HTTP://A.Example:80/x?y=1#z", "http://a.example/x?y=1"},
           {"https://a:443/", "https://a/"},
           {"https://a:8443?q", "https://a:8443/?q"},
           {"http://[::1]:9090/metrics", "http://[::1]:9090/metrics"},
           {"http://u:p%40ss@h:1/", "http://h:1/", "u:p@ss"},
           {"http://h/a b\"c", "http://h/a%20b%22c"},
       }) {
    const auto url = parse_url(text);
    ASSERT_TRUE(url) << text << ": " << url.error().message;
    EXPECT_EQ(url->to_string(), is);
    EXPECT_EQ(url->user_info, user_info);
  }
}

TEST(Url, SayWhatIsWrong) {
  for (const auto& [text, is, user_info] : std::initializer_list<UrlCase>{
           {"localhost:9090", "must begin with http://"},
           {"ftp://a", "scheme"},
           {"http://", "host is missing"},
           {"http://a:99999/", "port"},
           {"http://a:x/", "port"},
           {"http://[::1/", "missing ']'"},
           {"http://a b/", "not a host"},
           {"http://a\r\nHost: b/", "not a host"},
       }) {
    const auto url = parse_url(text);
    ASSERT_FALSE(url) << text;
    EXPECT_NE(url.error().message.find(is), std::string::npos) << url.error().message;
  }
}

TEST(Url, ReferencesResolveAgainstABase) {
  const Url base = *parse_url("https://h:8443/a/b/c?q=1");
  for (const auto& [reference, is] : std::initializer_list<std::pair<const char*, const char*>>{
           {"/x", "https://h:8443/x"},
           {"x?y", "https://h:8443/a/b/x?y"},
           {"../x", "https://h:8443/a/x"},
           {"../../../../x", "https://h:8443/x"},
           {"./", "https://h:8443/a/b/"},
           {"?z", "https://h:8443/a/b/c?z"},
           {"//other/p", "https://other/p"},
           {"http://other:1/", "http://other:1/"},
           {"", "https://h:8443/a/b/c?q=1"},
       }) {
    const auto url = resolve_url(base, reference);
    ASSERT_TRUE(url) << reference;
    EXPECT_EQ(url->to_string(), is) << reference;
  }
  EXPECT_FALSE(resolve_url(base, "javascript:alert(1)"));
}

TEST(Url, HostAndPort) {
  const auto any = parse_host_port(":9090");
  ASSERT_TRUE(any);
  EXPECT_EQ(any->host, "");
  EXPECT_EQ(any->port, 9090);
  EXPECT_EQ(parse_host_port("[::]:1")->host, "::");
  EXPECT_FALSE(parse_host_port("localhost"));
  EXPECT_FALSE(parse_host_port("::1:9090"));
  EXPECT_EQ(join_host_port("::1", 1), "[::1]:1");
}

TEST(Form, ValuesRepeatAndDecode) {
  FormValues values;
  ASSERT_TRUE(parse_form("match[]=up&match%5B%5D=a%3D%22b+c%22&&empty=&bare", values));
  EXPECT_EQ(values.all("match[]"), (std::vector<std::string_view>{"up", "a=\"b c\""}));
  EXPECT_EQ(values.get("empty"), "");
  EXPECT_EQ(values.get("bare"), "");
  EXPECT_EQ(values.get("none"), std::nullopt);
  FormValues again;
  ASSERT_TRUE(parse_form(values.encode(), again));
  EXPECT_EQ(again.all("match[]"), values.all("match[]"));
}

TEST(Form, RefusesWhatGoRefuses) {
  for (const char* text : {"a=%", "a=%4", "a=%zz", "a;b=1"}) {
    FormValues values;
    EXPECT_FALSE(parse_form(text, values)) << text;
  }
}

TEST(Form, BoundsTheNumberOfValues) {
  std::string text;
  for (size_t i = 0; i <= kMaxFormValues; ++i) text += "a&";
  FormValues values;
  EXPECT_EQ(parse_form(text, values).error().code, ErrorCode::kLimit);
}

TEST(Request, FormValuesComeBeforeTheQuerys) {
  HttpRequest request;
  request.method = "POST";
  ASSERT_TRUE(set_target(request, "/api/v1/query?query=q&time=1"));
  request.headers.add("Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
  request.body = "query=body";
  EXPECT_EQ(form_values(request)->all("query"), (std::vector<std::string_view>{"body", "q"}));
  request.method = "GET";
  EXPECT_EQ(form_values(request)->all("query"), (std::vector<std::string_view>{"q"}));
}

TEST(Request, TargetsAreDecoded) {
  HttpRequest request;
  ASSERT_TRUE(set_target(request, "/label/a%2Fb%20c?x=%41"));
  EXPECT_EQ(request.path, "/label/a/b c");
  EXPECT_EQ(request.query, "x=%41");
  ASSERT_TRUE(set_target(request, "http://proxy.example/p?q"));
  EXPECT_EQ(request.path, "/p");
  EXPECT_FALSE(set_target(request, "/%00"));
  EXPECT_FALSE(set_target(request, "/%g0"));
}

TEST(Response, IsCompressedWhenAskedFor) {
  const std::string text(5000, 'a');
  for (const auto& [accept, compressed] : std::initializer_list<std::pair<const char*, bool>>{
           {"gzip", true},
           {"deflate, gzip;q=0.5", true},
           {"*", true},
           {"GZIP ; q=1.0", true},
           {"", false},
           {"br", false},
           {"gzip;q=0", false},
           {"gzip;q=0.000, *", false},
       }) {
    HttpRequest request;
    request.headers.add("Accept-Encoding", accept);
    HttpResponse response = text_response(200, text);
    gzip_response(request, response);
    EXPECT_EQ(response.headers.contains("content-encoding"), compressed) << accept;
    EXPECT_EQ(response.headers.value("vary"), "Accept-Encoding");
    EXPECT_EQ(compressed ? *gzip_decompress(response.body, 5000) : response.body, text);
  }
  HttpResponse small = text_response(200, "small");
  gzip_response({.headers = {{"Accept-Encoding", "gzip"}}}, small);
  EXPECT_EQ(small.body, "small");
}

std::string random_text(size_t size) {
  std::mt19937 random(static_cast<unsigned>(size));
  std::string out(size, '\0');
  for (char& c : out) c = static_cast<char>(random() % 64 + (random() % 3) * 64);
  return out;
}

TEST(Gzip, ComesBackWhole) {
  for (const size_t size : {0, 1, 100, 16384, 16385, 1000000}) {
    const std::string text = random_text(size);
    for (const int level : {1, 6, 9}) {
      const std::string packed = gzip_compress(text, level);
      EXPECT_EQ(*gzip_decompress(packed, size), text);
      if (size > 0) {
        EXPECT_EQ(gzip_decompress(packed, size - 1).error().code, ErrorCode::kLimit);
      }
      EXPECT_EQ(
          gzip_decompress(std::string_view(packed).substr(0, packed.size() - 1), size).error().code,
          ErrorCode::kBadData);
    }
  }
}

TEST(Gzip, TakesPiecesAndSeveralMembers) {
  const std::string packed = gzip_compress(random_text(50000)) + gzip_compress("tail");
  const std::string text = random_text(50000) + "tail";
  Gunzip gunzip;
  for (const size_t step : {1, 7, 4096, 1000000}) {
    gunzip.reset();
    std::string out;
    for (size_t at = 0; at < packed.size(); at += step) {
      ASSERT_TRUE(gunzip.feed(std::string_view(packed).substr(at, step), out, 1 << 20));
    }
    EXPECT_TRUE(gunzip.finished());
    EXPECT_EQ(out, text);
  }
}

TEST(Gzip, RefusesGarbageAndBombs) {
  EXPECT_EQ(gzip_decompress("not gzip at all", 100).error().code, ErrorCode::kBadData);
  EXPECT_EQ(gzip_decompress("", 100).error().code, ErrorCode::kBadData);
  const std::string bomb = gzip_compress(std::string(50'000'000, '\0'), 9);
  EXPECT_LT(bomb.size(), 60'000U);
  EXPECT_EQ(gzip_decompress(bomb, 1'000'000).error().code, ErrorCode::kLimit);
}

TEST(Date, IsWrittenAsHttpWritesIt) {
  EXPECT_EQ(http_date(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");  // RFC 9110's example
  EXPECT_EQ(http_date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
}

TEST(BasicAuth, GoesThereAndBack) {
  EXPECT_EQ(basic_authorization("Aladdin:open sesame"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  for (const char* text : {"", "a", "ab", "abc", "abcd\xff"}) {
    EXPECT_EQ(base64_decode(base64_encode(text)), text);
  }
  const auto credentials = basic_credentials({{"Authorization", basic_authorization("me:a:b")}});
  ASSERT_TRUE(credentials);
  EXPECT_EQ(credentials->user, "me");
  EXPECT_EQ(credentials->password, "a:b");
  EXPECT_FALSE(basic_credentials({{"Authorization", "Basic !!!!"}}));
  EXPECT_FALSE(basic_credentials({{"Authorization", "Bearer abcd"}}));
  EXPECT_FALSE(base64_decode("abc"));
}

TEST(Gzip, PiecesAreOneMember) {
  std::mt19937 random(1);
  std::string text;
  std::string packed;
  Gzip gzip;
  for (const size_t size : {0, 1, 100'000, 3, 70'000}) {
    std::string piece(size, '\0');
    for (char& c : piece) c = static_cast<char>('a' + random() % 20);
    gzip.feed(piece, packed);
    text += piece;
  }
  gzip.finish(packed);
  EXPECT_LT(packed.size(), text.size());
  EXPECT_EQ(gzip_decompress(packed, text.size()), text);

  std::string nothing;
  Gzip().finish(nothing);
  EXPECT_EQ(gzip_decompress(nothing, 0), "");
}

}  // namespace
}  // namespace strata::net
