// Every op on every backend that this machine has. With SIGHTLINE_OPS_TABLE=FILE it writes the
// table of ops and backends there (docs/ops.md).
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "tests/compute/op_cases.h"

namespace sightline {

double Lab::Error(const float* at, const std::vector<double>& want) const {
  std::vector<float> got(want.size());
  backend().ToHost(at, got.size() * sizeof(float), got.data());
  double largest = 0, error = 0;
  for (size_t i = 0; i < want.size(); ++i) {
    double d = std::fabs(got[i] - want[i]);
    if (std::isnan(d)) return INFINITY;
    largest = std::max(largest, std::fabs(want[i]));
    error = std::max(error, d);
  }
  return largest > 0 ? error / largest : error;
}

Linear Lab::Layer(const std::vector<float>& w, const std::vector<float>& bias, int64_t n,
                  int64_t k) {
  Linear layer{Tensor({n, k}), bias};
  layer.w.data = w;
  return ToDevice(layer, device_);
}

float* Lab::Put(const std::vector<float>& values) {
  held_.push_back(Buffer(values).To(device_));
  return held_.back().address();
}

namespace {

constexpr double kBound = 1e-4;  // of float32 sums over a few hundred numbers
constexpr int kTrials = 24;

std::vector<OpCase> AllCases() {
  std::vector<OpCase> all = RowCases();
  for (const auto& more : {MapCases(), AttentionCases()}) {
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
}

// The largest error of an op's trials.
StatusOr<double> Trials(const OpCase& op, const Device& device) {
  double worst = 0;
  for (uint64_t seed = 0; seed < kTrials; ++seed) {
    Lab lab(device);
    Rng rng(seed * 7919 + op.name.size());
    SL_ASSIGN_OR_RETURN(double error, op.run(lab, rng));
    worst = std::max(worst, error);
  }
  return worst;
}

std::string Head(const std::vector<Device>& devices) {
  std::string out =
      "# Ops and backends\n\nWritten by `tests/compute/all_backends_test.cc`: the largest error "
      "of " +
      std::to_string(kTrials) +
      " random cases against plain loops in\ndouble precision, over the largest number that was "
      "wanted. Bound: 1e-4.\n\n| op |";
  for (const Device& d : devices) out += " " + d.name() + " |";
  out += "\n| --- |";
  for (size_t i = 0; i < devices.size(); ++i) out += " --- |";
  return out + "\n";
}

TEST(AllBackendsTest, EveryOpEqualsDouble) {
  std::vector<Device> devices = AllDevices();
  std::ostringstream table;
  table << Head(devices);
  table.setf(std::ios::scientific);
  table.precision(1);
  for (const OpCase& op : AllCases()) {
    table << "| " << op.name << " |";
    for (const Device& device : devices) {
      StatusOr<double> error = Trials(op, device);
      if (error.ok()) {
        EXPECT_LE(*error, kBound) << op.name << " on " << device.name();
        table << " " << *error << " |";
      } else {
        EXPECT_TRUE(absl::IsUnimplemented(error.status()) && !device.is_host())
            << op.name << " on " << device.name() << ": " << error.status();
        table << " not implemented |";
      }
    }
    table << "\n";
  }
  std::puts(table.str().c_str());
  if (const char* file = std::getenv("SIGHTLINE_OPS_TABLE")) std::ofstream(file) << table.str();
}

TEST(DeviceTest, NamesAreCheckedAndAbsentBackendsSaySo) {
  EXPECT_TRUE(Device::Open("cpu")->is_host());
  for (const char* name : {"", "gpu", "cuda:", "cuda:-1", "cuda:x", "cuda0", "cpu:0"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(Device::Open(name).status())) << name;
  }
  auto cuda = Device::Open("cuda:4000");
  ASSERT_FALSE(cuda.ok());
  EXPECT_NE(cuda.status().message().find("cuda:4000"), std::string::npos);
}

TEST(DeviceTest, OpsThatABackendLacksAreNamed) {
  class Bare : public Backend {
   public:
    std::string name() const override { return "bare"; }
    void* Allocate(size_t) override { return nullptr; }
    void Release(void*) override {}
    void Zero(void*, size_t) override {}
    void FromHost(const void*, size_t, void*) override {}
    void ToHost(const void*, size_t, void*) override {}
    void CopyWithin(const void*, size_t, void*) override {}
    void Synchronize() override {}
    std::unique_ptr<Event> Record() override { return nullptr; }
  } bare;
  Status status = bare.MatMul(nullptr, 0, Linear(), nullptr);
  EXPECT_TRUE(absl::IsUnimplemented(status));
  EXPECT_NE(status.message().find("MatMul"), std::string::npos);
  EXPECT_NE(status.message().find("bare"), std::string::npos);
}

TEST(BufferTest, IsAValueOnEveryDevice) {
  Rng rng(3);
  for (const Device& device : AllDevices()) {
    std::vector<float> values = Normal(1000, rng), other = Normal(1000, rng);
    Buffer a = Buffer(values).To(device);
    Buffer b = a, c;
    EXPECT_EQ(a.device(), device);
    c = std::move(a);
    b = Buffer(other).To(device);
    EXPECT_EQ(c.Host(), values);
    EXPECT_EQ(b.Host(), other);
    EXPECT_EQ(c.To(Device()), Buffer(values));
    EXPECT_EQ(Buffer(7, device).Host(), std::vector<float>(7));
    EXPECT_TRUE(Buffer(std::vector<float>()).To(device).empty());
  }
}

TEST(StreamTest, EventsAreOrdered) {
  for (const Device& device : AllDevices()) {
    Stream stream(device);
    auto before = stream.Record();
    Buffer work(1 << 20, device);
    auto after = stream.Record();
    after->Wait();
    stream.Synchronize();
    EXPECT_GE(after->MsSince(*before), 0);
  }
}

}  // namespace
}  // namespace sightline
