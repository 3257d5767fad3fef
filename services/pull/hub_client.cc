#include "services/pull/hub_client.h"

#include <algorithm>
#include <cstdio>

#include "absl/strings/ascii.h"
#include "absl/strings/strip.h"
#include "services/pull/names.h"
#include "services/pull/url.h"

namespace sightline::pull {
namespace {

constexpr int kMostRedirects = 5, kMostPages = 100;
constexpr size_t kMostJsonBytes = 8 << 20;

Status Bad(const std::string& what) {
  return ErrorWithReason(absl::StatusCode::kInvalidArgument, "HUB_REPLY_INVALID", what);
}

bool IsRedirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

bool MayPass(const Status& status) {
  return status.code() == absl::StatusCode::kUnavailable ||
         status.code() == absl::StatusCode::kDeadlineExceeded;
}

// Where the bytes of a 206 begin and how long the whole is: "bytes 5-9/10".
bool ParseContentRange(const std::string& value, int64_t* first, int64_t* total) {
  long long a = 0, b = 0, c = 0;
  if (std::sscanf(value.c_str(), "bytes %lld-%lld/%lld", &a, &b, &c) != 3) return false;
  *first = a;
  *total = c;
  return a >= 0 && b >= a && c > b;
}

// A hub's redirect names the content that it leads to; other content than listed need not be
// fetched.
Status CheckLinked(const HttpHead& head, const RemoteFile& file) {
  std::string tag = head.Header("x-linked-etag");
  tag = std::string(absl::StripPrefix(tag, "W/"));
  tag.erase(std::remove(tag.begin(), tag.end(), '"'), tag.end());
  const std::string size = head.Header("x-linked-size");
  const bool other_tag =
      IsHex(tag, file.checksum.hex.size()) && tag.size() == 64 && tag != file.checksum.hex;
  const bool other_size = !size.empty() && size != std::to_string(file.bytes);
  if (!other_tag && !other_size) return absl::OkStatus();
  return ErrorWithReason(absl::StatusCode::kDataLoss, "CONTENT_CHANGED",
                         "the hub links " + Printable(file.path) +
                             " to other content than it lists; pull again later");
}

}  // namespace

StatusOr<std::unique_ptr<HubClient>> HubClient::Create(const HubOptions& options,
                                                       const std::string& repository,
                                                       Cancelled cancelled) {
  HubOptions o = options;
  while (!o.endpoint.empty() && o.endpoint.back() == '/') o.endpoint.pop_back();
  SL_RETURN_IF_ERROR(CheckRepository(repository));
  SL_RETURN_IF_ERROR(CheckTransport(o.endpoint));
  SL_ASSIGN_OR_RETURN(std::string origin, OriginOf(o.endpoint));
  // A line end in it would add headers of its own.
  if (o.token.size() > 4096 || !std::all_of(o.token.begin(), o.token.end(), [](char c) {
        return absl::ascii_isgraph(static_cast<unsigned char>(c));
      }))
    return ErrorWithReason(absl::StatusCode::kInvalidArgument, "TOKEN_INVALID",
                           "HF_TOKEN is not a token: it holds spaces or control characters",
                           "token");
  return std::unique_ptr<HubClient>(
      new HubClient(o, repository, std::move(origin), std::move(cancelled)));
}

HubClient::HubClient(const HubOptions& options, std::string repository, std::string origin,
                     Cancelled cancelled)
    : options_(options),
      repository_(std::move(repository)),
      origin_(std::move(origin)),
      cancelled_(std::move(cancelled)),
      http_(options.http, cancelled_) {}

Subject HubClient::About(const std::string& revision, const std::string& file) const {
  return {options_.endpoint, repository_, revision, file, !options_.token.empty()};
}

Attempt HubClient::Once(HttpRequest request, const Subject& subject, const BodySink& sink,
                        const std::function<Status(const HttpHead&)>& redirected, HttpHead* head) {
  for (int hop = 0; hop <= kMostRedirects; ++hop) {
    auto origin = OriginOf(request.url);
    if (!origin.ok()) return {origin.status()};
    const bool home = *origin == origin_;
    request.bearer = home ? options_.token : "";
    auto got = http_.Get(request, sink);
    if (!got.ok()) return {got.status(), MayPass(got.status())};
    *head = *std::move(got);
    if (head->status >= 200 && head->status < 300) return {};
    if (!IsRedirect(head->status)) {
      Attempt failed = FromHubStatus(*head, subject);
      // Links to other hosts are signed for a while; a fresh one comes with the next attempt.
      if (!home && !failed.retry)
        failed = {ErrorWithReason(absl::StatusCode::kUnavailable, "HUB_UNAVAILABLE",
                                  UrlForMessages(request.url) + " answers with status " +
                                      std::to_string(head->status)),
                  true};
      return failed;
    }
    auto next = ResolveUrl(request.url, head->Header("location"));
    auto next_origin = next.ok() ? OriginOf(*next) : next;
    if (!next_origin.ok()) return {Bad("the hub redirects to nowhere")};
    // Plain http only where one already is.
    if (next_origin->rfind("https:", 0) != 0 && *next_origin != *origin)
      return {Bad("the hub redirects to " + UrlForMessages(*next) + ", which is not https")};
    if (const Status seen = redirected(*head); !seen.ok()) return {seen};
    request.url = *std::move(next);
  }
  return {Bad("the hub redirects more than " + std::to_string(kMostRedirects) + " times")};
}

StatusOr<std::string> HubClient::GetJson(const std::string& url, const Subject& subject,
                                         std::string* next) {
  HttpRequest request;
  request.url = url;
  request.timeout_s = options_.reply_timeout_s;
  std::string text;
  HttpHead head;
  SL_RETURN_IF_ERROR(WithRetries(options_.retry, cancelled_, [&] {
    text.clear();
    return Once(
        request, subject,
        [&](const HttpHead&, std::string_view bytes) {
          if (text.size() + bytes.size() > kMostJsonBytes)
            return Bad("the hub's reply is larger than 8 MiB");
          text.append(bytes);
          return absl::OkStatus();
        },
        [](const HttpHead&) { return absl::OkStatus(); }, &head);
  }));
  if (!next) return text;
  next->clear();
  if (const std::string link = NextLink(head.Header("link")); !link.empty()) {
    SL_ASSIGN_OR_RETURN(*next, ResolveUrl(url, link));
    SL_ASSIGN_OR_RETURN(const std::string origin, OriginOf(*next));
    if (origin != origin_) return Bad("the hub's list goes on at another host");
  }
  return text;
}

StatusOr<std::string> HubClient::Commit(const std::string& revision) {
  SL_RETURN_IF_ERROR(CheckRevision(revision));
  SL_ASSIGN_OR_RETURN(const std::string json,
                      GetJson(options_.endpoint + "/api/models/" + repository_ + "/revision/" +
                                  EscapeUrl(revision, false),
                              About(revision), nullptr));
  return ParseCommit(json);
}

StatusOr<std::vector<RemoteFile>> HubClient::List(const std::string& commit) {
  std::string url =
      options_.endpoint + "/api/models/" + repository_ + "/tree/" + commit + "?recursive=true";
  std::vector<RemoteFile> files;
  for (int page = 0; !url.empty(); ++page) {
    if (page == kMostPages) return Bad("the hub's list of files does not end");
    std::string next;
    SL_ASSIGN_OR_RETURN(const std::string json, GetJson(url, About(commit), &next));
    SL_RETURN_IF_ERROR(AddTreePage(json, &files));
    url = std::move(next);
  }
  return files;
}

Attempt HubClient::FetchOnce(const HttpRequest& request, const Subject& subject,
                             const RemoteFile& file, PartFile* part,
                             const std::function<void(int64_t)>& moved) {
  const int64_t before = part->bytes();
  const auto restart = [&] {
    moved(-part->bytes());
    return part->Restart();
  };
  bool first = true;
  const BodySink sink = [&](const HttpHead& head, std::string_view bytes) {
    if (std::exchange(first, false)) {
      int64_t begin = 0, total = 0;
      if (head.status == 206 && (!ParseContentRange(head.Header("content-range"), &begin, &total) ||
                                 begin != part->bytes() || total != file.bytes))
        return Bad("the hub sends another range of " + Printable(file.path) + " than asked for");
      // A server that knows no ranges sends the whole file again.
      if (head.status != 206 && part->bytes() > 0) SL_RETURN_IF_ERROR(restart());
    }
    SL_RETURN_IF_ERROR(part->Append(bytes));
    moved(static_cast<int64_t>(bytes.size()));
    return absl::OkStatus();
  };
  HttpHead head;
  Attempt a = Once(
      request, subject, sink, [&](const HttpHead& hop) { return CheckLinked(hop, file); }, &head);
  if (head.status == 416 && before > 0) a = {restart(), true};
  if (head.status == 416 && before > 0 && a.status.ok())
    a.status = Bad("the hub does not have the rest of " + Printable(file.path));
  if (a.status.ok() && part->bytes() < file.bytes)
    a = {ErrorWithReason(absl::StatusCode::kUnavailable, "FILE_CUT",
                         "the hub ends " + Printable(file.path) + " early"),
         true};
  a.progressed = part->bytes() > before;
  return a;
}

Status HubClient::Fetch(const std::string& commit, const RemoteFile& file, PartFile* part,
                        const std::function<void(int64_t bytes)>& moved) {
  HttpRequest request;
  request.url = options_.endpoint + "/" + repository_ + "/resolve/" + commit + "/" +
                EscapeUrl(file.path, true);
  const Subject subject = About(commit, file.path);
  return WithRetries(options_.retry, cancelled_, [&]() -> Attempt {
    if (part->bytes() == file.bytes && file.bytes > 0) return {};
    request.first_byte = part->bytes();
    return FetchOnce(request, subject, file, part, moved);
  });
}

std::vector<std::string> HubClient::SimilarModels() {
  const std::string name = repository_.substr(repository_.find('/') + 1);
  auto json =
      GetJson(options_.endpoint + "/api/models?search=" + EscapeUrl(name, false) + "&limit=5",
              About(""), nullptr);
  return json.ok() ? ParseModelIds(*json) : std::vector<std::string>();
}

std::vector<std::string> HubClient::Revisions() {
  auto json =
      GetJson(options_.endpoint + "/api/models/" + repository_ + "/refs", About(""), nullptr);
  return json.ok() ? ParseRefs(*json) : std::vector<std::string>();
}

}  // namespace sightline::pull
