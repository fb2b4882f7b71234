// The handles that writers hold instead of labels.
#pragma once
#include <cstdint>

namespace strata::tsdb {

/// A series of the head. Dense, never reused while the process lives.
enum class SeriesId : uint32_t {};
/// A scrape target: the owner of tiles. Dense, never reused while the process lives.
enum class TargetId : uint32_t {};

inline constexpr uint32_t index_of(SeriesId id) { return static_cast<uint32_t>(id); }
inline constexpr uint32_t index_of(TargetId id) { return static_cast<uint32_t>(id); }

}  // namespace strata::tsdb
