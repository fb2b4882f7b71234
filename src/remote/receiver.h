// Remote write in: requests of Prometheus' remote-write protocol, 1.0 and 2.0, become samples of
// the store.
//
// A request is read series by series: each is looked up once, by its labels, and its samples join
// a batch with their own times. What cannot be stored is left out, counted and told to the sender
// with 400, which does not send it again; the rest of the request is stored. Only what a later try
// may store is answered with 5xx, and sending that again stores nothing twice: a sample that is
// there already with the same value is dropped silently.
//
// Owned by app/, called by api/. Thread-safe: requests are independent of each other. Bounds:
// kMaxDecoded bytes a request, kMaxFamilies of metadata.
// Source: https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/
#pragma once
#include <cstddef>
#include <map>
#include <string>
#include <string_view>

#include "base/mutex.h"
#include "model/metadata.h"
#include "strata/metrics.h"
#include "tsdb/db.h"
#include "wire/remote_write.h"

namespace strata::remote {

/// Bytes of a request after decompression; the specification of 2.0 bounds senders by it.
inline constexpr size_t kMaxDecoded = size_t{32} << 20;

struct WriteRequest {
  std::string_view content_type, content_encoding;  // the headers
  std::string_view body;
};

struct WriteAnswer {
  int status = 204;
  std::string message = {};  // why, when it is not 204
  wire::RemoteWriteVersion version = wire::RemoteWriteVersion::k1;
  /// Of the request, what is stored now: the X-Prometheus-Remote-Write-*-Written headers of 2.0.
  size_t samples = 0;
  size_t histograms = 0;
  size_t exemplars = 0;
};

class Receiver {
 public:
  static constexpr size_t kMaxFamilies = 20'000;
  using Families = std::map<std::string, Metadata, std::less<>>;

  /// `db` and `registry` outlive it.
  Receiver(tsdb::Db& db, metrics::Registry& registry);

  WriteAnswer write(const WriteRequest& request);
  /// What senders said of metric families; the last word counts.
  Families families() const;

 private:
  class Intake;
  void learn(std::string_view family, MetricType type, std::string_view help,
             std::string_view unit);

  tsdb::Db& db_;
  metrics::Family<metrics::Counter, "version">& requests_;
  metrics::Family<metrics::Counter, "type">& stored_;
  metrics::Family<metrics::Counter, "reason">& refused_;
  mutable Mutex mutex_;
  Families families_ GUARDED_BY(mutex_);
};

}  // namespace strata::remote
