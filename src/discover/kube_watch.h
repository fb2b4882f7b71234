// Keeps the objects of one kind, in one namespace or all, as the API server has them: lists them in
// pages, then watches from the list's resource version on, and lists anew when the server no longer
// knows that version (410 Gone).
//
// One thread polls; responses come on the network's thread, into memory shared with it. Bounds: a
// page of kPageSize objects and kMaxPageBytes; kMaxUnread bytes of a watch that nobody polled.
#pragma once
#include <chrono>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "discover/answer_box.h"
#include "discover/kube_store.h"
#include "discover/metrics.h"
#include "discover/peer_client.h"

namespace strata::discover {

class KubeWatch {
 public:
  static constexpr int kPageSize = 500;
  static constexpr size_t kMaxPageBytes = size_t{256} << 20;
  static constexpr size_t kMaxUnread = size_t{64} << 20;
  /// How long the server is asked to hold a watch; it also bounds how long a connection that died
  /// without a word goes unnoticed.
  static constexpr std::chrono::seconds kWindow{120};
  static constexpr std::chrono::seconds kListTimeout{60};
  static constexpr std::chrono::seconds kMinBackoff{1};
  static constexpr std::chrono::seconds kMaxBackoff{30};

  struct What {
    std::string url;  // of the list, without a query
    std::string label_selector = {};
    std::string field_selector = {};
    std::string role;  // in kubernetes_events_total
  };

  /// All outlive this. `id`: of the watch among those of `sink`.
  KubeWatch(What what, size_t id, const PeerClient& client, KubeSink& sink, const Clock& clock,
            Metrics& metrics);
  ~KubeWatch();  // gives up what is under way
  KubeWatch(const KubeWatch&) = delete;
  KubeWatch& operator=(const KubeWatch&) = delete;

  /// Takes what has come and asks for what is due; never waits. Whether the sink changed.
  bool poll();
  /// The first list is complete.
  bool synced() const { return synced_; }
  /// What went wrong last; empty when all is well.
  const std::string& error() const { return error_; }

 private:
  enum class State : uint8_t { kIdle, kListing, kWatching };
  class Stream;

  void ask_for_page();
  void ask_for_changes();
  bool take_page();
  bool take_changes();
  bool read_page(const std::string& body);
  bool read_change(std::string_view line);
  void watch_ended(const Result<net::ClientResponse>& response);
  net::ClientRequest request(const net::FormValues& query) const;
  /// Lists anew, at once or when the pause of a failure is over.
  void list_anew(bool at_once);
  void failed(std::string what);

  const What what_;
  const size_t id_;
  const PeerClient& client_;
  KubeSink& sink_;
  const Clock& clock_;
  Metrics& metrics_;
  std::stop_source stop_;

  State state_ = State::kIdle;
  bool synced_ = false;
  std::string error_;
  std::chrono::nanoseconds not_before_{0};  // the next request
  std::chrono::nanoseconds backoff_ = kMinBackoff;
  std::string continue_;  // the next page's token; empty: the first page
  std::string version_;   // up to which all is known; empty: to be listed
  std::shared_ptr<AnswerBox<net::ClientResponse>> page_;
  std::shared_ptr<Stream> stream_;
  std::string unread_;  // of the watch: an incomplete line
};

}  // namespace strata::discover
