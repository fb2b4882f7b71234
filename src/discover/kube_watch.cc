#include "discover/kube_watch.h"

#include <algorithm>

namespace strata::discover {
namespace {

constexpr int kGone = 410;

/// The API's Status object says more than the HTTP status does.
std::string status_message(const net::ClientResponse& response) {
  std::string message;
  JsonReader reader(response.body);
  reader.object([&](std::string_view key) {
    if (key != "message") return void(reader.skip());
    reader.string(message);
  });
  if (!reader.finish()) message.clear();
  const std::string_view name = net::reason_phrase(response.status);
  return fmt::format("status {} {}{}{}", response.status, name, message.empty() ? "" : ": ",
                     message);
}

std::string_view name_of(KubeSink::Change change) {
  switch (change) {
    case KubeSink::Change::kAdded: return "add";
    case KubeSink::Change::kModified: return "update";
    case KubeSink::Change::kDeleted: return "delete";
  }
  return "";
}

}  // namespace

/// A watch under way: lines that came, and its end.
class KubeWatch::Stream {
 public:
  void add(std::string_view piece) {
    MutexLock lock(mutex_);
    overflowed_ = overflowed_ || bytes_.size() + piece.size() > kMaxUnread;
    if (overflowed_) {
      bytes_ = {};
    } else {
      bytes_.append(piece);
    }
  }
  void end(Result<net::ClientResponse> response) {
    MutexLock lock(mutex_);
    end_ = std::move(response);
  }
  /// Appends what came. False: so much that it was dropped.
  bool take(std::string& into, std::optional<Result<net::ClientResponse>>& end) {
    MutexLock lock(mutex_);
    into.append(std::exchange(bytes_, {}));
    end = std::exchange(end_, std::nullopt);
    return !overflowed_;
  }

