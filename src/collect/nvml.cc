#include "collect/nvml.h"

#include <dlfcn.h>

#include <array>
#include <utility>

namespace strata::collect {
namespace {

// Codes are nvmlReturn_t's; what to do about each is in docs/agent.md.
constexpr std::pair<nvml::Return, std::string_view> kErrors[] = {
    {1, "NVML was not initialised"},
    {2, "NVML refused an argument"},
    {3, "not supported by this GPU"},
    {4, "no permission"},
    {6, "not found"},
    {7, "NVML wants a larger buffer"},
    {8, "a power cable of the GPU is not attached"},
    {9, "the NVIDIA driver is not loaded"},
    {10, "the driver did not answer in time"},
    {11, "the GPU has an interrupt problem"},
    {12, "NVML was not found"},
    {13, "the driver is too old for this"},
    {14, "the GPU's infoROM is corrupted"},
    {15, "the GPU is lost: it fell off the bus"},
    {16, "the GPU must be reset"},
    {17, "the operating system blocks the GPU's device files"},
    {18, "driver and NVML library are of different versions"},
    {19, "the GPU is in use"},
    {20, "NVML is out of memory"},
    {21, "no data yet"},
    {23, "the driver is out of resources"},
    {25, "NVML does not know this version of a structure"},
    {26, "this driver no longer has it"},
    {27, "the GPU is not ready"},
    {28, "there is no GPU"},
    {29, "the GPU is in a state in which that cannot be asked"},
    {999, "the driver reports an internal error"},
};

}  // namespace

std::string_view nvml_error(nvml::Return code) {
  for (const auto& [known, words] : kErrors) {
    if (known == code) return words;
  }
  return "the driver reports an error that Strata does not know";
}

NvmlLibrary::~NvmlLibrary() {
  if (handle_ != nullptr) ::dlclose(handle_);
}

Result<std::unique_ptr<NvmlLibrary>> NvmlLibrary::load(const std::string& path, NvmlCall& current) {
  std::unique_ptr<NvmlLibrary> library(new NvmlLibrary());
  current.function.store("dlopen", std::memory_order_relaxed);
  library->handle_ = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  current.function.store(nullptr, std::memory_order_relaxed);
  if (library->handle_ == nullptr) {
    const char* why = ::dlerror();
    std::string reason = why == nullptr ? path + " cannot be loaded" : why;
    const bool absent = reason.contains("No such file");
    return fail(absent ? ErrorCode::kNotFound : ErrorCode::kIo, std::move(reason));
  }
#define STRATA_NVML_RESOLVE(name, function, parameters)                                   \
  library->name.pointer =                                                                 \
      reinterpret_cast<nvml::Return(*) parameters>(::dlsym(library->handle_, #function)); \
  library->name.symbol = #function;                                                       \
  library->name.current = &current;
  STRATA_NVML_FUNCTIONS(STRATA_NVML_RESOLVE)
#undef STRATA_NVML_RESOLVE
  if (!library->init || !library->device_count || !library->device_by_index || !library->uuid) {
    return fail(ErrorCode::kIo, path + " is not NVIDIA's management library");
  }
  return library;
}

}  // namespace strata::collect
