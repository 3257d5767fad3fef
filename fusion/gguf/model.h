// A model in GGUF files: the one that is named, the other parts of a split model, and the mmproj
// file with the visual half.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "compute/weights/gguf.h"

namespace sightline {

// Const after opening; thread-safe.
struct GgufModel {
  std::vector<std::shared_ptr<GgufFile>> parts;  // [0] holds the metadata
  std::shared_ptr<GgufFile> vision;              // null: text alone
  const GgufFile& text() const { return *parts[0]; }
};

// Whether a model is named by a GGUF file: "MODEL.gguf", or "MODEL.gguf,MMPROJ.gguf" where the
// visual half is named too.
bool IsGgufPath(const std::string& path);
// The second form from its two files; `mmproj` may be empty.
std::string GgufPath(const std::string& model, const std::string& mmproj);
// The file to open: `path` itself when it is a file of this kind, the one model in a folder of GGUF
// files, or
// "" when there is none or no single one.
std::string FindGguf(const std::string& path);
// The file's name without ".gguf" and without "-00001-of-0000N".
std::string GgufName(const std::string& path);

// Where no mmproj is named, the one file "mmproj*.gguf" in the same folder is taken. NOT_FOUND or
// INVALID_ARGUMENT names what is missing or wrong: a part, a file that is none of a model's two
// kinds, several mmproj files to choose from.
StatusOr<GgufModel> OpenGgufModel(const std::string& path);
// Opened files put together, with the same checks.
StatusOr<GgufModel> MakeGgufModel(std::vector<std::shared_ptr<GgufFile>> parts,
                                  std::shared_ptr<GgufFile> vision);

}  // namespace sightline
