// The hub's HTTP API: which commit, which files, and their bytes.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "services/pull/http.h"
#include "services/pull/hub_error.h"
#include "services/pull/listing.h"
#include "services/pull/part_file.h"
#include "services/pull/retry.h"

namespace sightline::pull {

struct HubOptions {
  std::string endpoint = "https://huggingface.co";
  std::string token;  // sent to the endpoint's own origin and to nobody else; never in a message
  HttpOptions http;
  RetryPolicy retry;
  double reply_timeout_s = 60;  // of one JSON reply
};

// One thread at a time; each worker has its own. Methods try again as `retry` says.
class HubClient {
 public:
  // INVALID_ARGUMENT for an endpoint that is no https URL or a token that is no single word.
  static StatusOr<std::unique_ptr<HubClient>> Create(const HubOptions& options,
                                                     const std::string& repository,
                                                     Cancelled cancelled);

  // The commit that a branch, tag or (shortened) commit stands for.
  StatusOr<std::string> Commit(const std::string& revision);
  StatusOr<std::vector<RemoteFile>> List(const std::string& commit);

  // Fetches what `part` still lacks of a file. `moved` is told how many bytes came (negative: were
  // dropped). OK means that the size is right; the checksum is the caller's to verify.
  Status Fetch(const std::string& commit, const RemoteFile& file, PartFile* part,
               const std::function<void(int64_t bytes)>& moved);

  // What might have been meant after NOT_FOUND; empty when the hub has no idea either.
  std::vector<std::string> SimilarModels();
  std::vector<std::string> Revisions();

 private:
  HubClient(const HubOptions& options, std::string repository, std::string origin,
            Cancelled cancelled);
  // One GET with its redirects. `redirected` sees the head of every redirect.
  Attempt Once(HttpRequest request, const Subject& subject, const BodySink& sink,
               const std::function<Status(const HttpHead&)>& redirected, HttpHead* head);
  // A JSON reply as text, with the target of its next page.
  StatusOr<std::string> GetJson(const std::string& url, const Subject& subject, std::string* next);
  Attempt FetchOnce(const HttpRequest& request, const Subject& subject, const RemoteFile& file,
                    PartFile* part, const std::function<void(int64_t)>& moved);
  Subject About(const std::string& revision, const std::string& file = "") const;

  HubOptions options_;
  std::string repository_, origin_;
  Cancelled cancelled_;
  HttpClient http_;
};

}  // namespace sightline::pull
