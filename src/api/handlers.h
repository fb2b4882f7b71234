// The handlers that routes() lists, by file.
#pragma once
#include "api/router.h"

namespace strata::api {

// query_handlers.cc
Result<net::HttpResponse> query(const Services&, Call&);
Result<net::HttpResponse> query_range(const Services&, Call&);
Result<net::HttpResponse> format_query(const Services&, Call&);
Result<net::HttpResponse> query_exemplars(const Services&, Call&);

// series_handlers.cc
Result<net::HttpResponse> label_names(const Services&, Call&);
Result<net::HttpResponse> label_values(const Services&, Call&);
Result<net::HttpResponse> series(const Services&, Call&);

// target_handlers.cc
Result<net::HttpResponse> targets(const Services&, Call&);
Result<net::HttpResponse> scrape_pools(const Services&, Call&);
Result<net::HttpResponse> targets_metadata(const Services&, Call&);
Result<net::HttpResponse> metadata(const Services&, Call&);

// status_handlers.cc
Result<net::HttpResponse> status_config(const Services&, Call&);
Result<net::HttpResponse> status_flags(const Services&, Call&);
Result<net::HttpResponse> status_runtimeinfo(const Services&, Call&);
Result<net::HttpResponse> status_buildinfo(const Services&, Call&);
Result<net::HttpResponse> status_tsdb(const Services&, Call&);
Result<net::HttpResponse> status_walreplay(const Services&, Call&);

// operate_handlers.cc
Result<net::HttpResponse> active_queries(const Services&, Call&);
Result<net::HttpResponse> stop_query(const Services&, Call&);
Result<net::HttpResponse> features(const Services&, Call&);
Result<net::HttpResponse> status_blocks(const Services&, Call&);
Result<net::HttpResponse> notifications(const Services&, Call&);
Result<net::HttpResponse> federate(const Services&, Call&);

// page_handlers.cc
Result<net::HttpResponse> healthy(const Services&, Call&);
Result<net::HttpResponse> ready(const Services&, Call&);
Result<net::HttpResponse> reload(const Services&, Call&);
Result<net::HttpResponse> metrics_page(const Services&, Call&);
Result<net::HttpResponse> not_here_yet(const Services&, Call&);
/// The web page and what it loads; null when there is no such asset.
std::unique_ptr<net::HttpResponse> asset(const net::HttpRequest& request);

}  // namespace strata::api
