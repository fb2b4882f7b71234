// Our own process as every Prometheus client reports it (process_*), read from /proc/self.
#pragma once
#include <string>
#include <vector>

#include "model/metric_family.h"

namespace strata::collect {

/// Appends process_cpu_seconds_total, process_resident_memory_bytes, process_virtual_memory_bytes,
/// process_virtual_memory_max_bytes, process_open_fds, process_max_fds, process_start_time_seconds
/// (names and meaning as client_golang's process collector), process_threads and
/// strata_process_rss_anon_bytes (memory that is ours alone, without mapped files). What cannot be
/// read is left out. Thread-safe.
void collect_self(std::vector<MetricFamily>& out, const std::string& procfs = "/proc");

}  // namespace strata::collect
