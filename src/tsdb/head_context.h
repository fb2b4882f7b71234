// What the parts of the head share. Plain references: Db's state owns all of it.
#pragma once
#include "tsdb/open_tile.h"
#include "tsdb/series_log.h"
#include "tsdb/series_table.h"
#include "tsdb/tile_store.h"
#include "tsdb/wal.h"

namespace strata::tsdb {

struct HeadContext {
  const Options& options;
  SeriesTable& table;
  SeriesLog& series_log;
  Wal& wal;
  TileStore& tiles;
  const OpenTileBytes& open_tile_bytes;
};

}  // namespace strata::tsdb
