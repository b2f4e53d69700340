/* What a person reads who gives the wrong file: every message word for word. */
#include "tests/models/checkpoints.h"

#include <prune/model.h>
#include <stdio.h>

static prune_context *ctx;

/* Loading the file at `path` fails with exactly this behind its name. */
static void refused(const char *path, prune_status status, const char *message)
{
    prune_model *model = NULL;
    char whole[2048];
    (void)snprintf(whole, sizeof whole, "%s: %s", path, message);
    prune_status got = prune_model_load(&model, ctx, path, NULL);
    ck_assert_msg(got == status && strcmp(prune_last_error(), whole) == 0,
                  "%s \"%s\" instead of %s \"%s\"", prune_status_name(got), prune_last_error(),
                  prune_status_name(status), whole);
}

static void refused_bytes(const char *data, size_t size, prune_status status, const char *message)
{
    const char *path = test_path(0, "given.pth");
    ck_ok(pr_file_write(ctx, path, data, size));
    refused(path, status, message);
}

START_TEST(files_that_are_no_models)
{
    static char tar[600];
    ctx = test_context(1);
    const char *lfs = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 99\n";
    refused_bytes(lfs, strlen(lfs), PRUNE_E_FORMAT,
                  "a Git LFS pointer, not the model itself: fetch it with 'git lfs pull'");
    static const char *const pages[] = {"<!DOCTYPE html><html>", "<!doctype html>", "\n <HTML>",
                                        "\xef\xbb\xbf<html lang=\"en\">",
                                        "<?xml version=\"1.0\"?><Error>"};
    for (size_t k = 0; k < sizeof pages / sizeof *pages; k++)
        refused_bytes(pages[k], strlen(pages[k]), PRUNE_E_FORMAT,
                      "a web page, not a model: download the file itself");
    refused_bytes("", 0, PRUNE_E_FORMAT, "the file is empty");
    refused_bytes("\x80\2}q\0.", 6, PRUNE_E_UNSUPPORTED,
                  "a bare pickle, not a PyTorch state dict: save it with "
                  "torch.save(model.state_dict(), ...)");
    memcpy(tar + 257, "ustar", 5);
    refused_bytes(tar, sizeof tar, PRUNE_E_UNSUPPORTED,
                  "a tar archive (or a PyTorch file older than 0.1.10): save it again with a "
                  "current PyTorch");
    refused_bytes("\x40\0\0\0\0\0\0\0{\"x\":", 13, PRUNE_E_FORMAT,
                  "a safetensors file that ends inside its header of 64 bytes; is the file "
                  "truncated?");
    refused_bytes("Entry not found", 15, PRUNE_E_FORMAT,
                  "neither zstd, safetensors nor a PyTorch file (by its first bytes); give a model "
                  "file");
    prune_context_free(ctx);
}
END_TEST

START_TEST(archives_that_are_no_state_dicts)
{
    static zip_maker z;
    static bytes pickle;
    ctx = test_context(1);
    const char *path = test_path(0, "archive.pth");
    zip_entry(&z, "net/data.pkl", "\x80\2}.", 4);
    zip_entry(&z, "net/constants.pkl", "\x80\2).", 4);
    zip_end(&z);
    write_bytes(ctx, path, &z.file);
    refused(path, PRUNE_E_UNSUPPORTED,
            "a TorchScript archive (program and data), not a state dict: save model.state_dict() "
            "with torch.save");
    /* A download that stopped. */
    z.file.size -= 30;
    write_bytes(ctx, path, &z.file);
    refused(path, PRUNE_E_FORMAT,
            "zip archive: no end-of-directory record; the file is damaged or truncated");
    /* torch.save(model): the module, not its state. */
    memset(&z, 0, sizeof z);
    add_text(&pickle, "\x80\2"
                      "cdepth_anything_v2.dpt\nDepthAnythingV2\n)\x81}b.");
    zip_entry(&z, "net/data.pkl", pickle.data, pickle.size);
    zip_end(&z);
    write_bytes(ctx, path, &z.file);
    refused(path, PRUNE_E_UNSUPPORTED,
            "the file holds an object of class 'DepthAnythingV2', not a state dict: save "
            "model.state_dict() instead");
    memset(&z, 0, sizeof z);
    zip_entry(&z, "net/data.pkl", "\x80\2}.", 4);
    zip_end(&z);
    write_bytes(ctx, path, &z.file);
    refused(path, PRUNE_E_FORMAT,
            "no state dict in the file: expected a dict of tensors, or one under 'state_dict' or "
            "'model'");
    prune_context_free(ctx);
}
END_TEST

