#include "net/proxy.h"

#include <gtest/gtest.h>

#include <map>

namespace strata::net {
namespace {

Url url_of(std::string_view text) {
  auto url = parse_url(text);
  EXPECT_TRUE(url);
  return url ? *url : Url{};
}

TEST(Proxy, ExceptionsAreAddressesNetworksAndDomains) {
  struct Case {
    std::string_view url, no_proxy;
    bool bypasses;
  };
  for (const Case& c : {Case{"http://a.example.com/", "", false},
                        Case{"http://a.example.com/", "*", true},
                        Case{"http://a.example.com/", "example.com", true},
                        Case{"http://example.com/", "example.com", true},
                        Case{"http://notexample.com/", "example.com", false},
                        Case{"http://example.com/", ".example.com", false},
                        Case{"http://a.example.com/", ".example.com", true},
                        Case{"http://a.example.com/", "*.example.com", true},
                        Case{"http://A.Example.com/", " x , EXAMPLE.com ", true},
                        Case{"http://a:81/", "a:81", true},
                        Case{"http://a:82/", "a:81", false},
                        Case{"https://a/", "a:443", true},
                        Case{"http://10.1.2.3/", "10.1.2.3", true},
                        Case{"http://10.1.2.3/", "10.0.0.0/8", true},
                        Case{"http://11.1.2.3/", "10.0.0.0/8", false},
                        Case{"http://10.1.2.3/", "10.1.2.3:80", true},
                        Case{"http://10.1.2.3/", "10.1.2.3:81", false},
                        Case{"http://10.1.2.3/", "0.0.0.0/0", true},
                        Case{"http://10.1.2.3/", "10.0.0.0/99", false},
                        Case{"http://[fd00::1]/", "fd00::/8", true},
                        Case{"http://[fd00::1]/", "[fd00::1]:80", true},
                        Case{"http://[fe80::1]/", "fd00::/8", false},
                        Case{"http://localhost/", "", true},
                        Case{"http://127.9.9.9/", "", true},
                        Case{"http://[::1]/", "", true}}) {
    EXPECT_EQ(bypasses_proxy(url_of(c.url), c.no_proxy), c.bypasses) << c.url << " " << c.no_proxy;
  }
}

TEST(Proxy, TheEnvironmentNamesOneForEachScheme) {
  std::map<std::string, std::string> variables = {{"http_proxy", "plain:3128"},
                                                  {"HTTPS_PROXY", "http://secure:3129"},
                                                  {"https_proxy", "http://unused"},
                                                  {"NO_PROXY", "inside"}};
  const auto read = [&](const char* name) -> std::optional<std::string> {
    const auto at = variables.find(name);
    return at == variables.end() ? std::nullopt : std::optional(at->second);
  };
  const auto host_for = [&](std::string_view url) {
    const auto proxy = proxy_for(url_of(url), {.from_environment = true}, read);
    EXPECT_TRUE(proxy);
    return proxy && *proxy ? (*proxy)->authority() : "";
  };
  EXPECT_EQ(host_for("http://a/"), "plain:3128");
  EXPECT_EQ(host_for("https://a/"), "secure:3129");
  EXPECT_EQ(host_for("https://inside/"), "");
  EXPECT_EQ(host_for("http://127.0.0.1/"), "");
}

TEST(Proxy, OneNamedWithoutExceptionsServesLoopbackToo) {
  const auto proxy = proxy_for(url_of("http://localhost/"), {.url = "http://p:1"});
  ASSERT_TRUE(proxy && *proxy);
  EXPECT_FALSE(proxy_for(url_of("http://a/"), {.url = "socks5://p:1"}));
}

}  // namespace
}  // namespace strata::net
