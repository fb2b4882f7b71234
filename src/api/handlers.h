// The handlers that routes() lists, by file.
#pragma once
#include "api/router.h"

namespace strata::api {

// query_handlers.cc
Result<Reply> query(const Services&, Call&);
Result<Reply> query_range(const Services&, Call&);
Result<Reply> format_query(const Services&, Call&);
Result<Reply> parse_query(const Services&, Call&);
Result<Reply> query_exemplars(const Services&, Call&);

// series_handlers.cc
Result<Reply> label_names(const Services&, Call&);
Result<Reply> label_values(const Services&, Call&);
Result<Reply> series(const Services&, Call&);

// search_handlers.cc
Result<Reply> search_metric_names(const Services&, Call&);
Result<Reply> search_label_names(const Services&, Call&);
Result<Reply> search_label_values(const Services&, Call&);

// target_handlers.cc
Result<Reply> targets(const Services&, Call&);
Result<Reply> alertmanagers(const Services&, Call&);
Result<Reply> targets_metadata(const Services&, Call&);
Result<Reply> metadata(const Services&, Call&);

// scrape_pool_handlers.cc
Result<Reply> scrape_pools(const Services&, Call&);
Result<Reply> scrape_pool_config(const Services&, Call&);
Result<Reply> relabel_steps(const Services&, Call&);

// status_handlers.cc
Result<Reply> status_config(const Services&, Call&);
Result<Reply> status_flags(const Services&, Call&);
Result<Reply> status_runtimeinfo(const Services&, Call&);
Result<Reply> status_buildinfo(const Services&, Call&);
Result<Reply> status_tsdb(const Services&, Call&);
Result<Reply> status_blocks(const Services&, Call&);
Result<Reply> status_walreplay(const Services&, Call&);
Result<Reply> version(const Services&, Call&);

// cardinality_handler.cc
Result<Reply> status_cardinality(const Services&, Call&);

// rule_handlers.cc
Result<Reply> rules(const Services&, Call&);
Result<Reply> alerts(const Services&, Call&);

// self_metrics_handler.cc
Result<Reply> self_metrics(const Services&, Call&);

// operate_handlers.cc
Result<Reply> active_queries(const Services&, Call&);
Result<Reply> stop_query(const Services&, Call&);
Result<Reply> features(const Services&, Call&);
Result<Reply> notifications(const Services&, Call&);
Result<Reply> delete_series(const Services&, Call&);
Result<Reply> clean_tombstones(const Services&, Call&);
Result<Reply> snapshot(const Services&, Call&);
Result<Reply> backup(const Services&, Call&);
Result<Reply> quit(const Services&, Call&);

// federate_handler.cc
Result<Reply> federate(const Services&, Call&);

// remote_handlers.cc
Result<Reply> remote_read(const Services&, Call&);
Result<Reply> remote_write(const Services&, Call&);

// alertmanager_handlers.cc
Result<Reply> am_status(const Services&, Call&);
Result<Reply> am_receivers(const Services&, Call&);
Result<Reply> am_alerts(const Services&, Call&);
Result<Reply> am_groups(const Services&, Call&);
Result<Reply> am_silences(const Services&, Call&);
Result<Reply> am_silence(const Services&, Call&);

// dashboard_handlers.cc
Result<Reply> search_dashboards(const Services&, Call&);
Result<Reply> dashboard(const Services&, Call&);
Result<Reply> dashboard_versions(const Services&, Call&);
Result<Reply> save_dashboard(const Services&, Call&);

// catalog_handler.cc
Result<Reply> catalog_entries(const Services&, Call&);

// annotation_handlers.cc
Result<Reply> annotations(const Services&, Call&);
Result<Reply> annotation(const Services&, Call&);

// oncall_handlers.cc
Result<Reply> incidents(const Services&, Call&);
Result<Reply> incident(const Services&, Call&);
Result<Reply> acknowledge_incident(const Services&, Call&);
Result<Reply> unacknowledge_incident(const Services&, Call&);
Result<Reply> resolve_incident(const Services&, Call&);
Result<Reply> note_incident(const Services&, Call&);
Result<Reply> escalate_incident(const Services&, Call&);
Result<Reply> assign_incident(const Services&, Call&);
Result<Reply> who_is_on_call(const Services&, Call&);
Result<Reply> overrides(const Services&, Call&);
Result<Reply> remove_override(const Services&, Call&);
Result<Reply> audit(const Services&, Call&);
Result<Reply> drill(const Services&, Call&);
Result<Reply> heartbeats(const Services&, Call&);
Result<Reply> heartbeat(const Services&, Call&);

// ack_page.cc
Result<Reply> acknowledge_by_link(const Services&, Call&);

// page_handlers.cc
Result<Reply> healthy(const Services&, Call&);
Result<Reply> ready(const Services&, Call&);
Result<Reply> reload(const Services&, Call&);
Result<Reply> metrics_page(const Services&, Call&);
/// What to do about a shipped alert, in Markdown.
Result<Reply> runbook_page(const Services&, Call&);
Result<Reply> not_here_yet(const Services&, Call&);
/// The web page and what it loads; null when there is no such asset.
std::unique_ptr<net::HttpResponse> asset(const net::HttpRequest& request);

}  // namespace strata::api
