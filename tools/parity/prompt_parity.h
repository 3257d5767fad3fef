// From messages and files of a case to ids, and the strings of golden/tokenizer.json.
#pragma once

#include <string>

#include "compute/base/status.h"
#include "tools/parity/report.h"

namespace sightline::parity {

// Ids and decoded text of the strings that a model folder's golden/tokenizer.json lists, with and
// without what the tokenizer sets around; nothing where there is no such file.
Status CompareTokenizer(const std::string& directory, Report* report);

// Ids of every case of the folder that has its messages and the files they speak of, through the
// model's own template and processor.
Status ComparePrompts(const std::string& directory, Report* report);

}  // namespace sightline::parity
