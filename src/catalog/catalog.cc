#include "catalog/catalog.h"

#include <algorithm>
#include <set>

#include "base/check.h"
#include "base/edit_distance.h"
#include "catalog/reader.h"

namespace strata::catalog {
namespace {

constexpr std::string_view kTotal = "_total";
constexpr std::string_view kSuffixes[] = {"_bucket", "_sum", "_count"};

// ':' and '_' are mistaken for each other more often than any other two characters.
std::string folded(std::string_view text) {
  std::string out(text);
  std::ranges::replace(out, ':', '_');
  std::ranges::transform(out, out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

Error at_line(const Source& source, uint32_t line, std::string_view message) {
  return {ErrorCode::kBadData, fmt::format("{}:{}: {}", source.file, line, message)};
}

bool has_parts(MetricType type) {
  return type == MetricType::kHistogram || type == MetricType::kSummary;
}

// The type that `mapping` makes of `metric`.
MetricType type_made(const Metric& metric, const Mapping& mapping) {
  return mapping.part == Part::kAll ? metric.type : MetricType::kCounter;
}

}  // namespace

std::string_view to_string(Layer layer) {
  switch (layer) {
    case Layer::kGpu: return "gpu";
    case Layer::kEngine: return "engine";
    case Layer::kApp: return "app";
  }
  return "";
}

std::string_view without_suffix(std::string_view series_name) {
  for (const auto suffix : kSuffixes) {
    if (series_name.size() > suffix.size() && series_name.ends_with(suffix)) {
      return series_name.substr(0, series_name.size() - suffix.size());
    }
  }
  return {};
}

Result<Catalog> Catalog::parse(std::span<const CatalogFile> files) {
  Catalog catalog;
  std::vector<SourceFile> alike;
  for (const auto& file : files) {
    auto parsed = TRY(read_file(file));
    for (auto& metric : parsed.canonical) {
      if (catalog.find_canonical(metric.name) != nullptr) {
        return bad_data(fmt::format("{}: {} is defined twice", file.name, metric.name));
      }
      catalog.canonical_.push_back(std::move(metric));
      std::ranges::sort(catalog.canonical_, {}, &CanonicalMetric::name);
    }
    for (auto& source : parsed.sources) {
      std::erase_if(catalog.sources_,
                    [&](const Source& known) { return known.kind == source.source.kind; });
      if (source.like.kind.empty()) {
        catalog.sources_.push_back(std::move(source.source));
      } else {
        alike.push_back(std::move(source));
      }
    }
  }
  for (auto& [source, like, mark] : alike) {
    if (auto added = catalog.add_likeness(like, source); !added) {
      return std::unexpected(at_line(source, mark.line, added.error().message));
    }
    catalog.sources_.push_back(std::move(source));
  }
  if (catalog.sources_.size() > kMaxSources) {
    return fail(ErrorCode::kLimit, fmt::format("{} sources; there is room for {}",
                                               catalog.sources_.size(), kMaxSources));
  }
  TRY(catalog.check());
  catalog.index();
  return catalog;
}

// Gives `source` the metrics of another kind under other names, after its own.
Result<> Catalog::add_likeness(const Likeness& like, Source& source) const {
  const auto* model = find_source(like.kind);
  if (model == nullptr) return bad_data(fmt::format("like: there is no \"{}\"", like.kind));
  if (source.labels.empty()) source.labels = model->labels;
  source.rename.insert(source.rename.end(), model->rename.begin(), model->rename.end());
  source.drop.insert(source.drop.end(), model->drop.begin(), model->drop.end());
  for (const auto& metric : model->metrics) {
    if (!metric.name.starts_with(like.from)) continue;
    Metric copy = metric;
    copy.name = like.to + metric.name.substr(like.from.size());
    if (copy.replaced_by.starts_with(like.from)) {
      copy.replaced_by = like.to + metric.replaced_by.substr(like.from.size());
    }
    if (copy.from.empty()) copy.from = model->from;
    copy.line = 1;
    source.metrics.push_back(copy);
    const bool is_total = copy.type == MetricType::kCounter && copy.name.ends_with(kTotal);
    if (!like.bare_counters || !is_total) continue;
    copy.name.resize(copy.name.size() - kTotal.size());
    source.metrics.push_back(std::move(copy));
  }
  return {};
}

Result<> Catalog::check() const {
  for (const auto& source : sources_) {
    for (const auto& other : source.excludes) {
      if (find_source(other) == nullptr) {
        return std::unexpected(at_line(source, 1, "excludes: there is no \"" + other + "\""));
      }
    }
    std::set<std::string_view> names;
    for (const auto& metric : source.metrics) {
      if (!names.insert(metric.name).second) {
        return std::unexpected(at_line(source, metric.line, metric.name + " is there twice"));
      }
      for (const auto& mapping : metric.to) {
        const auto* canonical = find_canonical(mapping.name);
        if (canonical == nullptr) {
          return std::unexpected(at_line(
              source, metric.line,
              fmt::format("{}: \"{}\" is not a canonical metric", metric.name, mapping.name)));
        }
        if (canonical->type != type_made(metric, mapping) && !mapping.constant &&
            metric.type != MetricType::kInfo) {
          return std::unexpected(at_line(
              source, metric.line,
              fmt::format("{}: a {} cannot become {}, which is a {}", metric.name,
                          to_string(metric.type), canonical->name, to_string(canonical->type))));
        }
      }
    }
  }
  return {};
}

void Catalog::index() {
  for (uint32_t s = 0; s < sources_.size(); ++s) {
    const auto& source = sources_[s];
    const uint64_t bit = 1ull << s;
    for (uint32_t m = 0; m < source.metrics.size(); ++m) {
      const auto& metric = source.metrics[m];
      by_name_.emplace(metric.name, Place{s, m});
      if (metric.until.empty()) {
        by_folded_[folded(metric.name)] = metric.name;
      } else {
        by_folded_.emplace(folded(metric.name), metric.name);
      }
    }
    for (const auto& pattern : source.detect) {
      if (pattern.ends_with('*')) {
        prefixes_.emplace_back(pattern.substr(0, pattern.size() - 1), bit);
      } else {
        exact_[pattern] |= bit;
      }
    }
    uint64_t excludes = 0;
    for (uint32_t other = 0; other < sources_.size(); ++other) {
      const bool named =
          std::ranges::find(source.excludes, sources_[other].kind) != source.excludes.end();
      if (named) excludes |= 1ull << other;
    }
    excludes_.push_back(excludes);
  }
  for (const auto& metric : canonical_) by_folded_.emplace(metric.name, metric.name);
}

const Source* Catalog::find_source(std::string_view kind) const {
  const auto found = std::ranges::find(sources_, kind, &Source::kind);
  return found == sources_.end() ? nullptr : &*found;
}

const CanonicalMetric* Catalog::find_canonical(std::string_view name) const {
  const auto found = std::ranges::lower_bound(canonical_, name, {}, &CanonicalMetric::name);
  return found == canonical_.end() || found->name != name ? nullptr : &*found;
}

std::vector<Found> Catalog::find(std::string_view series_name) const {
  std::vector<Found> found;
  const auto add = [&](std::string_view family, std::string_view suffix) {
    const auto [begin, end] = by_name_.equal_range(family);
    for (auto it = begin; it != end; ++it) {
      const auto& source = sources_[it->second.source];
      const auto& metric = source.metrics[it->second.metric];
      if (!suffix.empty() && !has_parts(metric.type)) continue;
      found.push_back({&source, &metric, suffix});
    }
  };
  add(series_name, "");
  const auto family = without_suffix(series_name);
  if (!family.empty()) add(family, series_name.substr(family.size()));
  return found;
}

uint64_t Catalog::detect(std::string_view series_name) const {
  uint64_t bits = 0;
  for (const auto& [prefix, bit] : prefixes_) {
    if (series_name.starts_with(prefix)) bits |= bit;
  }
  const auto exact = exact_.find(series_name);
  return exact == exact_.end() ? bits : bits | exact->second;
}

uint64_t Catalog::excluded(uint64_t detected) const {
  uint64_t bits = 0;
  for (size_t i = 0; i < excludes_.size(); ++i) {
    if ((detected >> i & 1) != 0) bits |= excludes_[i];
  }
  return bits;
}

std::string_view Catalog::same_but_for_spelling(std::string_view name) const {
  const auto found = by_folded_.find(folded(name));
  return found == by_folded_.end() ? std::string_view() : found->second;
}

std::vector<std::string> Catalog::nearest(std::string_view name, size_t most) const {
  const auto wanted = folded(name);
  const size_t limit = std::max<size_t>(2, wanted.size() / 4);
  std::vector<std::pair<size_t, std::string>> near;
  const auto consider = [&](const std::string& candidate, size_t penalty) {
    const size_t distance = edit_distance(wanted, folded(candidate), limit);
    if (distance > limit) return;
    for (const auto& [known_distance, known] : near) {
      if (known == candidate) return;
    }
    near.emplace_back(2 * distance + penalty, candidate);
  };
  for (const auto& source : sources_) {
    // What is still there before what is gone.
    for (const auto& metric : source.metrics) consider(metric.name, metric.until.empty() ? 0 : 1);
  }
  for (const auto& metric : canonical_) consider(metric.name, 0);
  std::ranges::stable_sort(near, {}, &std::pair<size_t, std::string>::first);
  std::vector<std::string> names;
  for (size_t i = 0; i < std::min(most, near.size()); ++i) names.push_back(near[i].second);
  return names;
}

const Catalog& Catalog::builtin() {
  static const Catalog catalog = [] {
    auto parsed = parse(builtin_files());
    CHECK(parsed.has_value());  // catalog_test.cc shows why, should it ever fail
    return std::move(*parsed);
  }();
  return catalog;
}

Result<std::shared_ptr<const Catalog>> load_catalog(std::span<const std::string> paths, Fs& fs) {
  if (paths.empty())
    return std::shared_ptr<const Catalog>(std::shared_ptr<const void>(), &Catalog::builtin());
  std::vector<CatalogFile> files(builtin_files().begin(), builtin_files().end());
  for (const auto& path : paths) files.push_back({ path, TRY(fs.read_file(path)) });
  return std::make_shared<const Catalog>(TRY(Catalog::parse(files)));
}

}  // namespace strata::catalog
