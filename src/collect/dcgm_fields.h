// dcgm-exporter's fields that NVML can answer, and the CSV files in which people say which of them
// they want: "FIELD, type, help" a line, # before a comment.
//
// Names of DCGM 1.x (dcgm_gpu_temp) are understood too, and keep their spelling. Values, sources
// and units: dcgm-exporter's etc/*.csv and DCGM's field reference.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "collect/gpu_reading.h"
#include "model/metadata.h"

namespace strata::collect {

/// One field that can be asked for.
struct DcgmField {
  std::string_view name;      // "DCGM_FI_DEV_GPU_TEMP"
  std::string_view old_name;  // "dcgm_gpu_temp"; empty: 1.x did not have it
  GpuGroup group;
  GpuValue value;
  double factor;  // from GpuValue's unit to the field's
  MetricType type;
  bool on_by_default;
  std::string_view help;
};
std::span<const DcgmField> dcgm_fields();

/// What a file, or the default, asks for.
struct DcgmFieldList {
  struct Metric {
    const DcgmField* field;
    std::string name;  // as it was spelt
    MetricType type;
    std::string help;
  };
  std::vector<Metric> metrics;
  /// Fields that become labels of every metric: DCGM_FI_DRIVER_VERSION.
  std::vector<std::string> labels;
  /// Fields of the file that NVML cannot answer.
  std::vector<std::string> unknown;

  bool empty() const { return metrics.empty(); }
};

/// dcgm-exporter's own default with the ECC counters, SM activity and clock reasons.
DcgmFieldList default_dcgm_fields();

/// kBadData "FILE:LINE: ..." for a line that is not of the format. At most kMaxLines lines.
inline constexpr size_t kMaxDcgmLines = 10'000;
Result<DcgmFieldList> parse_dcgm_fields(std::string_view csv, std::string_view file);

}  // namespace strata::collect
