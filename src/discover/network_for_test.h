// For tests: the network that providers ask, answered by hand.
#pragma once
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "discover/discovery.h"

namespace strata::discover {

inline net::ClientResponse json_answer(std::string body, int status = 200) {
  net::ClientResponse response;
  response.status = status;
  response.headers.set("Content-Type", "application/json");
  response.body = std::move(body);
  return response;
}

/// Keeps requests until the test answers them.
class FakeHttp {
 public:
  struct Request {
    net::ClientRequest sent;
    net::HttpClient::Callback done;
  };

  HttpFetch fetch() {
    return [this](net::ClientRequest request, net::HttpClient::Callback done) {
      urls.push_back(request.url);
      waiting.push_back({std::move(request), std::move(done)});
    };
  }
  /// Answers the request that waits longest.
  void answer(Result<net::ClientResponse> response) {
    ASSERT_FALSE(waiting.empty()) << "nothing was asked";
    Request request = std::move(waiting.front());
    waiting.pop_front();
    request.done(std::move(response));
  }

  std::deque<Request> waiting;
  std::vector<std::string> urls;  // of all requests so far
};

}  // namespace strata::discover
