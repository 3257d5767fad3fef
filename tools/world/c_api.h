/* C interface for the trainer. All outputs are the caller's, row-major; results depend on the seed
 * alone. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The blob is described in tokens.h. NULL when it is malformed. */
void* sl_world_create(const char* tokenizer_blob, size_t n, int threads);
void sl_world_destroy(void* world);

/* From now on stills and their questions are those of the iid split, or of the held-out one: to
   choose between weights, never to train them. */
void sl_world_measure(void* world, int heldout);

/* pixels [B, n_images, H, W, 3]; tokens, segment [B, T] (-1: padding); is_answer [B, T]: 1 where
   the token is to be predicted; objects [B, n_images, 12, 16]: valid, cx, cy, w, h (visible box,
   0..1), shape, colour, size, fill, kind, label length, five characters (0..35, -1 none); domain
   [B]: 1 for a picture that is no scene (n_images 1 only). */
void sl_world_fill_images(void* world, uint64_t seed, int batch, int n_images, int width,
                          int height, int text, float outlier_fraction, uint8_t* pixels,
                          int32_t* tokens, uint8_t* is_answer, int32_t* segment, float* objects,
                          float* domain);
/* n_frames decides the duration (clip.h, SampledFrames); times [B, F] in seconds. */
void sl_world_fill_clips(void* world, uint64_t seed, int batch, int n_frames, int width, int height,
                         int text, uint8_t* pixels, float* times_s, int32_t* tokens,
                         uint8_t* is_answer, int32_t* segment);
/* The same clips' events, labels [B, F, 8 types * 10 shapes]: 1 where a frame is the first to show
   such an event of an object of such a shape (types in clip.h's order). */
void sl_world_clip_events(void* world, uint64_t seed, int batch, int n_frames, int width,
                          int height, uint8_t* labels);
/* Lines of questions and answers without labels or boxes; returns the bytes written. */
size_t sl_world_corpus(uint64_t seed, int lines, char* out, size_t capacity);

#ifdef __cplusplus
}
#endif
