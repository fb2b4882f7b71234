// libnvidia-ml.so.1, loaded when it is there: a function pointer for each entry point, null where
// the driver is too old to have it. call() turns a missing one into kFunctionNotFound, and notes
// which function the caller is in, so that a driver that hangs can be named.
//
// Owned by the thread that makes the calls (gpu_reader.h); `current` alone may be read elsewhere.
#pragma once
#include <atomic>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "collect/nvml_abi.h"

namespace strata::collect {

/// What went wrong, in words: "the GPU is lost (it fell off the bus)". Never empty.
std::string_view nvml_error(nvml::Return code);

/// Which driver call is under way: null when none is. Outlives whoever hangs in it.
struct NvmlCall {
  std::atomic<const char*> function{nullptr};
  std::atomic<int> gpu{-1};  // index, -1 for the driver as a whole
};

class NvmlLibrary {
 public:
  /// kNotFound when there is no such library; kIo when it does not load or lacks what all versions
  /// have. `path` is a file, or a name that the dynamic linker looks for.
  static Result<std::unique_ptr<NvmlLibrary>> load(const std::string& path, NvmlCall& current);
  ~NvmlLibrary();
  NvmlLibrary(const NvmlLibrary&) = delete;
  NvmlLibrary& operator=(const NvmlLibrary&) = delete;

  template <class... Parameters>
  struct Function {
    nvml::Return operator()(auto... arguments) const {
      if (pointer == nullptr) return nvml::kFunctionNotFound;
      current->function.store(symbol, std::memory_order_relaxed);
      const nvml::Return result = pointer(arguments...);
      current->function.store(nullptr, std::memory_order_relaxed);
      return result;
    }
    explicit operator bool() const { return pointer != nullptr; }

    nvml::Return (*pointer)(Parameters...) = nullptr;
    const char* symbol = nullptr;
    NvmlCall* current = nullptr;
  };

 private:
  template <class>
  struct FunctionOf;
  template <class... Parameters>
  struct FunctionOf<void(Parameters...)> {
    using Type = Function<Parameters...>;
  };
  NvmlLibrary() = default;
  void* handle_ = nullptr;

 public:
#define STRATA_NVML_MEMBER(name, symbol, parameters) FunctionOf<void parameters>::Type name;
  STRATA_NVML_FUNCTIONS(STRATA_NVML_MEMBER)
#undef STRATA_NVML_MEMBER
};

}  // namespace strata::collect
