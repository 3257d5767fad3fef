#include "tests/pull/fake_hub.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>

#include "compute/base/check.h"

namespace sightline::pull {
namespace {

std::string Digest(Checksum::Kind kind, const std::string& bytes) {
  Hasher hasher(kind, static_cast<int64_t>(bytes.size()));
  hasher.Update(bytes);
  return hasher.Hex();
}

bool TakePrefix(std::string* text, const std::string& prefix) {
  if (text->rfind(prefix, 0) != 0) return false;
  text->erase(0, prefix.size());
  return true;
}

}  // namespace

FakeHub::FakeHub(const std::string& folder) : folder_(folder) {
  content_ = std::make_unique<TlsServer>(
      folder, [this](const Request& r, Connection* to) { Log(true, r, to); });
  hub_ = std::make_unique<TlsServer>(
      folder, [this](const Request& r, Connection* to) { Log(false, r, to); });
  std::ofstream(ca_file()) << ReadFile(content_->ca_file()) << ReadFile(hub_->ca_file());
}

FakeHub::~FakeHub() { Release(); }

void FakeHub::SetHook(Hook hook) {
  std::lock_guard<std::mutex> lock(mu_);
  hook_ = hook ? std::make_shared<const Hook>(std::move(hook)) : nullptr;
}

void FakeHub::Hold() {
  std::unique_lock<std::mutex> lock(mu_);
  changed_.wait(lock, [this] { return released_; });
}

void FakeHub::Release() {
  std::lock_guard<std::mutex> lock(mu_);
  released_ = true;
  changed_.notify_all();
}

std::string FakeHub::endpoint() const {
  // A client in another process needs it first: what was changed before is seen by its requests.
  std::lock_guard<std::mutex> lock(mu_);
  return hub_->url();
}
std::string FakeHub::ca_file() const { return folder_ + "/both.pem"; }

PullOptions FakeHub::Options() const {
  PullOptions o;
  o.repository = kRepository;
  o.cache_root = folder_ + "/cache";
  o.hub.endpoint = endpoint();
  o.hub.http.ca_file = ca_file();
  o.hub.http.stall_timeout_s = 2;
  o.hub.retry.first_pause_s = 0.01;
  return o;
}

std::vector<Logged> FakeHub::log() const {
  std::lock_guard<std::mutex> lock(mu_);
  return log_;
}

int FakeHub::CountOf(const std::string& part) const {
  int count = 0;
  for (const Logged& l : log()) count += l.request.target.find(part) != std::string::npos;
  return count;
}

void FakeHub::Log(bool at_content, const Request& request, Connection* to) {
  std::shared_ptr<const Hook> hook;
  {
    std::lock_guard<std::mutex> lock(mu_);
    log_.push_back({at_content, request});
    hook = hook_;
  }
  if (hook && (*hook)({at_content, request}, to)) return;
  if (at_content) return SendContent(request, ContentOf(request), to);
  Answer(request, to);
}

const std::string& FakeHub::ContentOf(const Request& request) const {
  for (const auto& [path, file] : files) {
    if (request.target.find(Sha256(file.content)) != std::string::npos) return file.content;
  }
  SL_CHECK(false);
}

void FakeHub::SendContent(const Request& request, const std::string& content, Connection* to,
                          size_t cut) {
  size_t first = 0;
  const auto range = request.headers.find("range");
  if (range != request.headers.end()) first = std::stoul(range->second.substr(6));
  if (first > 0 && first >= content.size()) return Send(to, 416, "", "");
  std::string head =
      "Connection: close\r\nContent-Length: " + std::to_string(content.size() - first) + "\r\n";
  if (first > 0)
    head += "Content-Range: bytes " + std::to_string(first) + "-" +
            std::to_string(content.size() - 1) + "/" + std::to_string(content.size()) + "\r\n";
  to->Write("HTTP/1.1 " + std::string(first > 0 ? "206" : "200") + " X\r\n" + head + "\r\n");
  to->Write(std::string_view(content).substr(first, cut));
}

void FakeHub::Answer(const Request& request, Connection* to) {
  const std::string id = kRepository;
  std::string t = request.target;
  if (t.rfind("/api/models?search=tiny-vml", 0) == 0)
    return Send(to, 200, "", R"([{"id":"acme/tiny-vlm"},{"id":"../evil"}])");
  if (TakePrefix(&t, "/api/models/" + id + "/revision/")) {
    const auto it = revisions.find(t);
    if (it == revisions.end()) return Send(to, 404, "X-Error-Code: RevisionNotFound\r\n", "{}");
    return Send(to, 200, "", R"({"id":"acme/tiny-vlm","sha":")" + it->second + "\"}");
  }
  if (t == "/api/models/" + id + "/refs")
    return Send(to, 200, "", R"({"branches":[{"name":"main"}],"tags":[{"name":"v1.0"}]})");
  if (TakePrefix(&t, "/api/models/" + id + "/tree/" + kCommit)) return AnswerTree(t, to);
  if (TakePrefix(&t, "/" + id + "/resolve/" + kCommit + "/")) return AnswerFile(t, request, to);
  Send(to, 404, "X-Error-Code: RepoNotFound\r\n", "{}");
}

