// The gateway: listens where applications look for an OpenAI-compatible API, has engines answer,
// and meters what passes. Bytes in are bytes out, but for usage that it asks for on its own and
// takes out again (usage_request.h, sse_relay.h).
//
// Owned by app/. It lives on one Loop's thread; start(), reload(), refresh() and stop() are called
// from another (they wait for files and for the loop). Bounds: GatewayConfig's.
#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "base/fs.h"
#include "base/result.h"
#include "config/gateway_config.h"
#include "net/loop.h"

namespace strata::gateway {

class Gateway {
 public:
  /// Listens. The loop must be running, and outlive this. Error: kBadData for files that do not
  /// load, kConflict for a port in use, kIo.
  static Result<std::unique_ptr<Gateway>> start(net::Loop& loop,
                                                const config::GatewayConfig& config,
                                                Fs& fs = real_fs());
  ~Gateway();  // stop(0)
  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;

  /// "127.0.0.1:8080", with the port it got.
  std::string address() const;
  uint16_t port() const;

  /// Requests that come from now on are served by `config`; those under way by what they began
  /// with. Where it listens, its TLS and its ledger stay as they were. Error: as start(); then
  /// nothing changed.
  Result<> reload(const config::GatewayConfig& config);
  /// Reads the files of tenants and prices again when they changed; to be called every few seconds.
  Result<> refresh();

  /// Accepts no more, closes idle connections, waits up to `grace` for requests under way, then
  /// cuts them. Once.
  void stop(std::chrono::milliseconds grace);

 private:
  class Impl;
  explicit Gateway(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace strata::gateway
