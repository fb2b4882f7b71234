// The URL of a scrape, escaped as Go's net/url does it.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace strata::discover {

/// Values by name, in the order of the query.
using QueryValues = std::map<std::string, std::vector<std::string>>;

/// `path` is escaped where needed and gets its leading slash. No query, no question mark.
std::string make_url(std::string_view scheme, std::string_view host, std::string_view path,
                     const QueryValues& query);

}  // namespace strata::discover
