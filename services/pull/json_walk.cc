#include "services/pull/json_walk.h"

#include <limits>
#include <nlohmann/json.hpp>

namespace sightline::pull {
namespace {

constexpr size_t kDeepest = 24;

// The events of nlohmann's parser. `path_` has one entry for each open object or array: the key
// read last, or "[]".
class Handler : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit Handler(const JsonVisitor& visitor) : visitor_(visitor) {}

  bool null() override { return Give({}); }
  bool boolean(bool v) override { return Give({JsonScalar::Kind::kBool, v ? 1 : 0, {}}); }
  bool number_integer(number_integer_t v) override {
    return Give({JsonScalar::Kind::kInteger, v, {}});
  }
  bool number_unsigned(number_unsigned_t v) override {
    if (v > static_cast<number_unsigned_t>(std::numeric_limits<int64_t>::max()))
      return number_float(0, {});
    return Give({JsonScalar::Kind::kInteger, static_cast<int64_t>(v), {}});
  }
  bool number_float(number_float_t, const string_t&) override {
    return Give({JsonScalar::Kind::kReal, -1, {}});
  }
  bool string(string_t& v) override { return Give({JsonScalar::Kind::kString, -1, std::move(v)}); }
  bool binary(binary_t&) override { return false; }
  bool start_object(size_t) override { return Open(""); }
  bool key(string_t& k) override {
    path_.back() = std::move(k);
    return true;
  }
  bool end_object() override {
    path_.pop_back();
    return visitor_.object_end(path_);
  }
  bool start_array(size_t) override { return Open("[]"); }
  bool end_array() override {
    path_.pop_back();
    return true;
  }
  bool parse_error(size_t, const std::string&, const nlohmann::json::exception&) override {
    return false;
  }

 private:
  bool Open(const char* entry) {
    if (path_.size() >= kDeepest) return false;
    path_.emplace_back(entry);
    return true;
  }
  bool Give(const JsonScalar& value) { return visitor_.scalar(path_, value); }

  const JsonVisitor& visitor_;
  JsonPath path_;
};

}  // namespace

Status WalkJson(std::string_view text, const char* what, const JsonVisitor& visitor) {
  Handler handler(visitor);
  if (nlohmann::json::sax_parse(text.begin(), text.end(), &handler)) return absl::OkStatus();
  return ErrorWithReason(absl::StatusCode::kInvalidArgument, "HUB_REPLY_INVALID",
                         std::string(what) + " is not the JSON that a hub sends");
}

}  // namespace sightline::pull
