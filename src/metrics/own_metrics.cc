#include "metrics/own_metrics.h"

#include "base/build_info.h"
#include "strata/metrics/negotiate.h"

namespace strata::metrics {
void register_build_info(Registry& registry) {
  const BuildInfo& build = build_info();
  registry
      .gauge<"version", "revision", "branch", "compiler">("strata_build_info",
                                                          "The build that is running; always 1.")
      .with(build.version, build.revision, build.branch, build.compiler)
      .set(1);
  // What dashboards of Prometheus ask for. The version is ours: which Prometheus it behaves like is
  // said by /api/v1/status/buildinfo.
  registry
      .gauge<"version", "revision", "branch">("prometheus_build_info",
                                              "The build that is running; always 1.")
      .with(build.version, build.revision, build.branch)
      .set(1);
}

void append_own_metrics(std::string& out, Format format, Registry& registry) {
  registry.expose(out, format);
}

Format negotiate_format(std::string_view accept) { return negotiate(accept, false); }

}  // namespace strata::metrics