void FakeHub::AnswerTree(const std::string& query, Connection* to) {
  const size_t cursor = query.find("cursor=");
  const size_t first = cursor == std::string::npos ? 0 : std::stoul(query.substr(cursor + 7));
  nlohmann::json list = nlohmann::json::array();
  size_t at = 0;
  for (const auto& [path, file] : files) {
    if (at++ < first || list.size() >= page) continue;
    nlohmann::json entry = {{"type", "file"},
                            {"path", path},
                            {"size", file.content.size()},
                            {"oid", GitSha1(file.content)}};
    if (file.lfs)
      entry["lfs"] = {
          {"oid", Sha256(file.content)}, {"size", file.content.size()}, {"pointerSize", 134}};
    list.push_back(entry);
  }
  std::string link;
  if (first + list.size() < files.size())
    link = "Link: <" + endpoint() + "/api/models/" + kRepository + "/tree/" + kCommit +
           "?recursive=true&cursor=" + std::to_string(first + list.size()) + ">; rel=\"next\"\r\n";
  Send(to, 200, link, list.dump());
}

void FakeHub::AnswerFile(const std::string& path, const Request& request, Connection* to) {
  const auto it = files.find(path);
  if (it == files.end()) return Send(to, 404, "X-Error-Code: EntryNotFound\r\n", "");
  if (!it->second.lfs) return SendContent(request, it->second.content, to);
  const std::string digest = Sha256(it->second.content);
  Send(to, 302,
       "Location: " + content_->url() + "/blob/" + digest +
           "?signature=secret\r\nX-Linked-Etag: \"" + digest +
           "\"\r\nX-Linked-Size: " + std::to_string(it->second.content.size()) + "\r\n",
       "");
}

std::string RandomBytes(size_t size) {
  std::mt19937_64 random(std::random_device{}());
  std::string bytes(size, '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  return bytes;
}

std::string Sha256(const std::string& bytes) { return Digest(Checksum::Kind::kSha256, bytes); }
std::string GitSha1(const std::string& bytes) { return Digest(Checksum::Kind::kGitSha1, bytes); }

std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::string TestFolder() {
  struct Folders {
    std::vector<std::string> made;
    ~Folders() {
      std::error_code ec;
      for (const std::string& f : made) std::filesystem::remove_all(f, ec);
    }
  };
  static Folders folders;
  std::string name = (std::filesystem::temp_directory_path() / "pull_test_XXXXXX").string();
  SL_CHECK(mkdtemp(name.data()) != nullptr);
  folders.made.push_back(name);
  return name;
}

}  // namespace sightline::pull
