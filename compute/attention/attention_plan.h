// The way to the general attention kernel: a plan takes a selector's lists to a device, a run reads
// them there. What a plan holds depends on lists and places alone, so that one plan serves all
// layers of a step.
#pragma once

#include <memory>

#include "compute/attention/attention.h"
#include "compute/device/device.h"

namespace sightline {

class AttentionPlan {
 public:
  // lists, and places where pairs have a bias, outlive the plan: the CPU reads them where they are.
  AttentionPlan(const Device& device, const BlockList& lists, const BiasPlaces* places = nullptr);

  const Device& device() const { return device_; }
  const BlockList& lists() const { return *lists_; }
  const BiasPlaces* places() const { return places_; }
  // What the backend made of them; null for the CPU.
  const void* uploaded() const { return uploaded_.get(); }

  // args.lists and args.bias.places are the plan's. q, out, bias.table and the rows of each page of
  // k and v lie on the plan's device; the array of pages, `edit` and `tap` on the host.
  void Run(AttentionArgs args) const;

 private:
  Device device_;
  const BlockList* lists_;
  const BiasPlaces* places_;
  std::shared_ptr<const void> uploaded_;
};

}  // namespace sightline
