// node_xfs_*: /sys/fs/xfs/<device>/stats/stats.
#include <algorithm>

#include "collect/collectors.h"
#include "collect/fields.h"

namespace strata::collect {
namespace {

struct XfsCounter {
  std::string_view line;  // of the file: a name and numbers
  size_t column;
  std::string_view metric;
  std::string_view help;
};

// What the lines mean: xfs.org, Runtime_Stats.
constexpr XfsCounter kCounters[] = {
    {"extent_alloc", 0, "node_xfs_extent_allocation_extents_allocated_total",
     "Number of extents allocated for a filesystem."},
    {"extent_alloc", 1, "node_xfs_extent_allocation_blocks_allocated_total",
     "Number of blocks allocated for a filesystem."},
    {"extent_alloc", 2, "node_xfs_extent_allocation_extents_freed_total",
     "Number of extents freed for a filesystem."},
    {"extent_alloc", 3, "node_xfs_extent_allocation_blocks_freed_total",
     "Number of blocks freed for a filesystem."},
    {"abt", 0, "node_xfs_allocation_btree_lookups_total",
     "Number of allocation B-tree lookups for a filesystem."},
    {"abt", 1, "node_xfs_allocation_btree_compares_total",
     "Number of allocation B-tree compares for a filesystem."},
    {"abt", 2, "node_xfs_allocation_btree_records_inserted_total",
     "Number of allocation B-tree records inserted for a filesystem."},
    {"abt", 3, "node_xfs_allocation_btree_records_deleted_total",
     "Number of allocation B-tree records deleted for a filesystem."},
    {"blk_map", 0, "node_xfs_block_mapping_reads_total",
     "Number of block map for read operations for a filesystem."},
    {"blk_map", 1, "node_xfs_block_mapping_writes_total",
     "Number of block map for write operations for a filesystem."},
    {"blk_map", 2, "node_xfs_block_mapping_unmaps_total",
     "Number of block unmaps (deletes) for a filesystem."},
    {"blk_map", 3, "node_xfs_block_mapping_extent_list_insertions_total",
     "Number of extent list insertions for a filesystem."},
    {"blk_map", 4, "node_xfs_block_mapping_extent_list_deletions_total",
     "Number of extent list deletions for a filesystem."},
    {"blk_map", 5, "node_xfs_block_mapping_extent_list_lookups_total",
     "Number of extent list lookups for a filesystem."},
    {"blk_map", 6, "node_xfs_block_mapping_extent_list_compares_total",
     "Number of extent list compares for a filesystem."},
    {"bmbt", 0, "node_xfs_block_map_btree_lookups_total",
     "Number of block map B-tree lookups for a filesystem."},
    {"bmbt", 1, "node_xfs_block_map_btree_compares_total",
     "Number of block map B-tree compares for a filesystem."},
    {"bmbt", 2, "node_xfs_block_map_btree_records_inserted_total",
     "Number of block map B-tree records inserted for a filesystem."},
    {"bmbt", 3, "node_xfs_block_map_btree_records_deleted_total",
     "Number of block map B-tree records deleted for a filesystem."},
    {"dir", 0, "node_xfs_directory_operation_lookup_total",
     "Number of file name directory lookups which miss the operating systems directory name lookup "
     "cache."},
    {"dir", 1, "node_xfs_directory_operation_create_total",
     "Number of times a new directory entry was created for a filesystem."},
    {"dir", 2, "node_xfs_directory_operation_remove_total",
     "Number of times an existing directory entry was created for a filesystem."},
    {"dir", 3, "node_xfs_directory_operation_getdents_total",
     "Number of times the directory getdents operation was performed for a filesystem."},
    {"ig", 0, "node_xfs_inode_operation_attempts_total",
     "Number of times the OS looked for an XFS inode in the inode cache."},
    {"ig", 1, "node_xfs_inode_operation_found_total",
     "Number of times the OS looked for and found an XFS inode in the inode cache."},
    {"ig", 2, "node_xfs_inode_operation_recycled_total",
     "Number of times the OS found an XFS inode in the cache, but could not use it as it was being "
     "recycled."},
    {"ig", 3, "node_xfs_inode_operation_missed_total",
     "Number of times the OS looked for an XFS inode in the cache, but did not find it."},
    {"ig", 4, "node_xfs_inode_operation_duplicates_total",
     "Number of times the OS tried to add a missing XFS inode to the inode cache, but found it had "
     "already been added by another process."},
    {"ig", 5, "node_xfs_inode_operation_reclaims_total",
     "Number of times the OS reclaimed an XFS inode from the inode cache to free memory for "
     "another purpose."},
    {"ig", 6, "node_xfs_inode_operation_attribute_changes_total",
     "Number of times the OS explicitly changed the attributes of an XFS inode."},
    {"rw", 1, "node_xfs_read_calls_total",
     "Number of read(2) system calls made to files in a filesystem."},
    {"rw", 0, "node_xfs_write_calls_total",
     "Number of write(2) system calls made to files in a filesystem."},
    {"vnodes", 0, "node_xfs_vnode_active_total",
     "Number of vnodes not on free lists for a filesystem."},
    {"vnodes", 1, "node_xfs_vnode_allocate_total",
     "Number of times vn_alloc called for a filesystem."},
    {"vnodes", 2, "node_xfs_vnode_get_total", "Number of times vn_get called for a filesystem."},
    {"vnodes", 3, "node_xfs_vnode_hold_total", "Number of times vn_hold called for a filesystem."},
    {"vnodes", 4, "node_xfs_vnode_release_total",
     "Number of times vn_rele called for a filesystem."},
    {"vnodes", 5, "node_xfs_vnode_reclaim_total",
     "Number of times vn_reclaim called for a filesystem."},
    {"vnodes", 6, "node_xfs_vnode_remove_total",
     "Number of times vn_remove called for a filesystem."}};

Result<> add_device(Host& host, std::string_view device, std::string_view text) {
  std::vector<double> values(std::size(kCounters), 0);
  std::vector<std::string_view> fields;
  for (Lines lines(text); lines.next();) {
    split_fields(lines.line(), fields);
    if (fields.size() < 2) continue;
    for (size_t i = 0; i < values.size(); ++i) {
      if (kCounters[i].line != fields[0]) continue;
      const size_t column = kCounters[i].column + 1;
      if (column >= fields.size()) return malformed("xfs stats", "a line of too few numbers");
      values[i] = static_cast<double>(TRY(to_uint(fields[column], "xfs stats")));
    }
  }
  for (size_t i = 0; i < values.size(); ++i) {
    host.out.counter(kCounters[i].metric, kCounters[i].help).add(values[i], {{"device", device}});
  }
  return {};
}

}  // namespace

Result<> collect_xfs(Host& host) {
  for (const std::string& device : host.sys.names("fs/xfs")) {
    const auto text = host.sys.read("fs/xfs/" + device + "/stats/stats");
    if (text) TRY(add_device(host, device, *text));
  }
  return {};
}

}  // namespace strata::collect
