// A hub of one model, speaking the API that `pull` uses, with a second server that holds the large
// files, as a content network does. Faults are asked for by a hook.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "services/pull/pull.h"
#include "tests/pull/tls_server.h"

namespace sightline::pull {

struct HubFile {
  std::string content;
  bool lfs = false;  // has a SHA-256 and lies on the other server
};

struct Logged {
  bool at_content;  // on the server of large files
  Request request;
};

class FakeHub {
 public:
  static constexpr const char* kRepository = "acme/tiny-vlm";
  static constexpr const char* kCommit = "0123456789abcdef0123456789abcdef01234567";

  // `folder`: for certificates and, below it, the cache.
  explicit FakeHub(const std::string& folder);
  ~FakeHub();

  // Change before requests come.
  std::map<std::string, HubFile> files;
  std::map<std::string, std::string> revisions = {{"main", kCommit}};
  size_t page = 1000;  // entries of one page of the listing
  // Sees every request first, from several threads; true: it has answered.
  using Hook = std::function<bool(const Logged&, Connection*)>;
  void SetHook(Hook hook);
  // For hooks: waits until Release() or the end of the hub.
  void Hold();
  void Release();

  std::vector<Logged> log() const;
  int CountOf(const std::string& part_of_target) const;
  PullOptions Options() const;  // quick retries, a cache below `folder`
  std::string endpoint() const;
  std::string ca_file() const;  // both servers' certificates

  // The bytes of a file as an answer that honours Range; `cut`: the connection ends after as many.
  static void SendContent(const Request& request, const std::string& content, Connection* to,
                          size_t cut = SIZE_MAX);
  const std::string& ContentOf(const Request& request) const;  // of a request at the content server

 private:
  void Answer(const Request& request, Connection* to);
  void AnswerTree(const std::string& target, Connection* to);
  void AnswerFile(const std::string& path, const Request& request, Connection* to);
  void Log(bool at_content, const Request& request, Connection* to);

  std::string folder_;
  mutable std::mutex mu_;
  std::vector<Logged> log_;           // under mu_
  std::shared_ptr<const Hook> hook_;  // under mu_
  std::condition_variable changed_;
  bool released_ = false;  // under mu_
  std::unique_ptr<TlsServer> content_, hub_;
};

std::string RandomBytes(size_t size);
std::string Sha256(const std::string& bytes);
std::string GitSha1(const std::string& bytes);
std::string ReadFile(const std::string& path);
std::string TestFolder();  // a fresh one, removed at exit

}  // namespace sightline::pull
