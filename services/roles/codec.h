#pragma once

#include <memory>

#include "compute/base/status.h"
#include "fusion/encoders/encoder_set.h"
#include "fusion/engine.h"
#include "fusion/vision_pipeline.h"
#include "services/roles/language_role.h"
#include "sightline/internal/v1/language.pb.h"
#include "sightline/internal/v1/vision.pb.h"

namespace sightline {

// Native structs to internal messages and back; the one place where tensors meet protobuf. Decoding
// checks every size: the other side may be broken. INVALID_ARGUMENT when a message contradicts
// itself.
void EncodeMediaItem(const MediaItem& item, internal::v1::EncodeRequest* out);
// The result's bytes point into `in`.
StatusOr<MediaItem> DecodeMediaItem(const internal::v1::EncodeRequest& in);

// All but the size of a file, which the gateway's limit on messages bounds already.
void EncodeLimits(const MediaLimits& limits, internal::v1::MediaLimits* out);
// A limit that is not above 0 is none.
MediaLimits DecodeLimits(const internal::v1::MediaLimits& in);

void EncodeMedia(const EncodedMedia& media, internal::v1::EncodedMedia* out);
StatusOr<std::shared_ptr<const EncodedMedia>> DecodeMedia(const internal::v1::EncodedMedia& in);

void EncodeImageFeatures(const ImageFeatures& features, internal::v1::EncodeImageResponse* out);
StatusOr<ImageFeatures> DecodeImageFeatures(const internal::v1::EncodeImageResponse& in);

void EncodeGenerate(const GenerateRequest& request, internal::v1::GenerateRequest* out);
StatusOr<GenerateRequest> DecodeGenerate(const internal::v1::GenerateRequest& in);

void EncodeLanguageInfo(const LanguageInfo& info, internal::v1::GetLanguageInfoResponse* out);
LanguageInfo DecodeLanguageInfo(const internal::v1::GetLanguageInfoResponse& in);

void EncodeSummary(const GenerateSummary& summary, internal::v1::GenerateSummary* out);
StatusOr<GenerateSummary> DecodeSummary(const internal::v1::GenerateSummary& in);

}  // namespace sightline
