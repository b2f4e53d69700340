/* A deployed program: one picture in, one depth map out.
 *   depth MODEL PICTURE OUT                 PNG or JPEG
 *   depth MODEL PIXELS WIDTHxHEIGHT OUT     raw 8-bit RGB, as a camera driver hands them over
 * OUT ends in .pfm or .npy (the model's own units), or .png (16 bits, millimetres; metric models
 * only). Says on the way what the first map and each further one cost.
 *   cc depth.c -o depth $(pkg-config --cflags --libs prune) */
#include <prune/runtime.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

/* The library never prints: what went wrong, and what to do, is a line that belongs to us. */
static int failed(void)
{
    (void)fprintf(stderr, "depth: %s\n", prune_last_error());
    return 1;
}

static int complain(const char *what, const char *why)
{
    (void)fprintf(stderr, "depth: %s: %s\n", what, why);
    return 1;
}

static bool ends_in(const char *path, const char *ending)
{
    const size_t length = strlen(path), tail = strlen(ending);
    return length > tail && strcmp(path + length - tail, ending) == 0;
}

/* Reads width * height * 3 bytes; NULL when there are fewer. The caller frees them. */
static uint8_t *read_raw(const char *path, int32_t width, int32_t height)
{
    const size_t bytes = (size_t)width * (size_t)height * 3;
    uint8_t *data = malloc(bytes);
    FILE *file = fopen(path, "rb");
    const size_t found = data && file ? fread(data, 1, bytes, file) : 0;
    if (file) (void)fclose(file);
    if (found == bytes) return data;
    free(data);
    return NULL;
}

static prune_status write_map(prune_context *context, const char *path, const float *values,
                              const prune_pixels *pixels)
{
    const int32_t width = pixels->width, height = pixels->height;
    if (ends_in(path, ".pfm")) return prune_map_write_pfm(context, path, values, width, height);
    if (ends_in(path, ".npy")) return prune_map_write_npy(context, path, values, width, height);
    return prune_depth_write(context, path, values, width, height, 1000.0);
}

static int run(prune_context *context, prune_session *session, const prune_pixels *pixels,
               const char *out, double start)
{
    prune_prediction kind = {0};
    struct rusage usage;
    prune_session_describe(session, &kind);
    if (ends_in(out, ".png") && kind.output_kind != 2)
        return complain(out, "this model does not say metres; write a .pfm or .npy");
    float *depth = malloc((size_t)pixels->width * (size_t)pixels->height * sizeof *depth);
    if (!depth) return complain(out, "out of memory");
    prune_status status = prune_session_predict(session, pixels, depth);
    const double first = now() - start;
    /* A camera loop would go on like this: sessions allocate nothing while they run. */
    const double again = now();
    if (status == PRUNE_OK) status = prune_session_predict(session, pixels, depth);
    const double each = now() - again;
    if (status == PRUNE_OK) status = write_map(context, out, depth, pixels);
    free(depth);
    if (status != PRUNE_OK) return failed();
    (void)getrusage(RUSAGE_SELF, &usage);
    (void)printf("%s: %dx%d, first map after %.1f ms, then %.1f ms each; peak memory %.1f MB\n",
                 out, pixels->width, pixels->height, first, each, (double)usage.ru_maxrss / 1024);
    return 0;
}

int main(int argc, char **argv)
{
    const double start = now();
    prune_context *context = NULL;
    prune_model *model = NULL;
    prune_session *session = NULL;
    prune_image image = {0};
    prune_pixels pixels = {0};
    uint8_t *raw = NULL;
    if (argc != 4 && argc != 5)
        return complain("usage", "depth MODEL PICTURE OUT | depth MODEL PIXELS WIDTHxHEIGHT OUT");
    if (argc == 5) {
        if (sscanf(argv[3], "%dx%d", &pixels.width, &pixels.height) != 2 || pixels.width < 1 ||
            pixels.height < 1)
            return complain(argv[3], "want WIDTHxHEIGHT, such as 640x480");
        pixels.data = raw = read_raw(argv[2], pixels.width, pixels.height);
        if (!raw) return complain(argv[2], "does not hold WIDTH * HEIGHT * 3 bytes");
    }
    prune_status status = prune_context_create(&context, NULL);
    if (status == PRUNE_OK && !raw) status = prune_image_read(&image, context, argv[2]);
    if (image.rgb) pixels = (prune_pixels){image.rgb, image.width, image.height, 0, PRUNE_RGB};
    if (status == PRUNE_OK) status = prune_model_load(&model, context, argv[1], NULL);
    if (status == PRUNE_OK) status = prune_session_create(&session, model, NULL);
    prune_model_free(model); /* the session has all that it needs */
    const int result =
        status == PRUNE_OK ? run(context, session, &pixels, argv[argc - 1], start) : failed();
    prune_session_free(session);
    prune_image_free(context, &image);
    prune_context_free(context);
    free(raw);
    return result;
}
