// What a template computes with: Go's values as far as templates of alerts and notifications see
// them. Values are immutable and cheap to copy (lists, maps and objects are shared), and safe to
// read from any thread.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

namespace strata::templates {

class Value;
using List = std::vector<Value>;

/// A map with text keys; ranging over it goes by key, as in Go. `absent` is what a missing key
/// reads as: the zero value of Go's element type ("" of map[string]string, nil of map[string]any).
struct Map;

/// A struct with methods: alerts, key-value pairs, what a program of ours shows to templates.
class Object {
 public:
  virtual ~Object() = default;
  /// Field or method `name`, called with `arguments`. Error: kNotFound when there is none.
  virtual Result<Value> member(std::string_view name, std::span<const Value> arguments) const = 0;
  /// As Go's %v prints it.
  virtual std::string text() const = 0;
  /// As toJson writes it.
  virtual std::string json() const;
  /// As Go's %T prints it.
  virtual std::string_view type_name() const = 0;
  /// What `range`, `len` and `index` see when the object is a list with methods; null otherwise.
  virtual const List* elements() const { return nullptr; }
  /// The same for an object that is a map with methods; a method hides a key of its name.
  virtual const Map* mapping() const { return nullptr; }
};

/// An instant, and the zone in which it is shown.
struct Time {
  int64_t nanoseconds = 0;  // since the Unix epoch
  int32_t offset = 0;       // of the zone, in seconds east of UTC
  /// As time.Time's zero value: "0001-01-01", before what nanoseconds reach.
  bool zero = false;
  friend bool operator==(const Time&, const Time&) = default;
};
struct Duration {
  int64_t nanoseconds = 0;
  friend bool operator==(const Duration&, const Duration&) = default;
};

class Value {
 public:
  using ListPtr = std::shared_ptr<const List>;
  using MapPtr = std::shared_ptr<const Map>;
  using ObjectPtr = std::shared_ptr<const Object>;
  using Data = std::variant<std::monostate, bool, int64_t, double, std::string, ListPtr, MapPtr,
                            ObjectPtr, Time, Duration>;

  Value() = default;                                    // nil
  Value(bool v) : data_(v) {}                           // NOLINT: these are meant to convert
  Value(int64_t v) : data_(v) {}                        // NOLINT
  Value(double v) : data_(v) {}                         // NOLINT
  Value(std::string v) : data_(std::move(v)) {}         // NOLINT
  Value(std::string_view v) : data_(std::string(v)) {}  // NOLINT
  Value(const char* v) : data_(std::string(v)) {}       // NOLINT
  Value(List v);                                        // NOLINT
  Value(Map v);                                         // NOLINT
  Value(ObjectPtr v) : data_(std::move(v)) {}           // NOLINT
  Value(Time v) : data_(v) {}                           // NOLINT
  Value(Duration v) : data_(v) {}                       // NOLINT

  const Data& data() const { return data_; }
  bool is_nil() const { return std::holds_alternative<std::monostate>(data_); }
  /// Null when the value is of another type.
  template <class T>
  const T* as() const {
    return std::get_if<T>(&data_);
  }
  /// The elements of a list or of an object that is one; null otherwise.
  const List* list() const;
  /// Of a map, or of an object that is one; null otherwise.
  const Map* map() const;

  /// Whether `if` takes it for true: not the type's zero, not empty.
  bool truth() const;
  /// As Go's %T: "string", "float64", "map[string]string", …; "<nil>".
  std::string type_name() const;

 private:
  Data data_;
};

struct Map {
  std::map<std::string, Value, std::less<>> entries;
  Value absent;
};

inline Value::Value(List v) : data_(std::make_shared<const List>(std::move(v))) {}
inline Value::Value(Map v) : data_(std::make_shared<const Map>(std::move(v))) {}

}  // namespace strata::templates
