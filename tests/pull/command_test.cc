// The program itself: `sightline pull` as a person runs it, interrupted and run again.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <thread>

#include "tests/pull/fake_hub.h"

namespace sightline::pull {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

class CommandTest : public ::testing::Test {
 protected:
  CommandTest() : folder_(TestFolder()), hub_(folder_) {
    hub_.files = {{"config.json", {"{}"}}, {"model.safetensors", {RandomBytes(3'000'000), true}}};
  }

  // Starts `sightline pull ARGUMENTS`; its output goes to files.
  pid_t Start(std::vector<std::string> arguments,
              const std::vector<std::string>& more_environment = {}) {
    std::vector<std::string> environment = {"SIGHTLINE_HOME=" + folder_ + "/home",
                                            "SSL_CERT_FILE=" + hub_.ca_file(),
                                            "HF_ENDPOINT=" + hub_.endpoint(), "HF_TOKEN=hf_secret"};
    environment.insert(environment.end(), more_environment.begin(), more_environment.end());
    arguments.insert(arguments.begin(), {"sightline", "pull"});
    std::vector<char*> argv, envp;
    for (std::string& s : arguments) argv.push_back(s.data());
    for (std::string& s : environment) envp.push_back(s.data());
    argv.push_back(nullptr);
    envp.push_back(nullptr);
    const std::string out = folder_ + "/out", err = folder_ + "/err";
    const pid_t pid = fork();
    if (pid != 0) return pid;
    dup2(open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644), STDOUT_FILENO);
    dup2(open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644), STDERR_FILENO);
    execve(SIGHTLINE_PROGRAM, argv.data(), envp.data());
    _exit(127);
  }
  int Wait(pid_t pid) {
    int status = 0;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  int Run(const std::vector<std::string>& arguments,
          const std::vector<std::string>& environment = {}) {
    return Wait(Start(arguments, environment));
  }
  std::string Out() const { return ReadFile(folder_ + "/out"); }
  std::string Err() const { return ReadFile(folder_ + "/err"); }

  std::string folder_;
  FakeHub hub_;
};

TEST_F(CommandTest, PrintsTheFolder) {
  ASSERT_EQ(Run({FakeHub::kRepository}), 0) << Err();
  const std::string folder = folder_ + "/home/models/acme/tiny-vlm/" + FakeHub::kCommit;
  EXPECT_EQ(Out(), folder + "\n");
  EXPECT_EQ(ReadFile(folder + "/model.safetensors"), hub_.files["model.safetensors"].content);
  EXPECT_THAT(Err(), HasSubstr("2 files, 3.0 MB"));
  EXPECT_THAT(Out() + Err(), Not(HasSubstr("hf_secret")));
  EXPECT_EQ(hub_.log().front().request.headers.at("authorization"), "Bearer hf_secret");
}

TEST_F(CommandTest, InterruptedItGoesOnTheNextTime) {
  std::atomic<bool> sent{false};
  hub_.SetHook([&](const Logged& l, Connection* to) {
    if (!l.at_content) return false;
    const std::string& content = hub_.ContentOf(l.request);
    to->Write("HTTP/1.1 200 X\r\nContent-Length: " + std::to_string(content.size()) + "\r\n\r\n");
    to->Write(std::string_view(content).substr(0, 1'500'000));
    sent = true;
    hub_.Hold();
    return true;
  });
  const pid_t pid = Start({FakeHub::kRepository});
  const std::string part = folder_ + "/home/models/acme/tiny-vlm/" + FakeHub::kCommit +
                           ".partial/model.safetensors.part";
  std::error_code ec;
  for (int i = 0; i < 6000; ++i) {
    if (sent && fs::file_size(part, ec) > 1'000'000 && !ec) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  kill(pid, SIGINT);
  EXPECT_EQ(Wait(pid), 130) << Err();
  hub_.Release();
  EXPECT_THAT(Err(), HasSubstr("cancelled"));
  const auto kept = fs::file_size(part);
  EXPECT_GT(kept, 1'000'000u);
  hub_.SetHook(nullptr);
  ASSERT_EQ(Run({FakeHub::kRepository}), 0) << Err();
  EXPECT_EQ(hub_.log().back().request.headers.at("range"), "bytes=" + std::to_string(kept) + "-");
}

TEST_F(CommandTest, OfflineAndWrongUse) {
  EXPECT_EQ(Run({FakeHub::kRepository}, {"HF_HUB_OFFLINE=1"}), 1);
  EXPECT_THAT(Err(), HasSubstr("offline"));
  EXPECT_TRUE(hub_.log().empty());
  EXPECT_EQ(Run({}), 2);
  EXPECT_EQ(Run({"not-a-model"}), 1);
  EXPECT_THAT(Err(), HasSubstr("ORG/NAME"));
  ASSERT_EQ(Run({FakeHub::kRepository, "--json", "--include", "*.json"}), 0) << Err();
  EXPECT_THAT(Out(), HasSubstr("\"commit\": \"0123456789"));
  EXPECT_EQ(Run({FakeHub::kRepository, "--offline", "--include", "*.json"}), 0) << Err();
}

}  // namespace
}  // namespace sightline::pull
