// Servers over real sockets, as one process or as roles, and what tests ask them.
#pragma once

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "services/server.h"
#include "services/status_map.h"
#include "sightline/v1/vision_language_service.grpc.pb.h"

namespace sightline::e2e {

inline std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

inline std::string SceneFile(const std::string& name) {
  return std::string(SIGHTLINE_SCENE_FILES) + "/" + name;
}

struct Question {
  std::string file, question, answer, family;
  double time_s = -1, tolerance_s = 0;
};

inline std::vector<Question> Questions() {
  std::vector<Question> out;
  for (const auto& j : nlohmann::json::parse(ReadFile(SceneFile("questions.json")))) {
    out.push_back({j["file"], j["question"], j["answer"], j["family"], j.value("time_s", -1.0),
                   j.value("tolerance_s", 0.0)});
  }
  return out;
}

inline v1::Content MediaContent(const std::string& file) {
  v1::Content c;
  if (file.find(".mp4") != std::string::npos) {
    c.mutable_video()->set_data(ReadFile(SceneFile(file)));
  } else {
    c.mutable_image()->set_data(ReadFile(SceneFile(file)));
  }
  return c;
}

inline v1::AnswerRequest Ask(const std::string& file, const std::string& question) {
  v1::AnswerRequest r;
  *r.add_content() = MediaContent(file);
  r.add_content()->set_text(question);
  return r;
}

inline ServerConfig BaseConfig(const std::string& role = "all") {
  ServerConfig c;
  c.role = role;
  c.listen = "127.0.0.1:0";
  c.model = std::string(SIGHTLINE_SOURCE_DIR) + "/models/scenes";
  c.log_level = "error";
  c.drain_s = 5;
  return c;
}

// One process, or a gateway with its two roles behind it.
class Deployment {
 public:
  explicit Deployment(bool split, ServerConfig front = BaseConfig()) {
    if (split) {
      ServerConfig vision = BaseConfig("vision"), language = BaseConfig("language");
      vision.model = language.model = front.model;
      vision.encoders = front.encoders;
      vision_ = Start(vision);
      language_ = Start(language);
      front.role = "gateway";
      front.vision = "127.0.0.1:" + std::to_string(vision_->port());
      front.language = "127.0.0.1:" + std::to_string(language_->port());
    }
    front_ = Start(front);
  }
  std::unique_ptr<v1::VisionLanguageService::Stub> Stub() const {
    return v1::VisionLanguageService::NewStub(Channel());
  }
  std::shared_ptr<grpc::Channel> Channel() const {
    grpc::ChannelArguments args;
    args.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return grpc::CreateCustomChannel("127.0.0.1:" + std::to_string(front_->port()),
                                     grpc::InsecureChannelCredentials(), args);
  }
  Server* front() { return front_.get(); }
  void StopVision() { vision_.reset(); }
  void StopLanguage() { language_.reset(); }

 private:
  static std::unique_ptr<Server> Start(const ServerConfig& c) {
    auto s = Server::Start(c);
    EXPECT_TRUE(s.ok()) << s.status();
    return s.ok() ? *std::move(s) : nullptr;
  }
  std::unique_ptr<Server> vision_, language_, front_;  // the gateway goes first
};

inline void SetDeadline(grpc::ClientContext* call, int seconds) {
  call->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(seconds));
}

inline grpc::Status Answer(v1::VisionLanguageService::Stub* stub, const v1::AnswerRequest& request,
                           v1::AnswerResponse* response, int seconds = 120) {
  grpc::ClientContext call;
  SetDeadline(&call, seconds);
  return stub->Answer(&call, request, response);
}

}  // namespace sightline::e2e
