// Who answers queries: the store with the peers of remote_read, a backend, or nobody.
#include "app/server.h"
#include "config/url.h"

namespace strata::app {

/// What --forward-only would not do may not be asked for.
Result<> Server::check_source(const config::Config& config, const config::StrataConfig& own) const {
  if (source_ != nullptr && own.query.backend != strata_config_.get()->query.backend) {
    log_warn("query.backend has changed; that takes effect with the next start");
  }
  if (!options_.forward_only) return {};
  if (config.remote_write.empty()) {
    return bad_data("--forward-only sends to the targets of remote_write, and there are none");
  }
  if (!config.rule_files.empty()) {
    return bad_data("--forward-only evaluates no rules; take rule_files out, or the flag");
  }
  if (!own.query.backend.url.empty()) {
    return bad_data("--forward-only answers no queries; take query.backend out, or the flag");
  }
  return {};
}

void Server::choose_source() {
  const auto fetch = [client = client_.get()](auto request, auto done) {
    client->fetch(std::move(request), std::move(done));
  };
  const auto& backend = strata_config_.get()->query.backend;
  merged_ = std::make_unique<remote::MergedSource>(*db_);
  set_read_peers();
  source_ = merged_.get();
  if (options_.forward_only) {
    std::string why = "this server only forwards (--forward-only); ask where it sends to:";
    for (const auto& target : config_.get()->remote_write) {
      why += " " + config::redact_url(target.url);
    }
    no_queries_ = std::make_unique<remote::NoQueries>(std::move(why));
    source_ = no_queries_.get();
  } else if (!backend.url.empty()) {
    backend_ = std::make_unique<remote::QueryBackend>(
        remote::QueryBackendDeps{
            .fetch = fetch, .fs = real_fs(), .clock = clock_, .registry = registry_},
        backend);
    source_ = backend_.get();
    log_info("queries go to a backend", {{"url", config::redact_url(backend.url)}});
  }
}

void Server::set_read_peers() {
  const auto config = config_.get();
  std::vector<remote::RemoteReader> peers;
  for (const auto& peer : config->remote_read) {
    peers.emplace_back(
        remote::RemoteReaderDeps{.fetch =
                                     [client = client_.get()](auto request, auto done) {
                                       client->fetch(std::move(request), std::move(done));
                                     },
                                 .fs = real_fs(),
                                 .clock = clock_,
                                 .registry = registry_},
        peer, config->global.external_labels);
  }
  merged_->set_peers(std::move(peers));
}

}  // namespace strata::app
