// Remote read out: one peer of `remote_read` in prometheus.yml, asked for samples that it has and
// the local store may not.
//
// Thread-safe; the caller's thread waits for the answer, at most remote_timeout and no longer than
// until `stop`. Bound: kMaxAnswer bytes an answer, decompressed.
// Source: storage/remote/{client,read}.go of Prometheus.
#pragma once
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "config/config.h"
#include "discover/peer_client.h"
#include "model/matcher.h"
#include "strata/metrics.h"
#include "wire/remote_read.h"

namespace strata::remote {

struct RemoteReaderDeps {
  discover::HttpFetch fetch;
  Fs& fs;
  const Clock& clock;
  metrics::Registry& registry;
};

class RemoteReader {
 public:
  static constexpr size_t kMaxAnswer = size_t{256} << 20;

  RemoteReader(RemoteReaderDeps deps, config::RemoteReadConfig config, Labels external_labels);

  /// Whether the peer is to be asked for such series, and for which part of `range`; samples since
  /// `local_since` are here. None: it has nothing to add.
  std::optional<TimeRange> wanted(std::span<const Matcher> matchers, TimeRange range,
                                  TimestampMs local_since) const;

  /// The series that all of `matchers` select, with their samples in `range`; without the external
  /// labels that were asked for in their name. Errors: kUnavailable, kTimeout, kCanceled, kLimit,
  /// naming the peer.
  Result<std::vector<wire::RemoteReadSeries>> read(std::span<const Matcher> matchers,
                                                   TimeRange range,
                                                   const std::stop_token& stop) const;

 private:
  Result<net::ClientResponse> ask(const wire::RemoteQuery& query,
                                  const std::stop_token& stop) const;

  const RemoteReaderDeps deps_;
  const config::RemoteReadConfig config_;
  const Labels external_labels_;
  const discover::PeerClient client_;
  const std::string shown_url_;
  metrics::Family<metrics::Counter, "remote_name", "url", "code">& queries_;
  metrics::Histogram& duration_;
};

/// The series of an answer in either form; what it says it is decides. Error: kBadData.
Result<std::vector<wire::RemoteReadSeries>> read_answer(std::string_view content_type,
                                                        std::string_view body);

}  // namespace strata::remote
