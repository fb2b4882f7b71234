#include "api/reply.h"

#include "base/json.h"
#include "base/log.h"
#include "net/gzip.h"

namespace strata::api {
namespace {

constexpr size_t kPieceBytes = size_t{64} << 10;

void append_strings(std::string& out, std::string_view key, const std::vector<std::string>& texts) {
  if (texts.empty()) return;
  JsonWriter json(out.append(",\"").append(key).append("\":"));
  json.begin_array();
  for (const auto& text : texts) json.string(text);
  json.end_array();
}

class ArrayPieces final : public Pieces {
 public:
  ArrayPieces(const Call& call, size_t count, std::function<void(size_t, std::string&)> element)
      : count_(count), element_(std::move(element)), warnings_(call.warnings), infos_(call.infos) {}

  bool next(std::string& out) override {
    if (at_ == 0) out += R"({"status":"success","data":[)";
    for (const size_t begin = out.size(); at_ < count_ && out.size() - begin < kPieceBytes; ++at_) {
      if (at_ > 0) out += ',';
      element_(at_, out);
    }
    if (at_ < count_) return true;
    out += ']';
    append_strings(out, "warnings", warnings_);
    append_strings(out, "infos", infos_);
    out += '}';
    return false;
  }

 private:
  const size_t count_;
  const std::function<void(size_t, std::string&)> element_;
  const std::vector<std::string> warnings_;
  const std::vector<std::string> infos_;
  size_t at_ = 0;
};

// A body on its way to a client. Whoever runs send_on() holds it; between a refused chunk and the
// call that there is room, the exchange does.
class Stream : public std::enable_shared_from_this<Stream> {
 public:
  Stream(ThreadPool& pool, std::shared_ptr<net::Exchange> exchange, std::unique_ptr<Pieces> pieces,
         bool gzip)
      : pool_(pool), exchange_(std::move(exchange)), pieces_(std::move(pieces)) {
    if (gzip) gzip_.emplace();
  }

  /// `begun` is what was made of the body already.
  void start(std::string begun) {
    pack(begun);
    send_on();
  }

 private:
  void send_on() {
    while (true) {
      if (chunk_.empty()) {
        if (ended_) return exchange_->end();
        make_chunk();
        continue;
      }
      switch (exchange_->write(chunk_)) {
        case net::Exchange::Wrote::kTaken: chunk_.clear(); break;
        case net::Exchange::Wrote::kFull: return wait_for_room();
        case net::Exchange::Wrote::kGone: return;
      }
    }
  }

  void make_chunk() {
    text_.clear();
    while (!ended_ && text_.size() < kPieceBytes) ended_ = !pieces_->next(text_);
    pack(text_);
  }

  void pack(std::string& text) {
    if (!gzip_) return chunk_.swap(text);
    gzip_->feed(text, chunk_);
    if (ended_) gzip_->finish(chunk_);
  }

  void wait_for_room() {
    exchange_->when_writable([self = shared_from_this()] {
      // On the loop's thread: making pieces is for the pool. One that is full or stopping drops
      // the task and with it the exchange, which cuts the connection.
      if (!self->pool_.submit(Lane::kQuery, [self] { self->send_on(); })) {
        log_warn("an answer was cut short: the query queue is full",
                 {{"client", self->exchange_->request().remote_address}});
      }
    });
  }

  ThreadPool& pool_;
  const std::shared_ptr<net::Exchange> exchange_;
  const std::unique_ptr<Pieces> pieces_;
  std::optional<net::Gzip> gzip_;
  std::string text_;   // the piece that is being made
  std::string chunk_;  // what is to be sent of it
  bool ended_ = false;
};

}  // namespace

Reply array_reply(const Call& call, size_t count,
                  std::function<void(size_t, std::string&)> element) {
  return {net::json_response(200, ""),
          std::make_unique<ArrayPieces>(call, count, std::move(element))};
}

void send(ThreadPool& pool, std::shared_ptr<net::Exchange> exchange, Reply reply) {
  bool more = reply.pieces != nullptr;
  while (more && reply.head.body.size() <= kWholeBytes) {
    more = reply.pieces->next(reply.head.body);
  }
  const auto& request = exchange->request();
  if (!more) {
    net::gzip_response(request, reply.head);
    return exchange->respond(std::move(reply.head));
  }
  auto& headers = reply.head.headers;
  headers.add("Vary", "Accept-Encoding");
  const bool gzip = net::accepts_gzip(request);
  if (gzip) headers.add("Content-Encoding", "gzip");
  exchange->begin(reply.head.status, std::move(headers));
  if (request.method == "HEAD") return exchange->end();
  std::make_shared<Stream>(pool, exchange, std::move(reply.pieces), gzip)
      ->start(std::move(reply.head.body));
}

}  // namespace strata::api
