// What is known of a cluster's objects, kept current by KubeWatches.
//
// One thread. Bound: kMaxObjects of each kind; a list that has more fails.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "discover/kube_objects.h"

namespace strata::discover {

/// Where a watch puts what it learns.
class KubeSink {
 public:
  enum class Change : uint8_t { kAdded, kModified, kDeleted };

  virtual ~KubeSink() = default;
  /// What `watch` said before is true only if it is said again before end_list().
  virtual void begin_list(size_t watch) = 0;
  virtual void list_item(size_t watch, JsonReader& reader) = 0;
  virtual void end_list(size_t watch) = 0;
  /// Returns the object's resource version.
  virtual std::string change(size_t watch, Change change, JsonReader& reader) = 0;
  /// A list brought more than kMaxObjects.
  virtual bool overflowed() const = 0;
};

/// Objects of one kind, by their key. Several watches, one a namespace, may fill it.
template <class T>
class KubeStore final : public KubeSink {
 public:
  static constexpr size_t kMaxObjects = 1'000'000;

  const T* find(const std::string& key) const {
    const auto at = objects_.find(key);
    return at == objects_.end() ? nullptr : &at->second.object;
  }
  template <class Each>
  void each(Each call) const {
    for (const auto& [key, entry] : objects_) call(entry.object);
  }
  size_t size() const { return objects_.size(); }

  void begin_list(size_t watch) override { began_[watch] = ++generation_; }
  void list_item(size_t watch, JsonReader& reader) override {
    T object;
    read(reader, object);
    if (reader.ok()) put(watch, std::move(object));
  }
  void end_list(size_t watch) override {
    std::erase_if(objects_, [&, began = began_[watch]](const auto& item) {
      return item.second.watch == watch && item.second.generation < began;
    });
  }
  std::string change(size_t watch, Change change, JsonReader& reader) override {
    T object;
    read(reader, object);
    if (!reader.ok()) return {};
    std::string version = object.meta.resource_version;
    if (change == Change::kDeleted) {
      objects_.erase(object.meta.key());
    } else {
      put(watch, std::move(object));
    }
    return version;
  }
  bool overflowed() const override { return objects_.size() >= kMaxObjects; }

 private:
  struct Entry {
    T object;
    size_t watch = 0;
    uint64_t generation = 0;  // when it was said last
  };
  void put(size_t watch, T object) {
    std::string key = object.meta.key();
    if (overflowed() && !objects_.contains(key)) return;
    objects_.insert_or_assign(std::move(key), Entry{std::move(object), watch, generation_});
  }

  std::map<std::string, Entry> objects_;
  uint64_t generation_ = 0;           // lists begun so far
  std::map<size_t, uint64_t> began_;  // each watch's last list
};

struct KubeStores {
  KubeStore<KubeNode> nodes;
  KubeStore<KubePod> pods;
  KubeStore<KubeService> services;
  KubeStore<KubeEndpoints> endpoints;
  KubeStore<KubeEndpointSlice> slices;
  KubeStore<KubeIngress> ingresses;
  KubeStore<KubeObject> namespaces;
  KubeStore<KubeObject> replica_sets;
  KubeStore<KubeObject> jobs;
};

}  // namespace strata::discover
