#include "fusion/tokenizer_file.h"

#include "fusion/families/scenes.h"
#include "fusion/gguf/tokenizer.h"

namespace sightline {

StatusOr<std::unique_ptr<language::Tokenizer>> LoadTokenizer(const std::string& directory) {
  if (IsGgufPath(directory)) {
    SL_ASSIGN_OR_RETURN(GgufModel model, OpenGgufModel(directory));
    return ReadGgufTokenizer(model.text());
  }
  SL_ASSIGN_OR_RETURN(std::string json, ReadSmallFile(directory + "/tokenizer.json"));
  return language::Tokenizer::Parse(json);
}

}  // namespace sightline
