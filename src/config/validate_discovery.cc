// file_sd, http_sd, dns_sd and kubernetes_sd: one part of validate.h.
#include <algorithm>
#include <array>
#include <set>

#include "config/fields.h"
#include "config/glob.h"
#include "config/url.h"
#include "config/validate.h"

namespace strata::config {
namespace {

/// A * at most in the last path component, and an ending that says what is in the file.
bool is_target_file_pattern(std::string_view path) {
  static constexpr std::array<std::string_view, 6> kEndings = {".json", ".yml", ".yaml",
                                                               ".JSON", ".YML", ".YAML"};
  if (!star_only_in_last_component(path)) return false;
  return std::ranges::any_of(kEndings, [&](std::string_view e) { return path.ends_with(e); });
}

using enum KubernetesRole;

/// Which selectors a role can have.
std::vector<KubernetesRole> selector_roles(KubernetesRole role) {
  switch (role) {
    case kPod: return {kPod, kNode};
    case kEndpoints: return {kPod, kService, kEndpoints};
    case kEndpointSlice: return {kPod, kService, kEndpointSlice};
    default: return {role};
  }
}

bool is_selector_name(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == '/';
  });
}

std::string_view trim(std::string_view text) {
  const size_t start = text.find_first_not_of(' ');
  if (start == std::string_view::npos) return {};
  return text.substr(start, text.find_last_not_of(' ') - start + 1);
}

/// Splits at commas outside parentheses.
std::vector<std::string_view> split_terms(std::string_view text) {
  std::vector<std::string_view> terms;
  size_t start = 0;
  int depth = 0;
  for (size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && text[i] == '(') ++depth;
    if (i < text.size() && text[i] == ')') --depth;
    if (i < text.size() && (text[i] != ',' || depth > 0)) continue;
    terms.push_back(trim(text.substr(start, i - start)));
    start = i + 1;
  }
  return terms;
}

/// key=value, key==value or key!=value (Kubernetes' fields.ParseSelector).
bool is_field_term(std::string_view term) {
  const size_t operation = term.find_first_of("=!");
  if (operation == std::string_view::npos || operation == 0) return false;
  return term[operation] == '=' || term.substr(operation).starts_with("!=");
}

/// Also key, !key, key in (a,b), key notin (a,b), key>1 (Kubernetes' labels.Parse).
bool is_label_term(std::string_view term) {
  if (term.starts_with('!')) return is_selector_name(trim(term.substr(1)));
  const size_t end = term.find_first_of(" =!<>");
  if (!is_selector_name(term.substr(0, end))) return false;
  if (end == std::string_view::npos) return true;
  const std::string_view rest = trim(term.substr(end));
  for (const std::string_view word : {"in", "notin"}) {
    if (!rest.starts_with(word)) continue;
    const std::string_view set = trim(rest.substr(word.size()));
    return set.starts_with('(') && set.ends_with(')');
  }
  return rest.starts_with('=') || rest.starts_with("!=") || rest.starts_with('<') ||
         rest.starts_with('>');
}

void check_selector(Decoder& d, const YamlNode& node, const KubernetesSelector& selector) {
  if (!selector.field.empty()) {
    for (const std::string_view term : split_terms(selector.field)) {
      if (term.empty() || is_field_term(term)) continue;
      d.fail(mark_of(node, "field"),
             fmt::format("field selector \"{}\": a term is key=value or key!=value", term));
    }
  }
  if (!selector.label.empty()) {
    for (const std::string_view term : split_terms(selector.label)) {
      if (is_label_term(term)) continue;
      d.fail(mark_of(node, "label"), fmt::format("label selector \"{}\" is not understood", term));
    }
  }
}

void check_selectors(Decoder& d, const YamlNode& node, const KubernetesSdConfig& c) {
  const YamlEntry* list = node.find("selectors");
  if (list == nullptr) return;
  const std::vector<KubernetesRole> allowed = selector_roles(c.role);
  std::set<KubernetesRole> seen;
  for (size_t i = 0; i < c.selectors.size(); ++i) {
    const YamlNode& item = list->value.items[i];
    const KubernetesRole role = c.selectors[i].role;
    if (!seen.insert(role).second) {
      d.fail(mark_of(item, "role"), fmt::format("a second selector for {}", to_string(role)));
    }
    if (std::ranges::find(allowed, role) == allowed.end()) {
      std::vector<std::string_view> names;
      for (const KubernetesRole one : allowed) names.push_back(to_string(one));
      d.fail(mark_of(item, "role"), fmt::format("role {} takes selectors for {} only",
                                                to_string(c.role), joined(names, ", ")));
    }
    check_selector(d, item, c.selectors[i]);
  }
}

}  // namespace

void check(Decoder& d, const YamlNode& node, FileSdConfig& c) {
  if (c.files.empty()) d.fail(mark_of(node, "files"), "file_sd_configs needs files");
  for (size_t i = 0; i < c.files.size(); ++i) {
    if (is_target_file_pattern(c.files[i])) continue;
    d.fail(node.find("files")->value.items[i].mark,
           fmt::format("\"{}\": a target file ends in .json, .yml or .yaml, and a * stands in its "
                       "last path component only",
                       c.files[i]));
  }
}

void check(Decoder& d, const YamlNode& node, HttpSdConfig& c) {
  const UrlParts url = split_url(c.url);
  if (url.scheme != "http" && url.scheme != "https") {
    d.fail(mark_of(node, "url"),
           "http_sd_configs needs a url that starts with http:// or https://");
  } else if (url.host.empty()) {
    d.fail(mark_of(node, "url"), fmt::format("url \"{}\" has no host", redact_url(c.url)));
  }
  check_http_client(d, node, c.http);
}

void check(Decoder& d, const YamlNode& node, DnsSdConfig& c) {
  if (c.names.empty()) d.fail(mark_of(node, "names"), "dns_sd_configs needs names");
  if (c.type != DnsRecordType::kSrv && c.port == 0) {
    d.fail(mark_of(node, "port"),
           fmt::format("dns_sd_configs with {} records needs a port", name_of(c.type)));
  }
}

void check(Decoder& d, const YamlNode& node, KubernetesSdConfig& c) {
  check_http_client(d, node, c.http);
  if (d.failed()) return;
  const bool has_api_server = is_given(node, "api_server");
  const bool has_kubeconfig = !c.kubeconfig_file.empty();
  const bool custom_http = c.http != HttpClientConfig{};
  if (c.role == kUnset) {
    return d.fail(node.mark,
                  "kubernetes_sd_configs needs a role: node, pod, service, endpoints, "
                  "endpointslice or ingress");
  }
  if (has_api_server && has_kubeconfig) {
    d.fail(mark_of(node, "kubeconfig_file"), "api_server and kubeconfig_file exclude each other");
  } else if (has_kubeconfig && custom_http) {
    d.fail(node.mark, "kubeconfig_file says how to connect: no HTTP client settings beside it");
  } else if (!has_api_server && custom_http) {
    d.fail(node.mark, "HTTP client settings need api_server");
  }
  if (c.namespaces.own_namespace && (has_api_server || has_kubeconfig)) {
    d.fail(mark_of(node, "namespaces"),
           fmt::format("own_namespace needs the pod's service account: not with {}",
                       has_api_server ? "api_server" : "kubeconfig_file"));
  }
  check_selectors(d, node, c);
}

}  // namespace strata::config
