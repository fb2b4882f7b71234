#include "net/gzip.h"

#include <zlib.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>

#include "base/check.h"

namespace strata::net {
namespace {

constexpr int kGzipWindow = 15 + 16;  // the largest window; +16: gzip's header and trailer
constexpr size_t kMostAtOnce = std::numeric_limits<uInt>::max();

uInt clamp(size_t size) { return static_cast<uInt>(std::min(size, kMostAtOnce)); }
Bytef* bytes_of(std::string_view text) {
  // zlib's next_in is not const in Debian's build; it is only read.
  return reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
}

}  // namespace

std::string gzip_compress(std::string_view bytes, int level) {
  z_stream stream{};
  CHECK(deflateInit2(&stream, level, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  size_t in = 0;
  size_t made = 0;
  int code = Z_OK;
  while (code != Z_STREAM_END) {
    stream.next_in = bytes_of(bytes.substr(in));
    stream.avail_in = clamp(bytes.size() - in);
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + made);
    stream.avail_out = clamp(out.size() - made);
    const uInt had_in = stream.avail_in;
    const uInt had_out = stream.avail_out;
    code = deflate(&stream, in + had_in == bytes.size() ? Z_FINISH : Z_NO_FLUSH);
    CHECK(code == Z_OK || code == Z_STREAM_END);  // the bound leaves room
    in += had_in - stream.avail_in;
    made += had_out - stream.avail_out;
  }
  deflateEnd(&stream);
  out.resize(made);
  return out;
}

struct Gzip::State {
  z_stream stream{};

  explicit State(int level) {
    CHECK(deflateInit2(&stream, level, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  }
  ~State() { deflateEnd(&stream); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  void run(std::string_view bytes, int flush, std::string& out) {
    static constexpr size_t kPiece = size_t{16} << 10;
    char piece[kPiece];
    do {
      stream.next_in = bytes_of(bytes);
      stream.avail_in = clamp(bytes.size());
      stream.next_out = reinterpret_cast<Bytef*>(piece);
      stream.avail_out = kPiece;
      const uInt had = stream.avail_in;
      CHECK(deflate(&stream, had == bytes.size() ? flush : Z_NO_FLUSH) != Z_STREAM_ERROR);
      bytes.remove_prefix(had - stream.avail_in);
      out.append(piece, kPiece - stream.avail_out);
    } while (!bytes.empty() || stream.avail_out == 0);
  }
};

Gzip::Gzip(int level) : state_(std::make_unique<State>(level)) {}
Gzip::~Gzip() = default;
Gzip::Gzip(Gzip&&) noexcept = default;
Gzip& Gzip::operator=(Gzip&&) noexcept = default;

void Gzip::feed(std::string_view bytes, std::string& out) {
  if (!bytes.empty()) state_->run(bytes, Z_NO_FLUSH, out);
}

void Gzip::flush(std::string& out) { state_->run({}, Z_SYNC_FLUSH, out); }

void Gzip::finish(std::string& out) { state_->run({}, Z_FINISH, out); }

struct Gunzip::State {
  z_stream stream{};
  bool at_member_start = true;
  bool any_member = false;

  State() { CHECK(inflateInit2(&stream, kGzipWindow) == Z_OK); }
  ~State() { inflateEnd(&stream); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
};

Gunzip::Gunzip() : state_(std::make_unique<State>()) {}
Gunzip::~Gunzip() = default;
Gunzip::Gunzip(Gunzip&&) noexcept = default;
Gunzip& Gunzip::operator=(Gunzip&&) noexcept = default;

void Gunzip::reset() {
  inflateReset(&state_->stream);
  state_->at_member_start = true;
  state_->any_member = false;
}

bool Gunzip::finished() const { return state_->at_member_start && state_->any_member; }

Result<> Gunzip::feed(std::string_view bytes, std::string& out, size_t max_bytes) {
  z_stream& z = state_->stream;
  // Text is made here first: the string then grows by what there is, without being filled twice.
  static constexpr size_t kPiece = size_t{16} << 10;
  char piece[kPiece];
  bool more = !bytes.empty();
  while (more) {
    z.next_in = bytes_of(bytes);
    z.avail_in = clamp(bytes.size());
    z.next_out = reinterpret_cast<Bytef*>(piece);
    z.avail_out = kPiece;
    const uInt had = z.avail_in;
    const int code = inflate(&z, Z_NO_FLUSH);
    if (code == Z_BUF_ERROR) break;  // no progress without more input
    if (code != Z_OK && code != Z_STREAM_END) {
      return bad_data(std::string("invalid gzip: ") +
                      (z.msg != nullptr ? z.msg : "the stream is damaged"));
    }
    bytes.remove_prefix(had - z.avail_in);
    const size_t made = kPiece - z.avail_out;
    if (made > max_bytes - std::min(max_bytes, out.size())) {
      return fail(ErrorCode::kLimit,
                  "decompressed size exceeds the limit of " + std::to_string(max_bytes) + " bytes");
    }
    out.append(piece, made);
    state_->at_member_start = code == Z_STREAM_END;
    if (code == Z_STREAM_END) {
      state_->any_member = true;
      inflateReset(&z);
    }
    // A full piece may leave text inside zlib when the input is used up.
    more = !bytes.empty() || (z.avail_out == 0 && !state_->at_member_start);
  }
  return {};
}

Result<std::string> gzip_decompress(std::string_view bytes, size_t max_bytes) {
  Gunzip gunzip;
  std::string out;
  if (auto fed = gunzip.feed(bytes, out, max_bytes); !fed) return std::unexpected(fed.error());
  if (!gunzip.finished()) return bad_data("invalid gzip: it ends too early");
  return out;
}

}  // namespace strata::net
