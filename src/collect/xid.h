// What an Xid code means, for the codes that matter to who runs inference: NVIDIA's "XID errors"
// catalogue (docs.nvidia.com/deploy/xid-errors), in our words.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>

namespace strata::collect {

struct Xid {
  uint32_t code;
  std::string_view meaning;
  /// The GPU, its memory, its links or its firmware failed, not a program: these are counted from
  /// 0, so that the first one shows in increase().
  bool hardware;
};
std::span<const Xid> known_xids();

/// "unknown" for a code that is not in the table, "none" for 0.
std::string_view xid_meaning(uint32_t code);

}  // namespace strata::collect