 private:
  Mutex mutex_;
  std::string bytes_ GUARDED_BY(mutex_);
  bool overflowed_ GUARDED_BY(mutex_) = false;
  std::optional<Result<net::ClientResponse>> end_ GUARDED_BY(mutex_);
};

KubeWatch::KubeWatch(What what, size_t id, const PeerClient& client, KubeSink& sink,
                     const Clock& clock, Metrics& metrics)
    : what_(std::move(what)),
      id_(id),
      client_(client),
      sink_(sink),
      clock_(clock),
      metrics_(metrics) {}

KubeWatch::~KubeWatch() { stop_.request_stop(); }

bool KubeWatch::poll() {
  bool changed = false;
  if (state_ == State::kListing) changed = take_page();
  if (state_ == State::kWatching) changed = take_changes() || changed;
  if (state_ != State::kIdle || clock_.steady() < not_before_) return changed;
  if (version_.empty()) {
    ask_for_page();
  } else {
    ask_for_changes();
  }
  return changed;
}

net::ClientRequest KubeWatch::request(const net::FormValues& query) const {
  net::FormValues all;
  if (!what_.label_selector.empty()) all.add("labelSelector", what_.label_selector);
  if (!what_.field_selector.empty()) all.add("fieldSelector", what_.field_selector);
  for (const auto& [name, value] : query) all.add(name, value);
  net::ClientRequest request;
  request.url = what_.url + "?" + all.encode();
  request.headers = {{"Accept", "application/json"}};
  request.stop = stop_.get_token();
  client_.prepare(request);
  return request;
}

void KubeWatch::ask_for_page() {
  net::FormValues query;
  query.add("limit", std::to_string(kPageSize));
  if (continue_.empty()) {
    sink_.begin_list(id_);
  } else {
    query.add("continue", continue_);
  }
  net::ClientRequest list = request(query);
  list.timeout = kListTimeout;
  list.max_body_bytes = kMaxPageBytes;
  state_ = State::kListing;
  page_ = std::make_shared<AnswerBox<net::ClientResponse>>();
  client_.fetch(std::move(list), [box = page_](auto response) { box->put(std::move(response)); });
}

bool KubeWatch::take_page() {
  const auto response = page_->take();
  if (!response) return false;
  page_.reset();
  state_ = State::kIdle;
  if (!*response) {
    failed((*response).error().message);
    return false;
  }
  if ((*response)->status == kGone && !continue_.empty()) {
    list_anew(true);  // the pages' snapshot is no more
    return false;
  }
  if ((*response)->status != 200) {
    failed(status_message(**response));
    list_anew(false);
    return false;
  }
  return read_page((*response)->body);
}

bool KubeWatch::read_page(const std::string& body) {
  std::string version;
  std::string next;
  JsonReader reader(body);
  reader.object([&](std::string_view key) {
    if (key == "items") {
      reader.array([&] { sink_.list_item(id_, reader); });
    } else if (key == "metadata") {
      reader.object([&](std::string_view field) {
        if (field == "resourceVersion") {
          reader.string(version);
        } else if (field == "continue") {
          reader.string(next);
        } else {
          reader.skip();
        }
      });
    } else {
      reader.skip();
    }
  });
  auto end = reader.finish();
  if (end && version.empty()) end = bad_data("a list without a resource version");
  if (end && sink_.overflowed()) end = fail(ErrorCode::kLimit, "too many objects");
  if (!end) {
    failed(end.error().message);
    list_anew(false);
    return false;
  }
  continue_ = std::move(next);
  not_before_ = clock_.steady();
  if (!continue_.empty()) return false;
  sink_.end_list(id_);
  version_ = std::move(version);
  synced_ = true;
  error_.clear();
  backoff_ = kMinBackoff;
  return true;
}

void KubeWatch::ask_for_changes() {
  net::FormValues query;
  query.add("watch", "1");
  query.add("resourceVersion", version_);
  query.add("allowWatchBookmarks", "true");
  query.add("timeoutSeconds", std::to_string(kWindow.count()));
  net::ClientRequest watch = request(query);
  watch.timeout = kWindow + std::chrono::seconds(30);
  watch.accept_gzip = false;  // each event at once
  stream_ = std::make_shared<Stream>();
  watch.on_body = [stream = stream_](std::string_view piece) { stream->add(piece); };
  unread_.clear();
  state_ = State::kWatching;
  // A server that ends watches as soon as they begin is not asked without a pause.
  not_before_ = clock_.steady() + kMinBackoff;
  client_.fetch(std::move(watch),
                [stream = stream_](auto response) { stream->end(std::move(response)); });
}

bool KubeWatch::take_changes() {
  std::optional<Result<net::ClientResponse>> end;
  if (!stream_->take(unread_, end)) {
    failed("the watch sent more than can be kept");
    list_anew(false);
    return false;
  }
  bool changed = false;
  size_t start = 0;
  for (size_t newline = 0; (newline = unread_.find('\n', start)) != std::string::npos;) {
    changed = read_change(std::string_view(unread_).substr(start, newline - start)) || changed;
    start = newline + 1;
    if (state_ != State::kWatching) return changed;  // the rest counts no more
  }
  unread_.erase(0, start);
  if (unread_.size() > kMaxUnread) {
    failed("an event that does not end");
    list_anew(false);
  } else if (end) {
    watch_ended(*end);
  }
  return changed;
}

void KubeWatch::watch_ended(const Result<net::ClientResponse>& response) {
  stream_.reset();
  state_ = State::kIdle;
  if (!response) return failed("watch: " + response.error().message);
  if (response->status == kGone) return list_anew(true);
  if (response->status / 100 == 2) return;  // its time was over: another follows
  failed("watch: " + status_message(*response));
  list_anew(false);
}

/// One line: {"type": "ADDED", "object": {…}}.
bool KubeWatch::read_change(std::string_view line) {
  if (line.find_first_not_of(" \r\t") == std::string_view::npos) return false;
  std::string type;
  std::string_view object;
  JsonReader event(line);
  event.object([&](std::string_view key) {
    if (key == "type") {
      event.string(type);
    } else if (key == "object") {
      object = event.skip();
    } else {
      event.skip();
    }
  });
  JsonReader reader(object);
  std::string version;
  bool changed = false;
  const auto change = [&](KubeSink::Change kind) {
    version = sink_.change(id_, kind, reader);
    metrics_.kubernetes_events.with(what_.role, name_of(kind)).inc();
    changed = true;
  };
  if (type == "ADDED") {
    change(KubeSink::Change::kAdded);
  } else if (type == "MODIFIED") {
    change(KubeSink::Change::kModified);
  } else if (type == "DELETED") {
    change(KubeSink::Change::kDeleted);
  } else if (type == "BOOKMARK") {
    KubeObject bookmark;
    read(reader, bookmark);
    version = bookmark.meta.resource_version;
  } else {  // ERROR, mostly 410: the version is too old
    int64_t code = 0;
    reader.object([&](std::string_view key) {
      if (key != "code") return void(reader.skip());
      reader.integer(code);
    });
    if (code != kGone) failed(fmt::format("watch: event {} with code {}", type, code));
    list_anew(code == kGone);
    return false;
  }
  if (!event.finish() || !reader.finish() || version.empty()) {
    failed("watch: an event that is not understood");
    list_anew(false);
    return changed;
  }
  version_ = std::move(version);
  error_.clear();
  backoff_ = kMinBackoff;
  return changed;
}

void KubeWatch::list_anew(bool at_once) {
  stop_.request_stop();  // a watch that still runs
  stop_ = std::stop_source();
  stream_.reset();
  state_ = State::kIdle;
  version_.clear();
  continue_.clear();
  if (at_once) not_before_ = clock_.steady();
}

void KubeWatch::failed(std::string what) {
  metrics_.kubernetes_failures.inc();
  error_ = std::move(what);
  not_before_ = std::max(not_before_, clock_.steady() + backoff_);
  backoff_ = std::min<std::chrono::nanoseconds>(backoff_ * 2, kMaxBackoff);
}

}  // namespace strata::discover
