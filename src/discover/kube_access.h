// How to reach a cluster's API: from inside a pod, by a kubeconfig file, or as the job says.
#pragma once
#include <functional>
#include <optional>
#include <string>

#include "base/fs.h"
#include "base/result.h"
#include "config/config.h"
#include "config/load.h"

namespace strata::discover {

struct KubeAccess {
  std::string server;  // its URL, without a slash at the end
  config::HttpClientConfig http;
  std::string own_namespace;  // the pod's; empty outside of one
};

/// Where a pod finds its service account.
inline constexpr std::string_view kServiceAccountDir =
    "/var/run/secrets/kubernetes.io/serviceaccount";

/// Errors: kUnavailable when this is no pod and the job names no server; kBadData for a kubeconfig
/// that cannot be used, saying why; the file system's.
Result<KubeAccess> kube_access(const config::KubernetesSdConfig& config, Fs& fs,
                               const config::Environment& environment = config::process_environment,
                               std::string_view service_account_dir = kServiceAccountDir);

/// The current context of a kubeconfig's text. Files that it names are relative to `dir`. Plugins
/// (exec, auth-provider) are not run: kBadData.
Result<KubeAccess> parse_kubeconfig(std::string_view text, std::string_view file_name,
                                    std::string_view dir);

}  // namespace strata::discover