/* A checkpoint of two small tensors, one of them called `name`. */
static void refused_names(const char *name, const char *explanation)
{
    pr_table table;
    char message[600];
    const char *path = test_path(1, "other.safetensors");
    const pr_shape shape = pr_shape1(2);
    pr_table_init(&table, ctx);
    for (int k = 0; k < 2; k++) {
        pr_tensor tensor;
        ck_ok(pr_tensor_zeros(&tensor, ctx, PR_F32, &shape));
        ck_ok(pr_table_add(&table, k ? name : "a.first", tensor));
    }
    ck_ok(pr_safetensors_write(&table, path));
    pr_table_free(&table);
    (void)snprintf(message, sizeof message,
                   "no known network among 2 tensors: these are of %s. Depth Anything V2 and "
                   "RT-MonoDepth-S are supported",
                   explanation);
    refused(path, PRUNE_E_UNSUPPORTED, message);
}

START_TEST(checkpoints_of_other_networks)
{
    ctx = test_context(1);
    refused_names("module.layer1.0.conv1.weight", "a ResNet, which classifies pictures");
    refused_names("encoder.layer1.0.conv1.weight", "a ResNet encoder, as monodepth2 has it");
    refused_names("scratch.refinenet1.resConfUnit1.conv1.weight",
                  "MiDaS or DPT, another network with a similar head");
    refused_names("core.core.pretrained.cls_token",
                  "a ZoeDepth network, as the metric models of Depth Anything V1 are; use the "
                  "metric models of V2");
    refused_names("blocks.0.ls1.gamma", "DINOv2, the encoder without a depth head");
    refused_names("blocks.0.attn.qkv.weight", "a vision transformer without a depth head");
    refused_names("unet.down_blocks.0.resnets.0.conv1.weight",
                  "a diffusion network, as Marigold has it");
    refused_names("decoder.0.conv.conv.weight",
                  "a monodepth2 decoder, or of RT-MonoDepth's without its encoder: give the folder "
                  "with encoder.pth and depth.pth");
    prune_context_free(ctx);
}
END_TEST

START_TEST(unknown_networks_and_types)
{
    ctx = test_context(1);
    const char *path = test_path(1, "other.safetensors");
    static bytes b;
    const char *header = "{\"x.weight\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}";
    add_number(&b, strlen(header), 8);
    add_text(&b, header);
    add_number(&b, 0, 4);
    write_bytes(ctx, path, &b);
    refused(path, PRUNE_E_UNSUPPORTED,
            "no known network: among its 1 tensors ('x.weight' ...) is neither "
            "'pretrained.patch_embed.proj.weight' (Depth Anything V2) nor one of another supported "
            "family");
    b.size = 0;
    header = "{\"x.weight\":{\"dtype\":\"F8_E4M3\",\"shape\":[4],\"data_offsets\":[0,4]}}";
    add_number(&b, strlen(header), 8);
    add_text(&b, header);
    add_number(&b, 0, 4);
    write_bytes(ctx, path, &b);
    refused(path, PRUNE_E_UNSUPPORTED,
            "tensor 'x.weight': dtype F8_E4M3 is not supported; convert it to F32, F16 or BF16");
    /* The rest of the download is missing. */
    header = "{\"x.weight\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}";
    b.size = 0;
    add_number(&b, strlen(header), 8);
    add_text(&b, header);
    add_number(&b, 0, 2);
    write_bytes(ctx, path, &b);
    refused(path, PRUNE_E_FORMAT,
            "tensor 'x.weight': data_offsets [0, 4] must begin at 0 and end within the 2 bytes of "
            "data; is the file truncated?");
    b.size = 0;
    add_number(&b, 2, 8);
    add_text(&b, "{}");
    write_bytes(ctx, path, &b);
    refused(path, PRUNE_E_UNSUPPORTED, "no known network: the file holds no tensors at all");
    prune_context_free(ctx);
}
END_TEST

