#include "libprune/formats/container.h"

#include "libprune/base/size.h"
#include "libprune/formats/pytorch.h"
#include "libprune/formats/safetensors.h"
#include "libprune/formats/zip.h"
#include "libprune/formats/zstd.h"

#include <ctype.h>
#include <string.h>

static bool starts_with(const uint8_t *data, uint64_t size, const char *text)
{
    size_t length = strlen(text);
    return size >= length && memcmp(data, text, length) == 0;
}

/* Markup in any case, behind blanks or a byte order mark. */
static bool is_web_page(const uint8_t *data, uint64_t size)
{
    static const char *const tags[] = {"<!doctype", "<html", "<head", "<?xml"};
    uint64_t at = starts_with(data, size, "\xef\xbb\xbf") ? 3 : 0;
    while (at < size && strchr(" \t\r\n", data[at]) && data[at]) at++;
    for (size_t t = 0; t < sizeof tags / sizeof *tags; t++) {
        size_t length = strlen(tags[t]), same = 0;
        if (size - at < length) continue;
        while (same < length && tolower(data[at + same]) == tags[t][same]) same++;
        if (same == length) return true;
    }
    return false;
}

/* Bytes of the header that a safetensors file begins with but does not hold to its end; 0: no. */
static uint64_t cut_header(const uint8_t *data, uint64_t size)
{
    uint64_t header = 0;
    if (size < 9 || data[8] != '{') return 0;
    for (int k = 7; k >= 0; k--) header = header << 8 | data[k];
    return header <= 100000000 && header > size - 8 ? header : 0;
}

static prune_status refuse(const uint8_t *data, uint64_t size)
{
    if (size == 0) return pr_fail(PRUNE_E_FORMAT, "the file is empty");
    if (starts_with(data, size, "version https://git-lfs"))
        return pr_fail(PRUNE_E_FORMAT,
                       "a Git LFS pointer, not the model itself: fetch it with 'git lfs pull'");
    if (is_web_page(data, size))
        return pr_fail(PRUNE_E_FORMAT, "a web page, not a model: download the file itself");
    uint64_t header = cut_header(data, size);
    if (header)
        return pr_fail(PRUNE_E_FORMAT,
                       "a safetensors file that ends inside its header of %llu bytes; is the file "
                       "truncated?",
                       (unsigned long long)header);
    if (size > 262 && memcmp(data + 257, "ustar", 5) == 0)
        return pr_fail(PRUNE_E_UNSUPPORTED, "a tar archive (or a PyTorch file older than 0.1.10): "
                                            "save it again with a current PyTorch");
    if (starts_with(data, size, "PYTORCH1"))
        return pr_fail(PRUNE_E_UNSUPPORTED,
                       "a PyTorch preview-release archive: save it again with a current PyTorch");
    if (data[0] == 0x80)
        return pr_fail(PRUNE_E_UNSUPPORTED, "a bare pickle, not a PyTorch state dict: save it with "
                                            "torch.save(model.state_dict(), ...)");
    return pr_fail(
        PRUNE_E_FORMAT,
        "neither zstd, safetensors nor a PyTorch file (by its first bytes); give a model "
        "file");
}

/* Halves become floats of twice the size: room for that is made in front of the content, so that
 * it needs no further memory (pr_table_widen). A header that hides its dtypes behind escapes gets
 * none. */
static bool names_halves(const uint8_t *header, uint64_t bytes)
{
    for (uint64_t i = 0; i + 4 <= bytes; i++)
        if (header[i] == 'F' && memcmp(header + i, "F16\"", 4) == 0) return true;
    return false;
}

static prune_status read_zstd(pr_table *out, prune_context *ctx, const uint8_t *data, uint64_t size,
                              uint64_t max_bytes)
{
    pr_zstd_content content;
    if (max_bytes == 0 && !pr_mul_u64(&max_bytes, size, 64)) max_bytes = UINT64_MAX;
    PR_TRY(pr_zstd_read(&content, ctx, data, size, max_bytes, names_halves));
    prune_status status =
        pr_safetensors_read(out, ctx, content.buffer, content.data, content.bytes);
    pr_formats_drop(content.buffer);
    return status;
}

static prune_status parse(pr_table *out, prune_context *ctx, pr_buffer *file, uint64_t size,
                          uint64_t max_bytes)
{
    const uint8_t *data = file->data;
    if (pr_zstd_probe(data, size)) return read_zstd(out, ctx, data, size, max_bytes);
    if (pr_safetensors_probe(data, size)) return pr_safetensors_read(out, ctx, file, data, size);
    if (pr_zip_probe(data, size)) return pr_pytorch_read_zip(out, ctx, file, size);
    if (pr_pytorch_probe_legacy(data, size)) return pr_pytorch_read_legacy(out, ctx, file, size);
    return refuse(data, size);
}

prune_status pr_container_read(pr_table *out, prune_context *ctx, const char *path,
                               uint64_t max_bytes)
{
    pr_buffer *file;
    uint64_t size;
    PR_TRY(pr_formats_map(&file, &size, ctx, path));
    prune_status status = parse(out, ctx, file, size, max_bytes);
    pr_formats_drop(file);
    return status == PRUNE_OK ? status : pr_fail_within(status, "%s", path);
}

/* The caller's memory is nobody's to free. */
static void leave(void *owner)
{
    (void)owner;
}

prune_status pr_container_read_memory(pr_table *out, prune_context *ctx, const void *data,
                                      uint64_t size, uint64_t max_bytes)
{
    pr_buffer *file;
    PR_TRY(pr_formats_buffer(&file, ctx, (void *)(uintptr_t)data, leave, NULL));
    prune_status status = parse(out, ctx, file, size, max_bytes);
    pr_formats_drop(file);
    return status;
}
