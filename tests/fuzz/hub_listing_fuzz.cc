// Any bytes as a hub's reply: refused with a status, or names that stay inside the model folder.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "compute/base/check.h"
#include "services/pull/listing.h"
#include "services/pull/names.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sightline::pull;  // NOLINT: the target is about this namespace
  const std::string_view json(reinterpret_cast<const char*>(data), size);
  std::vector<RemoteFile> files;
  if (AddTreePage(json, &files).ok()) {
    for (const RemoteFile& f : files) {
      SL_CHECK(("/" + f.path + "/").find("/../") == std::string::npos && f.path[0] != '/');
      SL_CHECK(f.bytes >= 0 && (f.checksum.hex.size() == 40 || f.checksum.hex.size() == 64));
    }
  }
  if (auto commit = ParseCommit(json); commit.ok()) SL_CHECK(IsHex(*commit, 40));
  for (const std::string& id : ParseModelIds(json)) SL_CHECK(CheckRepository(id).ok());
  for (const std::string& ref : ParseRefs(json)) SL_CHECK(CheckRevision(ref).ok());
  return 0;
}
