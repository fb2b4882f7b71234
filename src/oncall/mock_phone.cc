#include "oncall/mock_phone.h"

#include <deque>
#include <unordered_map>

#include "base/json.h"
#include "base/mutex.h"
#include "discover/json_reader.h"

namespace strata::oncall {
namespace {

constexpr std::chrono::seconds kStopGrace{1};
constexpr size_t kMaxBody = size_t{16} << 20;

// The last of an object's members that is text at each of `names`.
void read_members(std::string_view json,
                  std::initializer_list<std::pair<std::string_view, std::string*>> names) {
  discover::JsonReader reader(json);
  reader.object([&](std::string_view name) {
    const auto value = reader.skip();
    for (const auto& [wanted, out] : names) {
      if (name == wanted && value.starts_with('"')) discover::JsonReader(value).string(*out);
    }
  });
}

// What phone_configs and webhooks send.
void read_json(std::string_view body, MockCall& call) {
  std::string id;
  std::string status;
  read_members(body, {{"to", &call.to},
                      {"text", &call.text},
                      {"ack_url", &call.ack_url},
                      {"id", &id},
                      {"status", &status},
                      {"groupKey", &call.key}});
  if (!id.empty()) call.key = id;
  if (!call.text.empty()) return;
  // A group's key is that of many messages; of a call by the desk it is that of one.
  if (!call.key.starts_with("oncall/")) call.key.clear();
  std::string alertname;
  std::string summary;
  std::string said;
  discover::JsonReader reader(body);
  reader.object([&](std::string_view name) {
    const auto value = reader.skip();
    if (name == "commonLabels") read_members(value, {{"alertname", &alertname}});
    if (name != "commonAnnotations") return;
    read_members(value, {{"summary", &summary},
                         {"oncall_summary", &said},
                         {"oncall_person", &call.to},
                         {"ack_url", &call.ack_url}});
  });
  call.text = !said.empty() ? said : fmt::format("{}: {}", status, alertname);
  if (!summary.empty() && said.empty()) call.text += ", " + summary;
}

// The text of the first element `name`, entities left as they are: people read it here.
std::string element(std::string_view xml, std::string_view name) {
  const size_t begin = xml.find(fmt::format("<{}", name));
  if (begin == std::string_view::npos) return "";
  const size_t from = xml.find('>', begin);
  const size_t to = xml.find(fmt::format("</{}>", name), begin);
  if (from >= to || to == std::string_view::npos) return "";
  return std::string(xml.substr(from + 1, to - from - 1));
}

std::string attribute(std::string_view xml, std::string_view name) {
  const std::string opening = fmt::format(" {}=\"", name);
  const size_t at = xml.find(opening);
  if (at == std::string_view::npos) return "";
  const size_t from = at + opening.size();
  return std::string(xml.substr(from, xml.find('"', from) - from));
}

// What twilio_voice and twilio_sms send.
void read_form(const net::FormValues& form, MockCall& call) {
  call.to = form.get("To").value_or("");
  call.text = form.get("Body").value_or("");
  const std::string twiml(form.get("Twiml").value_or(""));
  if (twiml.empty()) return;
  call.text = element(twiml, "Say");
  call.ack_url = attribute(twiml, "action");
}

}  // namespace

MockCall read_mock_call(const net::HttpRequest& request) {
  MockCall out;
  out.kind = request.path.substr(1, request.path.find('/', 1) - 1);
  if (out.kind.empty()) out.kind = "message";
  if (request.path.ends_with("/Calls.json")) out.kind = "phone";
  if (request.path.ends_with("/Messages.json")) out.kind = "sms";
  if (request.body.starts_with('{')) {
    read_json(request.body, out);
  } else if (const auto form = net::form_values(request)) {
    read_form(*form, out);
  }
  if (const auto key = request.headers.value("Idempotency-Key"); !key.empty()) out.key = key;
  return out;
}

struct MockPhone::Core {
  Core(const Clock& time, std::function<void(const MockCall&)> tell)
      : clock(time), told(std::move(tell)) {}

  void handle(net::Exchange& exchange);
  std::string json() const;

  const Clock& clock;
  const std::function<void(const MockCall&)> told;
  mutable Mutex mutex;
  std::deque<MockCall> calls GUARDED_BY(mutex);
  std::unordered_map<std::string, uint64_t> by_key GUARDED_BY(mutex);  // number of the call
  uint64_t dropped GUARDED_BY(mutex) = 0;                              // calls before the first
};

void MockPhone::Core::handle(net::Exchange& exchange) {
  const net::HttpRequest& request = exchange.request();
  if (request.method == "GET") {
    return exchange.respond(request.path == "/calls"
                                ? net::json_response(200, json())
                                : net::text_response(200, "a phone; /calls says who was called\n"));
  }
  MockCall call = read_mock_call(request);
  call.at = clock.now_ms();
  bool fresh = true;
  {
    MutexLock lock(mutex);
    const uint64_t number = dropped + calls.size();
    // One message may go to several places, as a chat and a phone, each with a key of its own.
    if (!call.key.empty()) {
      const auto [known, added] = by_key.emplace(call.kind + "\n" + call.key, number);
      fresh = added || known->second < dropped;
      if (!fresh) ++calls[known->second - dropped].attempts;
      if (fresh) known->second = number;
    }
    if (fresh) calls.push_back(call);
    if (calls.size() > kMaxKept) {
      by_key.erase(calls.front().kind + "\n" + calls.front().key);
      calls.pop_front();
      ++dropped;
    }
  }
  if (fresh && told) told(call);
  exchange.respond(net::json_response(200, R"({"ok":true})"));
}

std::string MockPhone::Core::json() const {
  std::string out;
  JsonWriter json(out);
  MutexLock lock(mutex);
  json.begin_array();
  for (const MockCall& call : calls) {
    json.begin_object().key("at").integer(call.at).key("kind").string(call.kind);
    json.key("to").string(call.to).key("text").string(call.text);
    json.key("ack_url").string(call.ack_url).key("key").string(call.key);
    json.key("attempts").integer(static_cast<int64_t>(call.attempts)).end_object();
  }
  json.end_array();
  return out;
}

MockPhone::MockPhone(std::shared_ptr<Core> core) : core_(std::move(core)) {}
MockPhone::~MockPhone() {
  if (server_ != nullptr) server_->stop(kStopGrace);
}

Result<std::unique_ptr<MockPhone>> MockPhone::start(net::Loop& loop, std::string listen,
                                                    const Clock& clock,
                                                    std::function<void(const MockCall&)> told) {
  net::HttpServerOptions http;
  http.listen = std::move(listen);
  http.max_body_bytes = kMaxBody;
  http.server_name = "strata-mock-phone";
  auto core = std::make_shared<Core>(clock, std::move(told));
  std::unique_ptr<MockPhone> out(new MockPhone(core));
  out->server_ = TRY(net::HttpServer::start(
      loop, std::move(http),
      [core](const std::shared_ptr<net::Exchange>& exchange) { core->handle(*exchange); }));
  return out;
}

std::string MockPhone::address() const { return server_->address(); }

std::vector<MockCall> MockPhone::calls() const {
  MutexLock lock(core_->mutex);
  return {core_->calls.begin(), core_->calls.end()};
}

}  // namespace strata::oncall
