// Which names are taken from a user or a hub: nothing that could leave the cache folder.
#pragma once

#include <string>
#include <string_view>

#include "compute/base/status.h"

namespace sightline::pull {

// ORG/NAME, each of letters, digits, '.', '_' and '-'.
Status CheckRepository(std::string_view repository);

// A branch, tag or commit: letters, digits, '.', '_', '-' and, between them, '/'.
Status CheckRevision(std::string_view revision);

// A path relative to the model folder: no "..", no empty or absolute part, no backslash, no control
// character, nothing longer than a file system takes.
Status CheckFileName(std::string_view path);

// What is safe to print of text that a server sent: printable ASCII, at most `most` characters.
std::string Printable(std::string_view text, size_t most = 200);

}  // namespace sightline::pull