/* The tiny checkpoint without the tensors whose names contain `without`; `grow` gets one row more
 * in its first axis' place. */
static const char *damaged(const char *without, const char *reshape)
{
    pr_table from, to;
    const char *path = test_path(2, "damaged.safetensors");
    ck_ok(pr_container_read(&from, ctx, "tests/golden/dav2_tiny.pth", 0));
    pr_table_init(&to, ctx);
    for (size_t i = 0; i < from.count; i++) {
        pr_tensor tensor = pr_tensor_share(&from.items[i].tensor);
        if (without && strstr(from.items[i].name, without)) {
            pr_tensor_release(&tensor);
            continue;
        }
        if (reshape && strcmp(from.items[i].name, reshape) == 0)
            tensor.shape = pr_shape1(pr_tensor_count(&tensor));
        ck_ok(pr_table_add(&to, from.items[i].name, tensor));
    }
    ck_ok(pr_safetensors_write(&to, path));
    pr_table_free(&from);
    pr_table_free(&to);
    return path;
}

static void refused_tiny(const char *path, const char *message)
{
    prune_model *model = NULL;
    prune_load_options o;
    char whole[2048];
    prune_load_options_init(&o);
    o.heads = 4;
    (void)snprintf(whole, sizeof whole, "%s: %s", path, message);
    ck_assert_int_eq(prune_model_load(&model, ctx, path, &o), PRUNE_E_FORMAT);
    ck_assert_str_eq(prune_last_error(), whole);
}

START_TEST(incomplete_checkpoints)
{
    ctx = test_context(1);
    refused_tiny(damaged("blocks.2.attn.proj.bias", NULL),
                 "its 126 tensors do not make the network: 1 missing "
                 "('pretrained.blocks.2.attn.proj.bias'); is this the whole checkpoint, and of "
                 "this network?");
    refused_tiny(damaged("attn.proj", "depth_head.scratch.layer3_rn.weight"),
                 "its 119 tensors do not make the network: 8 missing "
                 "('pretrained.blocks.0.attn.proj.weight', 'pretrained.blocks.0.attn.proj.bias', "
                 "'pretrained.blocks.1.attn.proj.weight' and 5 more), 1 with another shape "
                 "('depth_head.scratch.layer3_rn.weight' is 1152, expected 8x16x3x3); is this the "
                 "whole checkpoint, and of this network?");
    /* Renamed: missing under one name, of no layer under the other. */
    pr_table table;
    ck_ok(pr_container_read(&table, ctx, "tests/golden/dav2_tiny.pth", 0));
    for (size_t i = 0; i < table.count; i++) {
        char *gamma = strstr(table.items[i].name, "ls1.gamma");
        if (gamma) memcpy(gamma + 4, "alpha", 5);
    }
    ck_ok(pr_safetensors_write(&table, test_path(2, "renamed.safetensors")));
    pr_table_free(&table);
    refused_tiny(
        test_path(2, "renamed.safetensors"),
        "its 127 tensors do not make the network: 4 missing "
        "('pretrained.blocks.0.ls1.gamma', 'pretrained.blocks.1.ls1.gamma', "
        "'pretrained.blocks.2.ls1.gamma' and 1 more), 4 of no layer "
        "('pretrained.blocks.0.ls1.alpha', 'pretrained.blocks.1.ls1.alpha' and 2 more); is "
        "this the whole checkpoint, and of this network?");
    refused_tiny(damaged("blocks.1.mlp.fc1.weight", NULL),
                 "tensor 'pretrained.blocks.1.mlp.fc1.weight' is missing, but the checkpoint has 4 "
                 "transformer blocks; is it whole?");
    refused_tiny(damaged("depth_head.", NULL),
                 "tensor 'depth_head.projects.0.weight' is missing; is this the whole checkpoint?");
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("models/strangers", files_that_are_no_models, archives_that_are_no_state_dicts,
          checkpoints_of_other_networks, unknown_networks_and_types, incomplete_checkpoints)
